import { createHash } from "node:crypto";
import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../shell.js";

/** A tar file of a root file system. */
export interface Layer {
  file: string;
  digest: string;
  size: number;
}

/** An image of one layer: its name with tag, and what a container of it starts with. */
export interface Image {
  name: string;
  config: { Env: string[]; User: string; WorkingDir?: string; Entrypoint?: string[] };
}

const oci = (kind: string) => `application/vnd.oci.image.${kind}`;
const architecture = process.arch === "x64" ? "amd64" : process.arch;

/** The documents of an OCI archive: blobs by digest, and the index that names the images. */
export function documents(layer: Omit<Layer, "file">, images: Image[]): { blobs: Map<string, string>; index: string } {
  const blobs = new Map<string, string>();
  const blob = (mediaType: string, content: object) => {
    const text = JSON.stringify(content);
    const digest = createHash("sha256").update(text).digest("hex");
    blobs.set(digest, text);
    return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(text) };
  };
  const manifests = images.map(({ name, config }) => ({
    ...blob(oci("manifest.v1+json"), {
      schemaVersion: 2,
      mediaType: oci("manifest.v1+json"),
      config: blob(oci("config.v1+json"), {
        architecture,
        os: "linux",
        config,
        rootfs: { type: "layers", diff_ids: [`sha256:${layer.digest}`] },
      }),
      layers: [{ mediaType: oci("layer.v1.tar"), digest: `sha256:${layer.digest}`, size: layer.size }],
    }),
    platform: { architecture, os: "linux" },
    annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.split(":").at(-1) },
  }));
  return { blobs, index: JSON.stringify({ schemaVersion: 2, manifests }) };
}

/** Writes images that share one layer as an archive that `ctr images import` takes. */
export async function writeArchive(scratch: string, archive: string, layer: Layer, images: Image[]): Promise<void> {
  const directory = join(scratch, "oci");
  const store = join(directory, "blobs", "sha256");
  mkdirSync(store, { recursive: true });
  const { blobs, index } = documents(layer, images);
  for (const [digest, text] of blobs) writeFileSync(join(store, digest), text);
  linkSync(layer.file, join(store, layer.digest));
  writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(directory, "index.json"), index);
  await shell(["tar", "-C", directory, "-cf", archive, "oci-layout", "index.json", "blobs"]);
}
