import { draft, object } from "./draft.js";
import type { Problem } from "./problems.js";

const refusals: [pattern: RegExp, message: string][] = [
  [
    /cipher|encrypt/i,
    "is refused: every repository is encrypted (aes-256-cbc), each with the passphrase of its secret (repo1CipherPass, repo2CipherPass); nothing turns that off",
  ],
  [/public|^acl$|^bucketType$/i, "is refused: a bucket with backups is private; nothing makes it public"],
];

/** Keys that somebody may look for, and that there are on purpose not: refused with the reason, not as a slip. */
export function refusedKeys(raw: Record<string, unknown>): Problem[] {
  const places: [path: PropertyKey[], value: Record<string, unknown>][] = [
    [["offsite"], object(raw.offsite)],
    [["backup"], object(raw.backup)],
    ...draft(raw).repositories.map((repository, index): [PropertyKey[], Record<string, unknown>] => [
      ["backup", "repositories", index],
      repository,
    ]),
  ];
  return places.flatMap(([path, value]) =>
    Object.keys(value).flatMap((key) => {
      const message = refusals.find(([pattern]) => pattern.test(key))?.[1];
      return message ? [{ path: [...path, key], message }] : [];
    }),
  );
}
