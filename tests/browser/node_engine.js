/** Node's own EventSource (undici), asked line by line: {"call": name, "argument": …} in, its result out. */

import { createInterface } from "node:readline";

import * as calls from "./engine_calls.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { call, argument } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await calls[call](argument))}\n`);
}
