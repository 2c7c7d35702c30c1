import { describe, expect, it } from "vitest";
import { copySource } from "../../../lab/machine.js";

const debian = `# The machine's own
Types: deb
URIs: http://mirror.example.org/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example.org/debian-security/
Suites: bookworm-security
Components: main
`;

describe("copySource", () => {
  it("takes address and key of the machine's own source, with the suites asked for", () => {
    expect(copySource(debian, "bookworm-backports")).toBe(`Types: deb
URIs: http://mirror.example.org/debian/
Suites: bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`);
  });

  it("skips a head of comments, and blank lines with spaces part paragraphs too", () => {
    const text =
      "# head\n# more\n \nTypes: deb\nURIs: http://a/debian\nSuites: trixie\n\t\nTypes: deb-src\nSuites: trixie\n";
    expect(copySource(text, "x")).toBe("Types: deb\nURIs: http://a/debian\nSuites: x\n");
  });
});
