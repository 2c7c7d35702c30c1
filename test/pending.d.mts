export const pending: { suites: string[]; files: string[] };
export const withPending: boolean;
