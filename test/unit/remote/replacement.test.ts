import { describe, expect, it } from "vitest";
import { Convergence } from "../../../remote/convergence.js";
import { parseFacts } from "../../../remote/facts.js";
import { type Replaceable, replacementOrder, type Standing } from "../../../remote/replacement.js";

const one = (name: string, standing: Standing): Replaceable => ({ name, image: "new", standing });
const stands = (image?: string, role?: string): Standing => ({
  known: true,
  ...(image ? { image } : {}),
  ...(role ? { role } : {}),
});
const current = one("monitor", stands("new"));

describe("replacementOrder", () => {
  it("X13: puts the present primary last, whichever node it is", () => {
    const nodes = [one("a", stands("old", "primary")), one("b", stands("old", "standby")), one("c", stands("old"))];
    expect(replacementOrder(current, nodes)).toEqual(["b", "c", "a"]);
  });

  it("X13: asks for no order on a first deployment, nor where nothing is replaced", () => {
    expect(replacementOrder(one("monitor", stands()), [one("a", stands()), one("b", stands())])).toBeUndefined();
    expect(replacementOrder(current, [one("a", stands("new", "primary")), one("b", stands())])).toBeUndefined();
  });

  it("X13: asks for one when only the monitor, or only one node that is left over, is due", () => {
    const nodes = [one("a", stands("new", "primary")), one("b", stands("new", "standby"))];
    expect(replacementOrder(one("monitor", stands("old")), nodes)).toEqual(["b", "a"]);
    expect(replacementOrder(current, [one("a", stands("old", "primary")), one("b", stands("new", "standby"))])).toEqual(
      ["b", "a"],
    );
  });

  it("X13: takes a host that cannot be looked at for one where something is due", () => {
    expect(replacementOrder(current, [one("a", { known: false }), one("b", stands("new", "standby"))])).toEqual([
      "a",
      "b",
    ]);
  });
});

describe("standing", () => {
  const facts = parseFacts("instance\tbox\tu1\tRUNNING\told\tstandby\ninstance\tother\tu2\tSTOPPED\t\t\n");
  const convergence = new Convergence(new Map([["alpha", { known: true, facts }]]), {});

  it("tells image and role as the host told them", () => {
    expect(convergence.standing("alpha", "box")).toEqual({ known: true, image: "old", role: "standby" });
    expect(convergence.standing("alpha", "other")).toEqual({ known: true });
    expect(convergence.standing("alpha", "absent")).toEqual({ known: true });
    expect(convergence.standing("beta", "box")).toEqual({ known: false });
  });
});
