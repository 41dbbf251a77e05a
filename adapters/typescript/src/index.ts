/**
 * A client of `memkit serve`: every verb as a function, generated from the OpenAPI document, and the way in.
 */

import { type Client, createClient, createConfig } from "./generated/client/index.js";
import type { Problem } from "./generated/types.gen.js";

export * from "./generated/index.js";

const ERROR_URN = "urn:memkit:";

/** An error that memkit raised on the server. `name` is its class: "UnknownMemoryError"; `message` has the remedy. */
export class MemkitError extends Error {
  constructor(
    override readonly name: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export interface ConnectOptions {
  /** An access token, as `memkit access create` gives it. */
  token?: string;
}

/** A client of the server at an address, for the option `client` of every verb. A verb that fails throws MemkitError. */
export function connect(url: string, options: ConnectOptions = {}) {
  const headers = options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` };
  const client: Client = createClient(createConfig({ baseUrl: url.replace(/\/+$/, ""), headers, throwOnError: true }));
  client.interceptors.request.use(withKey);
  client.interceptors.error.use(asMemkitError);
  return client;
}

/** A bank's name on one line, as every verb takes it: bankPath("acme", "ana") is "acme/ana". */
export function bankPath(...parts: [string, ...string[]]): string {
  return parts.map((part) => part.replace(/[/%]|[^\P{C}]|[^\P{Z} ]/gu, encodeURIComponent)).join("/");
}

/** A write with a key of its own, under which the server knows it where it is sent again. */
function withKey(request: Request): Request {
  if (request.method === "POST" && !request.headers.has("Idempotency-Key")) {
    request.headers.set("Idempotency-Key", crypto.randomUUID());
  }
  return request;
}

function asMemkitError(error: unknown, response: Response | undefined): unknown {
  const problem = error as Partial<Problem> | undefined;
  if (response === undefined || typeof problem?.type !== "string") {
    return error;
  }
  return new MemkitError(problem.type.replace(ERROR_URN, ""), problem.detail ?? "", response.status);
}
