// How many o200k tokens the tools cost every session: name, description and input schema of each.
import { readFileSync, readdirSync } from "node:fs";
import { encode } from "gpt-tokenizer/encoding/o200k_base";

const [schemas] = process.argv.slice(2);
const tokens = (file) => {
  const { name, description, inputSchema } = JSON.parse(readFileSync(`${schemas}/${file}`, "utf8"));
  return encode(JSON.stringify({ name, description, inputSchema })).length;
};
const tools = readdirSync(schemas).filter((file) => !file.startsWith("_"));
const card = ["next_batch.json", "assign_thread.json", "update_thread.json", "batch_outcome.json"];
const sum = (files) => files.map(tokens).reduce((a, b) => a + b, 0);
const [all, four] = [sum(tools), sum(card)];
console.log(`tokens: ${all} for all ${tools.length} tools (at most 700), ${four} for the four of the card (at most 450)`);
process.exit(all <= 700 && four <= 450 ? 0 : 1);
