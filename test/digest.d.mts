export function digest(message: string): string[];
export function digestReport(report: object, root: string): string[];
export function fileTimes(report: object, root: string): [string, number][];
