import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignments, quote } from "../../../remote/quote.js";

/** Any text that a shell can hold: no NUL, no half of a character. */
const text = fc
  .oneof(fc.string({ unit: "binary" }), fc.string({ unit: fc.constantFrom(..." '\"$`\\\n\t!*?~#&;|<>(){}[]%=aé") }))
  .map((value) => value.replaceAll(/\0|\p{Surrogate}/gu, ""));

const sh = (script: string, input?: string) =>
  execFileSync("sh", ["-c", script], { encoding: "utf8", input: input ?? "" });

describe("quote", () => {
  it("is one word with that value in a real shell", () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (values) => {
        expect(
          sh(`printf '%s\\0' ${values.map(quote).join(" ")}`)
            .split("\0")
            .slice(0, -1),
        ).toEqual(values);
      }),
      { numRuns: 40 },
    );
  });

  it("survives a second shell, as behind sudo", () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(sh(`sh -c ${quote(`printf %s ${quote(value)}`)}`)).toBe(value);
      }),
      { numRuns: 30 },
    );
  });

  it.each(["main", "10.77.0.12:5432", "--repo=1", "a@b/c_d,e+f%g"])("leaves the plain word %s as it is", (word) => {
    expect(quote(word)).toBe(word);
  });

  it("quotes what a shell would expand or drop", () => {
    expect(["", "~", "*", "$x", "a b", "it's"].map(quote)).toEqual(["''", "'~'", "'*'", "'$x'", "'a b'", `'it'\\''s'`]);
  });
});

describe("assignments", () => {
  it("sets each variable to its value when a shell evaluates them from standard input", () => {
    fc.assert(
      fc.property(text, text, (first, second) => {
        const input = assignments({ FIRST: first, SECOND: second });
        // The mark keeps line ends at the end, which `$(...)` would drop from the last value.
        expect(sh(`eval "$(cat; echo :)"; printf '%s\\0%s' "$FIRST" "$SECOND"`, input)).toBe(`${first}\0${second}`);
      }),
      { numRuns: 40 },
    );
  });

  it("is nothing for nothing", () => expect(assignments({})).toBe(""));
});
