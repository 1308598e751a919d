/** What the JavaScript client adds to EventSource, against a scripted one with a clock that stands still. */

import assert from "node:assert/strict";
import test from "node:test";

import { EVENT_TYPES, RunStream } from "../../../clients/javascript/nyx-events.js";
import { record } from "./following.js";
import { ScriptedServer, settled } from "./scripted_source.js";

const LOG = [3, "log", { message: "x" }];
const DONE = [4, "done", { run: {} }];
const UNREACHABLE = { unreachable: true };
const MISSING = { status: 404, detail: "there is no run r1" };
const UNAUTHORIZED = { status: 401, detail: "the ticket has expired" };

function follow(attempts, options = {}) {
  const server = new ScriptedServer(attempts);
  const stream = new RunStream("http://nyx.example", "r1", { ...server.options, ...options });
  const seen = record(stream);
  /** Let time pass until the stream has ended. */
  const finish = async () => {
    await settled();
    while (seen.end === null) await server.clock.next();
  };
  return { server, stream, seen, finish };
}

function* ticketsNamed(...names) {
  yield* names;
}

const giving = (...names) => {
  const tickets = ticketsNamed(...names);
  return async () => tickets.next().value ?? null;
};

test("waits between failures are drawn from a whole range that doubles up to 30 s", async () => {
  for (const share of [0, 0.5, 0.999]) {
    const { seen, finish } = follow([...Array(8).fill(UNREACHABLE), MISSING], { random: () => share });
    await finish();
    const ranges = [1, 2, 4, 8, 16, 30, 30, 30].map((seconds) => seconds * 1000 * share);
    assert.deepEqual(
      seen.interrupted.map(([, wait]) => wait),
      ranges,
    );
  }
});

test("the range begins anew once a stream was open", async () => {
  const attempts = [UNREACHABLE, UNREACHABLE, UNREACHABLE, { events: [LOG] }, UNREACHABLE, MISSING];
  const { seen, finish } = follow(attempts, { random: () => 0.5 });
  await finish();
  assert.deepEqual(
    seen.interrupted.map(([, wait]) => wait),
    [500, 1000, 2000, null, 500],
  );
});

test("a closing by the server leaves the pace to EventSource, which heeds `retry`", async () => {
  const { server, seen, finish } = follow([{ events: [LOG] }, { events: [DONE] }]);
  await finish();
  assert.equal(server.sources.length, 1);
  assert.deepEqual(seen.interrupted, [["the server closed the stream, or the connection broke", null]]);
});

test("the first request carries the cursor and a ticket, each where there is one, and nothing else", async () => {
  const address = "http://nyx.example/api/v1/events/runs/r1";
  for (const [options, url] of [
    [{}, address],
    [{ after: 0 }, `${address}?lastEventId=0`],
    [{ ticket: giving("nyxt_a&b") }, `${address}?ticket=nyxt_a%26b`],
    [{ after: 7, ticket: () => "t" }, `${address}?ticket=t&lastEventId=7`],
  ]) {
    const { server, finish } = follow([{ events: [[8, "done", {}]] }], options);
    await finish();
    assert.equal(server.sources[0].url, url);
  }
});

test("a refused ticket is renewed and the stream goes on behind the last event", async () => {
  const attempts = [{ events: [LOG] }, UNAUTHORIZED, { events: [DONE] }];
  const { server, seen, finish } = follow(attempts, { ticket: giving("t1", "t2") });
  await finish();
  assert.deepEqual(server.tickets, ["t1", "t1", "t2"]);
  assert.deepEqual(server.cursors, [null, "3", "3"]);
  assert.deepEqual(seen.events, [LOG, DONE]);
  assert.equal(seen.end, "done");
});

test("every ticket of a long run may be renewed, one after the other", async () => {
  const numbers = [1, 2, 3, 4, 5];
  const attempts = numbers.flatMap((id) => [{ events: [[id, "log", {}]] }, UNAUTHORIZED]);
  const { server, seen, finish } = follow([...attempts, { events: [[6, "done", {}]] }], {
    ticket: giving("a", "b", "c", "d", "e", "f"),
  });
  await finish();
  assert.deepEqual(
    seen.events.map(([id]) => id),
    [...numbers, 6],
  );
  assert.equal(server.tickets.at(-1), "f");
});

test("a new ticket that is refused at once ends it: no loop of requests", async () => {
  const { server, seen, finish } = follow([UNAUTHORIZED, UNAUTHORIZED], { ticket: giving("t1", "t2", "t3") });
  await finish();
  assert.deepEqual(seen.end, { refused: 401, message: "the ticket has expired" });
  assert.deepEqual(server.tickets, ["t1", "t2"]);
});

