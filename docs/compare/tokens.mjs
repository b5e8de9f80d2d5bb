// The number of o200k tokens of a list of texts (JSON on stdin); the folder with gpt-tokenizer is the argument.
import { readFileSync } from "node:fs";
const { encode } = await import(`${process.argv[2]}/node_modules/gpt-tokenizer/esm/encoding/o200k_base.js`);
console.log(JSON.parse(readFileSync(0, "utf8")).reduce((sum, text) => sum + encode(text).length, 0));
