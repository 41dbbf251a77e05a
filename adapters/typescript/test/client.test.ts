import assert from "node:assert/strict";
import { test } from "node:test";

import { bankPath, connect, history_, MemkitError, observe, recall, storeBanks, think, window_ } from "../src/index.js";

const client = connect(process.env["MEMKIT_URL"] ?? "http://127.0.0.1:8000", { token: process.env["MEMKIT_TOKEN"] });
const bank = bankPath("acme", "tests");

test("what was observed is recalled, with its block for a prompt", async () => {
  const turns = [{ text: "I moved to Lisbon in May. I can't eat nuts.", speaker: "Ana", id: "t1" }];
  const receipt = await observe({ client, query: { bank }, body: { turns } });
  assert.deepEqual(receipt.outcomes.map((outcome) => outcome.action), ["added"]);
  await think({ client, query: { bank } });
  const body = { query: "What can Ana not eat?", k: 3, prompt: { max_tokens: 300 } };
  const recollection = await recall({ client, query: { bank }, body });
  assert.equal(recollection.hits[0]?.memory.speaker, "Ana");
  assert.match(recollection.prompt ?? "", /can't eat nuts/);
});

test("a memory that isn't there is memkit's own error, with its remedy", async () => {
  await assert.rejects(history_({ client, query: { bank, id: "nobody" } }), (error: unknown) => {
    assert.ok(error instanceof MemkitError);
    assert.equal(error.name, "UnknownMemoryError");
    assert.equal(error.status, 404);
    assert.match(error.message, /Ids hold within one bank/);
    return true;
  });
});

test("a bank's name holds any characters", async () => {
  const odd = bankPath("a/b", "50%", "tab\there", "Zoë 日本");
  assert.equal(odd, "a%2Fb/50%25/tab%09here/Zoë 日本");
  await observe({ client, query: { bank: odd }, body: { turns: [["Zoë", "Hello"]] } });
  const names = await storeBanks({ client, query: { prefix: "a%2Fb" } });
  assert.deepEqual(names, [["a/b", "50%", "tab\there", "Zoë 日本"]]);
});

test("a bank's window is read", async () => {
  const { text } = await window_({ client, query: { bank, budget: 300 } });
  assert.match(text, /Lisbon/);
});
