// The TypeScript SDK 1.x: legacy era, checks every answer against its output schema.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { deepStrictEqual as equal } from "node:assert";
import { executeBatch } from "./batch.mjs";

const [command, cwd] = process.argv.slice(2);
const client = new Client({ name: "clients", version: "1" });
await client.connect(new StdioClientTransport({ command, args: ["mcp"], cwd }));
equal((await client.listTools()).tools.length, 6);
equal((await client.listPrompts()).prompts.map((prompt) => prompt.name), ["execute-next-batch", "implement-thread", "write-plan"]);
const refused = await client.callTool({ name: "read_thread", arguments: { thread_id: "09.09.09" } });
equal([refused.isError, refused.content[0].text.startsWith("error unknown_thread: ")], [true, true]);
await executeBatch(async (name, args) => {
  const result = await client.callTool({ name, arguments: args });
  equal(result.isError ?? false, false, JSON.stringify(result));
  equal(JSON.parse(result.content[0].text), result.structuredContent);
  return result.structuredContent;
});
const plan = await client.readResource({ uri: "work://001-clients/plan.md" });
equal(plan.contents[0].text.startsWith("# Plan: Clients"), true);
await client.close();
