import { quote } from "./quote.js";

/** A shell command as root, for this login: as it is for root itself, through sudo for another one. */
export const asRoot = (user: string, command: string): string =>
  user === "root" ? command : `sudo -n sh -c ${quote(command)}`;
