#!/usr/bin/env node
// Entry of the lab's commands: needs nothing but Node.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { nodePackages, root } from "./bootstrap.mjs";

nodePackages();
const child = spawn(process.execPath, ["--import", "tsx", join(root, "lab", "main.ts"), ...process.argv.slice(2)], {
  stdio: "inherit",
  cwd: root,
});
// Ctrl-C reaches the whole group: the lab comes to its own end, and this process tells how.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (status, signal) => process.exit(status ?? (signal === "SIGINT" ? 130 : 1)));
