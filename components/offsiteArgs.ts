import type * as pulumi from "@pulumi/pulumi";

/** An off-site bucket that the stack makes, whoever has it. */
export interface MadeBucketArgs {
  /** Name, which most providers share among all their customers. */
  bucket: string;
  /** Folders in the bucket that the two keys reach, with or without slashes around them. */
  folders: string[];
  region: string;
  /** S3 endpoint without scheme; repository 2 is rendered with it. */
  endpoint: string;
  port: number;
  uriStyle: string;
  /** Days until hidden (B2) or noncurrent (S3) versions are destroyed. */
  hiddenDays: number;
  /** Default retention of the object lock, days; 0 is none. */
  objectLockDays: number;
  objectLockMode: "governance" | "compliance";
  /** Raised, it makes new keys; the old ones go once all use them. */
  keyGeneration: number;
  /** Who makes the bucket, for example project and stack: told from what others made. */
  owner: string;
  /** Protects the bucket, and keeps it when the stack is destroyed. */
  keepData: boolean;
}

/** Days until parts of an upload that never ended are destroyed: longer than any backup takes. */
export const unfinishedDays = 7;

/** Options of the bucket itself. */
export const bucketOptions = (parent: pulumi.Resource, keepData: boolean): pulumi.CustomResourceOptions => ({
  parent,
  protect: keepData,
  retainOnDelete: keepData,
});

/** Starts of the object names in these folders: `pgbackrest/`; empty for all of the bucket. */
export const prefixes = (folders: readonly string[]): string[] =>
  folders.map((folder) => folder.replace(/^\/+|\/+$/g, "")).map((folder) => (folder === "" ? "" : `${folder}/`));

/** The one folder that holds all of them: what a key with a single prefix is limited to. Empty for all of the bucket. */
export function commonPrefix(folders: readonly string[]): string {
  const [first = "", ...others] = prefixes(folders);
  const levels = first.split("/").slice(0, -1);
  const starts = levels.map((_, index) => `${levels.slice(0, levels.length - index).join("/")}/`);
  return starts.find((start) => others.every((other) => other.startsWith(start))) ?? "";
}
