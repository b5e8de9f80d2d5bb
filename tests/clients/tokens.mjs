// How many o200k tokens the program costs models: the tools every session, a prompt each time it is asked for,
// and the answers that a planner sees of a batch of four threads without failures.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { encode } from "gpt-tokenizer/encoding/o200k_base";

const [root, work, workspace] = process.argv.slice(2);
const schemas = `${root}/tool-schemas`;
const count = (text) => encode(text).length;
let isOver = false;
function told(what, tokens, limit) {
  console.log(`tokens: ${tokens} for ${what} (at most ${limit})`);
  isOver ||= tokens > limit;
}

// Name, description and input schema of each tool.
const tool = (file) => {
  const { name, description, inputSchema } = JSON.parse(readFileSync(`${schemas}/${file}`, "utf8"));
  return count(JSON.stringify({ name, description, inputSchema }));
};
const tools = readdirSync(schemas).filter((file) => !file.startsWith("_"));
const card = ["next_batch.json", "assign_thread.json", "update_thread.json", "batch_outcome.json"];
const sum = (files) => files.map(tool).reduce((a, b) => a + b, 0);
told(`all ${tools.length} tools`, sum(tools), 700);
told("the four of the card", sum(card), 450);
told("the prompt write-plan", count(readFileSync(`${root}/src/prompts/write-plan.md`, "utf8")), 400);

// A batch of four threads, whose workers report as workers do. Release 0.1.0, whose prompt had a planner ask for
// everything twice, cost 1,021 tokens for the same batch.
const names = ["Accounts", "Postings", "Form", "Notes"];
const threads = names.map((name, at) => `###### Thread 0${at + 1}: ${name} @agent:system-engineer-codex

**Summary:** ${name} of the ledger, with their tests.

**Details:**
Write ${name.toLowerCase()} with their tests. Keep to the house style.
`);
writeFileSync(`${workspace}/work/001-clients/PLAN.md`, `# Plan: Ledger

## Stages

### Stage 01: Core

##### Batch 01: Base

What everything stands on.

${threads.join("\n")}`);
const server = spawn(work, ["mcp"], { cwd: workspace, stdio: ["pipe", "pipe", "inherit"] });
const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
let id = 0;
async function request(method, params) {
  server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: (id += 1), method, params })}\n`);
  for (;;) {
    const answer = JSON.parse((await lines.next()).value);
    if (answer.id === id) return answer.result;
  }
}
const call = async (name, args) => (await request("tools/call", { name, arguments: args })).content[0].text;
await request("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "tokens", version: "1" } });
server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`);
const seen = [await call("next_batch", {})];
for (const thread of JSON.parse(seen[0]).dispatch) {
  await call("update_thread", { thread_id: thread, status: "in_progress", attempt: 1 });
  await call("update_thread", {
    thread_id: thread, status: "completed", attempt: 1,
    report: `Thread ${thread} is done; its tests pass.`, artifacts: [`src/${thread.replaceAll(".", "_")}.rs`],
  });
}
seen.push(await call("batch_outcome", {}));
if (JSON.parse(seen[1]).batch_completion_status !== "completed") throw new Error(seen[1]);
if (process.argv[5] === "0.1.0") seen.push(await call("next_batch", {}), await call("batch_outcome", {}));
told("a planner's answers of a batch", seen.map(count).reduce((a, b) => a + b, 0), 680);
server.kill();
process.exit(isOver ? 1 : 0);
