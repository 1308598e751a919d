/** The JavaScript client against the cases that the Python client has too (follow_cases.json). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { RunStream } from "../../../clients/javascript/nyx-events.js";
import { record } from "./following.js";
import { ScriptedServer, settled } from "./scripted_source.js";

const cases = JSON.parse(readFileSync(new URL("follow_cases.json", import.meta.url), "utf8"));

for (const { name, after, attempts, delivered, cursors, end } of cases) {
  test(name, async () => {
    const server = new ScriptedServer(attempts);
    const seen = record(new RunStream("http://nyx.example/", "r1", { after, ...server.options }));
    await settled();
    while (seen.end === null) {
      assert.ok(server.clock.pending > 0, "the client waits for nothing");
      await server.clock.next();
    }
    assert.deepEqual(seen.events, delivered);
    assert.deepEqual(server.cursors, cursors);
    assert.deepEqual(seen.end, end);
    assert.equal(server.clock.pending, 0, "a timer is left");
  });
}
