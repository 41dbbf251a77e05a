/** Runs verbs that come as JSON lines, and answers each with a line: the status, and the data or the problem. */

import assert from "node:assert/strict";
import { createInterface } from "node:readline";

import * as verbs from "../src/generated/sdk.gen.js";
import { connect } from "../src/index.js";

type Verb = (options: unknown) => Promise<{ data?: unknown; error?: unknown; response?: Response }>;

const named = verbs as unknown as Record<string, Verb>;
const client = connect(process.env["MEMKIT_URL"] ?? "");
client.interceptors.error.clear();
for await (const line of createInterface({ input: process.stdin })) {
  const { operation, query, body } = JSON.parse(line) as { operation: string; query: unknown; body: unknown };
  const verb = named[operation] ?? named[`${operation}_`]; // as of `window`, which browsers have
  assert.ok(verb !== undefined, operation);
  const { data, error, response } = await verb({ client, query, body: body ?? undefined, throwOnError: false, responseStyle: "fields" });
  console.log(JSON.stringify({ status: response?.status, content: error ?? data ?? null }));
}
