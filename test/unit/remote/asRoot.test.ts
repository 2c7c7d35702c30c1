import { describe, expect, it } from "vitest";
import { asRoot } from "../../../remote/asRoot.js";

describe("asRoot", () => {
  it("leaves root's command as it is", () => {
    expect(asRoot("root", "facts 'my project'")).toBe("facts 'my project'");
  });

  it("goes through sudo, which never asks, for another login, as one command", () => {
    expect(asRoot("deploy", "timeout 5 facts 'p'; x")).toBe("sudo -n sh -c 'timeout 5 facts '\\''p'\\''; x'");
  });
});
