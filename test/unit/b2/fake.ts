import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Call {
  name: string;
  token: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are of all shapes
  body: any;
}

/** Answer of one call; "cut" ends the connection without one, "hang" never answers. */
export type Answer = { status?: number; headers?: Record<string, string>; body?: unknown } | "cut" | "hang";

export interface Fake {
  url: string;
  calls: Call[];
  /** Answers of the next calls, in order; when they are used up, `otherwise` answers. */
  next: Answer[];
  otherwise: (call: Call) => Answer;
  close(): void;
}

export const keyId = "004aaaaaaaaaaaaaaaaaaaaaa";
export const key = "K004-secret-of-the-account";

/** An HTTP server that answers as B2 does, token `token-1`, `token-2` and so on. */
export async function startFake(): Promise<Fake> {
  let tokens = 0;
  const server = createServer(async (request, response) => {
    const name = request.url?.replace("/b2api/v4/b2_", "") ?? "";
    const text = await read(request);
    const call = { name, token: request.headers.authorization ?? "", body: text ? JSON.parse(text) : undefined };
    fake.calls.push(call);
    const queued = fake.next.shift();
    if (queued) return send(response, queued);
    if (name === "authorize_account") return send(response, { body: authorization(fake.url, `token-${++tokens}`) });
    send(response, fake.otherwise(call));
  });
  const fake: Fake = {
    url: "",
    calls: [],
    next: [],
    otherwise: () => ({ body: {} }),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return fake;
}

export const authorization = (url: string, authorizationToken: string, capabilities: string[] = all) => ({
  accountId: "account",
  authorizationToken,
  apiInfo: {
    storageApi: {
      apiUrl: url,
      s3ApiUrl: "https://s3.us-west-004.backblazeb2.com",
      allowed: { buckets: null, capabilities, namePrefix: null },
    },
  },
});

const all = [
  ...["listBuckets", "readBuckets", "writeBuckets", "deleteBuckets", "readBucketEncryption", "writeBucketEncryption"],
  ...["readBucketRetentions", "writeBucketRetentions", "listFiles", "listKeys", "writeKeys", "deleteKeys"],
];

function send(response: ServerResponse, answer: Answer): void {
  if (answer === "hang") return;
  if (answer === "cut") return void response.socket?.destroy();
  const { status = 200, headers = {}, body = {} } = answer;
  response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
}

async function read(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}
