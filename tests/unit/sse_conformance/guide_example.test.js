/** The example of docs/following-a-run.md, against a scripted server: what a page shows whenever it is opened. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { ScriptedServer, settled } from "./scripted_source.js";

const guide = readFileSync(new URL("../../../docs/following-a-run.md", import.meta.url), "utf8");
const client = new URL("../../../clients/javascript/nyx-events.js", import.meta.url).href;
const [, example] = guide.match(/```js\n([\s\S]*?)```/);
const { watch } = await import(
  `data:text/javascript,${encodeURIComponent(example.replace("./nyx-events.js", client))}`
);

const RUN = { id: "r1", status: "running", phase: "detecting" };
const ENDED = { ...RUN, status: "succeeded" };
const found = (id, state = "open") => ({ id, state });
const snapshot = (seq) => [seq, "snapshot", RUN];
const event = (seq, ...items) => [seq, "findings", { items }];
const done = (seq) => [seq, "done", { run: ENDED }];

/** Opens the page; `lists` are what the list of findings has each time it is asked for, the last one from then on. */
async function open(attempts, lists, { tickets = 201, run = 200 } = {}) {
  const server = new ScriptedServer(attempts);
  const shown = { told: [], asked: [] };
  const list = [...lists];
  const page = (items, nextCursor = null) => Response.json({ items, nextCursor });
  globalThis.EventSource = server.EventSource;
  globalThis.setTimeout = server.clock.setTimeout;
  globalThis.clearTimeout = server.clock.clearTimeout;
  globalThis.fetch = async (url, init) => {
    const { pathname, searchParams } = new URL(url);
    shown.asked.push(pathname);
    assert.equal(init.headers.Authorization ?? "none", pathname.includes("/events/runs/") ? "none" : "Bearer t");
    if (pathname.endsWith("/tickets")) return Response.json({ ticket: "nyxt_1" }, { status: tickets });
    if (pathname === "/api/v1/runs/r1") return Response.json(ENDED, { status: run });
    if (pathname.endsWith("/findings")) {
      const all = list.length > 1 ? list.shift() : list[0];
      if (all.length < 2 || searchParams.has("cursor")) return page(all.slice(-1));
      list.unshift(all);
      return page(all.slice(0, -1), "next");
    }
    return server.options.fetch(url, init);
  };
  const stream = watch({
    origin: "http://nyx.example",
    runId: "r1",
    token: "t",
    show: ({ run, findings }) => {
      shown.run = run;
      shown.findings = Object.fromEntries([...findings].map(([id, { state }]) => [id, state]));
    },
    tell: (words) => shown.told.push(words),
  });
  for (let turn = 0; turn < 20; turn += 1) await settled();
  return { server, stream, shown };
}

test("a page that is opened in the middle shows what came before the snapshot and what comes after", async () => {
  const attempts = [{ events: [snapshot(7), event(8, found("c"))] }, { stays: true }];
  const { server, shown } = await open(attempts, [[found("a"), found("b")]]);
  assert.deepEqual(server.cursors, [null]);
  assert.deepEqual(server.tickets, ["nyxt_1"]);
  assert.equal(shown.run.phase, "detecting");
  assert.deepEqual(shown.findings, { a: "open", b: "open", c: "open" });
});

test("the list wins over an event that tells of an earlier state", async () => {
  const attempts = [{ events: [snapshot(7)] }, { events: [event(8, found("a"))] }, { stays: true }];
  const { server, shown } = await open(attempts, [[found("a", "fixed")]]);
  await server.clock.next();
  assert.deepEqual(server.cursors, [null, "7", "8"].slice(0, server.cursors.length));
  assert.deepEqual(shown.findings, { a: "fixed" });
});

test("a page that is opened after the end shows the run as it ended, from its events alone", async () => {
  const attempts = [{ events: [[1, "status", { status: "running" }], event(2, found("a")), done(3)] }];
  const { shown, stream } = await open(attempts, [[found("a", "fixed")]]);
  assert.equal(shown.run.status, "succeeded");
  assert.deepEqual(shown.findings, { a: "fixed" });
  assert.ok(stream.closed);
});

test("a cut between the last event and the page is bridged, and its rotation is nothing to tell", async () => {
  const attempts = [{ events: [snapshot(7)] }, { events: [event(8, found("a")), done(9)] }];
  const { server, shown } = await open(attempts, [[], [found("a", "fixed")]]);
  await server.clock.next();
  for (let turn = 0; turn < 20; turn += 1) await settled();
  assert.deepEqual(server.cursors, [null, "7"]);
  assert.deepEqual(shown.findings, { a: "fixed" });
  assert.equal(shown.run.status, "succeeded");
  assert.deepEqual(shown.told, ["", ""]);
});

test("a reset forgets what was there", async () => {
  const reset = [0, "reset", { reason: "the events are gone" }];
  const attempts = [{ events: [snapshot(7), event(8, found("a"))] }, { events: [reset, snapshot(3)] }, { stays: true }];
  const { server, shown } = await open(attempts, [[], [found("z")]]);
  assert.deepEqual(shown.findings, { a: "open" });
  await server.clock.next();
  for (let turn = 0; turn < 20; turn += 1) await settled();
  assert.deepEqual(shown.findings, { z: "open" });
});

test("204 is the end: the run itself says how it ended", async () => {
  const { shown } = await open([{ status: 204 }], [[found("a", "fixed")]]);
  assert.equal(shown.run.status, "succeeded");
  assert.deepEqual(shown.findings, { a: "fixed" });
});

test("a run that ended so long ago that there are no tickets is shown all the same", async () => {
  const { server, shown } = await open([], [[found("a", "fixed")]], { tickets: 409 });
  assert.equal(shown.run.status, "succeeded");
  assert.deepEqual(shown.findings, { a: "fixed" });
  assert.deepEqual(shown.told, []);
  assert.deepEqual(server.cursors, []);
});

test("an outage is told, and taken back when the stream is open again", async () => {
  const attempts = [{ unreachable: true }, { events: [snapshot(7)] }, { stays: true }];
  const { server, shown } = await open(attempts, [[]]);
  assert.match(shown.told.at(-1), /^Reconnecting: /);
  await server.clock.next();
  assert.equal(shown.told.at(-1), "");
});

test("a run that is not ours to read is told as that, and not asked for again", async () => {
  const { server, shown, stream } = await open([], [[]], { tickets: 404, run: 404 });
  assert.deepEqual(shown.told, ["there is no ticket for this run"]);
  assert.deepEqual(server.cursors, []);
  assert.ok(stream.closed);
});