test("no further ticket ends it as refused", async () => {
  const { seen, finish } = follow([UNAUTHORIZED], { ticket: giving("t1") });
  await finish();
  assert.deepEqual(seen.end, { refused: 401, message: "there is no ticket for this run" });
});

test("a callback that fails is asked again after a wait", async () => {
  let asked = 0;
  const ticket = async () => {
    asked += 1;
    if (asked < 4) throw new Error("offline");
    return "t";
  };
  const { seen, finish } = follow([{ events: [DONE] }], { ticket, random: () => 0.5 });
  await finish();
  assert.deepEqual(
    seen.interrupted,
    [500, 1000, 2000].map((wait) => ["no ticket was to be had: offline", wait]),
  );
  assert.equal(seen.end, "done");
});

test("after close() nothing is delivered, not even what EventSource still sends", async () => {
  const { server, stream, seen } = follow([{ events: [LOG], quiet: true }]);
  await settled();
  stream.close();
  server.sources[0].send(DONE);
  server.sources[0].dispatchEvent(new Event("error"));
  server.sources[0].dispatchEvent(new Event("open"));
  await settled();
  assert.deepEqual(seen.events, [LOG]);
  assert.deepEqual([seen.end, seen.opens, seen.interrupted], [null, 1, []]);
  assert.equal(stream.closed, true);
  assert.equal(server.clock.pending, 0);
});

test("close() in a listener stops the events behind it", async () => {
  const { server, stream, seen } = follow([{ events: [LOG, DONE] }]);
  stream.addEventListener("log", () => stream.close());
  await settled();
  assert.deepEqual([seen.events, seen.end], [[LOG], null]);
  assert.equal(server.clock.pending, 0);
});

test("close() during a wait, a question or a renewal is the end of it", async () => {
  const hanging = { status: 503, hangs: true };
  for (const [attempts, options] of [
    [[UNREACHABLE], {}],
    [[hanging], {}],
    [[], { ticket: () => new Promise(() => {}) }],
  ]) {
    const { server, stream, seen } = follow(attempts, options);
    await settled();
    stream.close();
    await settled();
    assert.equal(server.clock.pending, 0);
    assert.equal(seen.end, null);
  }
});

test("close() at once sends no request", async () => {
  const { server, stream } = follow([]);
  stream.close();
  await settled();
  assert.equal(server.sources.length, 0);
});

test("a connection that is silent for longer than the server's window is made anew, with the cursor", async () => {
  const attempts = [{ events: [LOG], quiet: true }, { stays: true }, { events: [DONE] }];
  const { server, seen, finish } = follow(attempts, { random: () => 0 });
  await finish();
  assert.deepEqual(server.cursors, [null, "3", "3"]);
  assert.equal(server.clock.now, 300_000);
  assert.equal(seen.interrupted[0][0], "the connection was silent for too long");
  assert.equal(server.sources[0].readyState, 2);
});

test("a question that nobody answers is cut off after 30 s and the stream tried again", async () => {
  const { server, seen, finish } = follow([{ status: 503, hangs: true }, { events: [DONE] }], { random: () => 0 });
  await finish();
  assert.equal(seen.end, "done");
  assert.equal(server.clock.now, 30_000);
});

test("a refusal that has passed by the time of the question is tried again", async () => {
  const { seen, finish } = follow([{ status: 200 }, { events: [DONE] }]);
  await finish();
  assert.equal(seen.interrupted[0][0], "the answer was no event stream, or was cut short");
  assert.equal(seen.end, "done");
});

test("a refusal without problem details is told by its status", async () => {
  const { seen, finish } = follow([{ status: 418 }]);
  await finish();
  assert.deepEqual(seen.end, { refused: 418, message: "the server answered 418" });
});

test("an event that is no JSON is not skipped: the stream is asked for it again", async () => {
  const { server, seen, finish } = follow([{ events: [LOG, [4, "log", "{"]] }, { events: [[4, "done", {}]] }]);
  await finish();
  assert.deepEqual(server.cursors, [null, "3"]);
  assert.deepEqual(seen.interrupted[0][0], "the event 4 is no JSON");
  assert.equal(seen.end, "done");
});

test("the cursor can be read, and be given to the next stream", async () => {
  const { stream } = follow([{ events: [LOG], quiet: true }], { after: 2 });
  assert.equal(stream.lastEventId, 2);
  await settled();
  assert.equal(stream.lastEventId, 3);
  stream.close();
});

test("a cursor that is no number of an event is refused at once", () => {
  for (const after of [-1, 1.5, "3", Number.NaN, 2 ** 60]) {
    assert.throws(() => new RunStream("http://nyx.example", "r1", { after }), RangeError);
  }
});

test("the types of events can be looked up and not be changed", () => {
  assert.ok(EVENT_TYPES.includes("done"));
  assert.throws(() => EVENT_TYPES.push("x"), TypeError);
});
