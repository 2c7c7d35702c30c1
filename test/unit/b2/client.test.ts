import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { B2Client, type B2ClientOptions } from "../../../providers/b2/client.js";
import { B2Error } from "../../../providers/b2/errors.js";
import { type Fake, key, keyId, startFake } from "./fake.js";

let fake: Fake;
let waits: number[];
const anything = z.object({ ok: z.boolean() });
const good = { body: { ok: true } };

beforeEach(async () => {
  fake = await startFake();
  fake.otherwise = () => good;
  waits = [];
});
afterEach(() => fake.close());

const client = (more: Partial<B2ClientOptions> = {}) =>
  new B2Client({
    ...{ apiUrl: fake.url, keyId, key, timeoutMs: 2_000 },
    sleep: async (ms) => void waits.push(ms),
    ...more,
  });
const names = () => fake.calls.map(({ name }) => name);
const refused = (code: string, status = 400) => ({ status, body: { status, code, message: `no: ${code}` } });
const failure = async (promise: Promise<unknown>): Promise<B2Error> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(B2Error);
  return error as B2Error;
};

describe("authorization", () => {
  it("is asked for once, with the account key, and its token goes with every call", async () => {
    const b2 = client();
    await Promise.all([b2.call("list_buckets", {}, anything), b2.call("list_keys", {}, anything)]);
    expect(names().filter((name) => name === "authorize_account")).toHaveLength(1);
    expect(fake.calls[0]?.token).toBe(`Basic ${Buffer.from(`${keyId}:${key}`).toString("base64")}`);
    expect(fake.calls.slice(1).map(({ token }) => token)).toEqual(["token-1", "token-1"]);
  });

  it.each(["expired_auth_token", "bad_auth_token"])("is renewed on %s", async (code) => {
    const b2 = client();
    await b2.authorize();
    fake.next = [refused(code, 401)];
    expect(await b2.call("list_keys", {}, anything)).toEqual({ ok: true });
    expect(fake.calls.at(-1)?.token).toBe("token-2");
  });

  it("is not renewed for ever", async () => {
    fake.otherwise = () => refused("expired_auth_token", 401);
    expect((await failure(client().call("list_keys", {}, anything))).code).toBe("expired_auth_token");
    expect(names().filter((name) => name === "list_keys")).toHaveLength(3);
  });

  it("that failed is asked for again by the next call", async () => {
    const b2 = client();
    fake.next = [refused("unauthorized", 401)];
    expect(await failure(b2.call("list_keys", {}, anything))).toMatchObject({ call: "authorize_account", status: 401 });
    expect(await b2.call("list_keys", {}, anything)).toEqual({ ok: true });
  });
});

describe("what passes is repeated", () => {
  it.each([408, 429, 500, 502, 503])("status %i", async (status) => {
    const b2 = client();
    await b2.authorize();
    fake.next = [refused("busy", status), refused("busy", status)];
    expect(await b2.call("list_keys", {}, anything)).toEqual({ ok: true });
    expect(waits).toHaveLength(2);
  });

  it("after the wait that the server asks for", async () => {
    const b2 = client();
    await b2.authorize();
    fake.next = [{ ...refused("too_many_requests", 429), headers: { "Retry-After": "7" } }];
    await b2.call("list_keys", {}, anything);
    expect(waits[0]).toBeGreaterThanOrEqual(7000);
    expect(waits[0]).toBeLessThan(8000);
  });

  it("a connection that was cut, an answer that is no JSON, and silence", async () => {
    const b2 = client({ timeoutMs: 300 });
    await b2.authorize();
    fake.next = ["cut", { body: "<html>" }, "hang"];
    expect(await b2.call("list_keys", {}, anything)).toEqual({ ok: true });
    expect(waits).toHaveLength(3);
  });

  it("so many times and no more", async () => {
    fake.otherwise = () => refused("service_unavailable", 503);
    const error = await failure(client({ retry: { attempts: 4 } }).call("list_keys", {}, anything));
    expect(error).toMatchObject({ status: 503, code: "service_unavailable" });
    expect(waits).toHaveLength(3);
  });

  it("not for longer than all of it may take", async () => {
    fake.otherwise = () => ({ ...refused("too_many_requests", 429), headers: { "Retry-After": "50" } });
    await failure(client({ retry: { totalMs: 10_000 } }).call("list_keys", {}, anything));
    expect(waits).toEqual([]);
  });

  it("but what B2 refuses is not", async () => {
    fake.otherwise = () => refused("bad_request");
    expect(await failure(client().call("list_keys", {}, anything))).toMatchObject({ status: 400, code: "bad_request" });
    expect(names()).toEqual(["authorize_account", "list_keys"]);
  });
});

describe("what must not be done twice", () => {
  const once = (b2: B2Client) => b2.call("create_key", {}, anything, { repeatable: false });

  it.each([
    ["a cut connection", "cut" as const],
    ["an internal error", refused("internal_error", 500)],
    ["an answer of another shape", { body: { ok: "secret-value" } }],
  ])("fails after %s, saying that it may have been done", async (_what, answer) => {
    const b2 = client();
    await b2.authorize();
    fake.next = [answer];
    const error = await failure(once(b2));
    expect(error.maybeDone).toBe(true);
    expect(error.message).not.toContain("secret-value");
    expect(names().filter((name) => name === "create_key")).toHaveLength(1);
  });

  it("is repeated when it was surely not done", async () => {
    const b2 = client();
    await b2.authorize();
    fake.next = [refused("too_many_requests", 429), refused("service_unavailable", 503)];
    expect(await once(b2)).toEqual({ ok: true });
  });
});

describe("secrets", () => {
  it("are not in errors, even when the server repeats them", async () => {
    const b2 = client();
    await b2.authorize();
    fake.otherwise = ({ token }) => ({ status: 400, body: { code: "bad_request", message: `${key} and ${token}` } });
    const { message } = await failure(b2.call("list_keys", {}, anything));
    expect(message).toBe("b2_list_keys: 400 bad_request: [secret] and [secret]");
  });

  it("are sent over https only, except to this machine", () => {
    expect(() => client({ apiUrl: "http://api.backblazeb2.com" })).toThrow("only spoken to over https");
    expect(() => client({ apiUrl: "https://api.backblazeb2.com" })).not.toThrow();
  });

  it("do not follow a redirect, nor an answer that points to plain http", async () => {
    const b2 = client({ retry: { attempts: 1 } });
    await b2.authorize();
    fake.next = [{ status: 302, headers: { Location: "http://127.0.0.1:1/" } }];
    expect(await failure(b2.call("list_keys", {}, anything))).toMatchObject({ code: "no_answer" });
    fake.next = [];
    const elsewhere = client();
    const real = await b2.authorize();
    fake.next = [
      {
        body: {
          ...real,
          apiInfo: { storageApi: { ...real.apiInfo.storageApi, apiUrl: "http://elsewhere.example" } },
        },
      },
    ];
    await expect(elsewhere.call("list_keys", {}, anything)).rejects.toThrow("only spoken to over https");
  });
});
