import { describe, expect, it } from "vitest";
import { ask, type Fetch } from "../../../status/prometheus.js";

const answering =
  (body: unknown, seen: string[] = []): Fetch =>
  async (url) => {
    seen.push(String(url));
    return new Response(JSON.stringify(body));
  };

describe("ask", () => {
  it("asks one instant query and gives labels and values", async () => {
    const seen: string[] = [];
    const result = [{ metric: { instance: "a" }, value: [1, "0.5"] }];
    const samples = await ask(
      "http://p:9090/",
      'up{job="a"}',
      answering({ status: "success", data: { result } }, seen),
    );
    expect(samples).toEqual([{ labels: { instance: "a" }, value: 0.5 }]);
    expect(seen).toEqual(["http://p:9090/api/v1/query?query=up%7Bjob%3D%22a%22%7D"]);
  });

  it("names the address when there is no answer", async () => {
    const get: Fetch = async () => {
      throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
    };
    await expect(ask("http://p:9090", "up", get)).rejects.toThrow(
      "Prometheus at http://p:9090 does not answer: connect ECONNREFUSED",
    );
  });

  it("gives Prometheus' own words for a question that it refuses", async () => {
    await expect(ask("http://p:9090", "up{", answering({ status: "error", error: "parse error" }))).rejects.toThrow(
      "parse error (up{)",
    );
  });

  it("an answer that is no JSON is an error", async () => {
    await expect(ask("http://p:9090", "up", async () => new Response("<html>"))).rejects.toThrow("does not answer");
  });
});
