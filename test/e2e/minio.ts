import { pathToFileURL } from "node:url";
import { type GoProgram, goProgram } from "../../lab/goProgram.js";
import { world } from "./lab.js";

/** The store with object lock that the immutability probe is tried on. */
const minio: GoProgram = {
  name: "minio",
  module: "github.com/minio/minio",
  version: "v0.0.0-20260212201848-7aac2a2c5b7c",
  variable: "RESTORABLE_MINIO_BINARY",
  what: "the store with object lock",
};

/** Its binary, built once per machine: two minutes of two cores. */
export const minioBinary = (): Promise<string> => goProgram(minio, world.cache, console.log);

// Run by itself it only builds: beside other suites, that need no lab.
if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await minioBinary();
