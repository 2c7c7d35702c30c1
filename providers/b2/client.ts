import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import * as answers from "./answers.js";
import { B2Error } from "./errors.js";
import { defaultRetry, passes, type RetryPolicy, waitMs } from "./retry.js";

export interface B2ClientOptions {
  /** Where authorization is asked for, without a path: `https://api.backblazeb2.com`. */
  apiUrl: string;
  keyId: string;
  key: string;
  retry?: Partial<RetryPolicy>;
  /** Time that one request may take, ms. */
  timeoutMs?: number;
  /** For tests. */
  fetch?: typeof fetch;
  sleep?: (ms: number) => Promise<unknown>;
}

/** What a call is repeated for. A key that is made twice would leave one that nobody knows. */
export interface CallOptions {
  /** False: when it is not known whether the call was carried out, it fails with `maybeDone` instead. */
  repeatable?: boolean;
}

/** The B2 native API v4, https://www.backblaze.com/apidocs. One instance authorizes once and again on expiry. */
export class B2Client {
  readonly #options: B2ClientOptions;
  readonly #retry: RetryPolicy;
  #authorized: Promise<answers.Authorization> | undefined;
  readonly #secrets = new Set<string>();

  /** @throws Error for an address that would send the key in the clear */
  constructor(options: B2ClientOptions) {
    this.#options = { ...options, apiUrl: safeUrl(options.apiUrl) };
    this.#retry = { ...defaultRetry, ...options.retry };
    this.#secrets.add(options.key).add(basic(options));
  }

  /** The account, its addresses and what the key may do. @throws B2Error */
  authorize(): Promise<answers.Authorization> {
    this.#authorized ??= this.#ask().catch((error: unknown) => {
      this.#authorized = undefined;
      throw error;
    });
    return this.#authorized;
  }

  /**
   * One call, repeated while that helps.
   *
   * @param name without the `b2_`
   * @param body gets the `accountId` where it says so
   * @throws B2Error
   */
  async call<T>(
    name: string,
    body: Record<string, unknown>,
    answer: z.ZodType<T>,
    { repeatable = true }: CallOptions = {},
  ): Promise<T> {
    for (let renewed = 0; ; renewed++) {
      const authorized = this.authorize();
      const { authorizationToken, apiInfo } = await authorized;
      const request = {
        method: "POST",
        headers: { Authorization: authorizationToken, "Content-Type": "application/json" },
        body: JSON.stringify(body),
      };
      try {
        return await this.#send(name, `${safeUrl(apiInfo.storageApi.apiUrl)}/b2api/v4/b2_${name}`, request, {
          answer,
          repeatable,
        });
      } catch (error) {
        const expired = error instanceof B2Error && error.status === 401 && expiredCodes.has(error.code);
        if (!expired || renewed >= 2) throw error;
        // Another call may have renewed it already.
        if (this.#authorized === authorized) this.#authorized = undefined;
      }
    }
  }

  async #ask(): Promise<answers.Authorization> {
    const { apiUrl } = this.#options;
    const headers = { Authorization: basic(this.#options) };
    const given = await this.#send(
      "authorize_account",
      `${apiUrl}/b2api/v4/b2_authorize_account`,
      { headers },
      {
        answer: answers.authorization,
        repeatable: true,
      },
    );
    this.#secrets.add(given.authorizationToken);
    return given;
  }

  async #send<T>(
    name: string,
    url: string,
    init: RequestInit,
    { answer, repeatable }: { answer: z.ZodType<T>; repeatable: boolean },
  ): Promise<T> {
    const began = Date.now();
    for (let attempt = 1; ; attempt++) {
      const result = await this.#once(name, url, init);
      if ("json" in result) return this.#checked(name, result.json, answer);
      const { error, retryAfter } = result;
      const wait = waitMs(this.#retry, attempt, retryAfter, Math.random(), Date.now());
      const late = Date.now() - began + wait > this.#retry.totalMs;
      if (!passes(error.status) && error.status !== 0) throw error;
      if (error.maybeDone && !repeatable) throw error;
      if (attempt >= this.#retry.attempts || late) throw error;
      await (this.#options.sleep ?? sleep)(wait);
    }
  }

  async #once(
    name: string,
    url: string,
    init: RequestInit,
  ): Promise<{ json: unknown } | { error: B2Error; retryAfter: string | null }> {
    const timeoutMs = this.#options.timeoutMs ?? 30_000;
    let response: Response;
    let text: string;
    try {
      // A redirect would carry the token elsewhere.
      response = await (this.#options.fetch ?? fetch)(url, {
        ...init,
        redirect: "error",
        signal: AbortSignal.timeout(timeoutMs),
      });
      text = await response.text();
    } catch (error) {
      const why = this.#redacted(reason(error, timeoutMs));
      return { error: new B2Error(name, 0, "no_answer", why, true), retryAfter: null };
    }
    const json = parsed(text);
    if (response.ok && json !== undefined) return { json };
    const { status } = response;
    const { code, message } = answers.failure.safeParse(json).data ?? {
      code: response.ok ? "unexpected_answer" : "http_error",
      message: response.ok ? "not JSON" : response.statusText,
    };
    // 429 and 503 are refusals before the call is carried out; other 5xx tell nothing.
    const maybeDone = response.ok || status === 408 || (status >= 500 && status !== 503);
    return {
      error: new B2Error(name, response.ok ? 0 : status, code, this.#redacted(message), maybeDone),
      retryAfter: response.headers.get("retry-after"),
    };
  }

  #checked<T>(name: string, json: unknown, answer: z.ZodType<T>): T {
    const result = answer.safeParse(json);
    if (result.success) return result.data;
    // Paths only: a value may be a secret.
    const where = result.error.issues.map(({ path, code }) => `${path.join(".") || "answer"} (${code})`);
    throw new B2Error(name, 200, "unexpected_answer", where.join(", "), true);
  }

  #redacted(message: string): string {
    let text = message;
    for (const secret of this.#secrets) if (secret !== "") text = text.replaceAll(secret, "[secret]");
    return text.slice(0, 500);
  }
}

const expiredCodes = new Set(["expired_auth_token", "bad_auth_token"]);

const basic = ({ keyId, key }: B2ClientOptions) => `Basic ${Buffer.from(`${keyId}:${key}`).toString("base64")}`;

/** An address without its trailing slash. @throws Error unless it is https, or http on this machine */
function safeUrl(address: string): string {
  const url = new URL(address);
  const local = ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && local))
    throw new Error(`${url.origin}: B2's API is only spoken to over https`);
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reason(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === "TimeoutError") return `no answer within ${timeoutMs / 1000} s`;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : "connection failed";
}
