/** What the tests ask of an engine with an EventSource of its own: a page in Chromium, or Node. */

import { RunStream } from "../../clients/javascript/nyx-events.js";
import { record } from "../unit/sse_conformance/following.js";

const CLOSED = 2;

/**
 * Reads `url` until the connection ends, or, with `comesBack`, until EventSource has given up for good: its events
 * as [lastEventId, type, data] and the state that it was in.
 */
export function readStream({ url, types, comesBack }) {
  return new Promise((resolve) => {
    const events = [];
    const source = new EventSource(url);
    let opens = 0;
    source.onopen = () => (opens += 1);
    source.onerror = () => {
      const { readyState } = source;
      if (comesBack && readyState !== CLOSED) return;
      source.close();
      resolve({ events, readyState, opens });
    };
    for (const type of types) {
      source.addEventListener(type, (event) => {
        events.push([event.lastEventId, event.type, event.data]);
      });
    }
  });
}

/**
 * Follows a run with RunStream to its end; waits are cut short, and its questions are marked with `asking=1`. With
 * a token it asks for tickets.
 */
export async function followRun({ origin, runId, after, token }) {
  const clock = {
    setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds < 30_000 ? 5 : milliseconds),
    clearTimeout: (timer) => clearTimeout(timer),
  };
  const options = {
    after,
    clock,
    fetch: (url, init) => fetch(`${url}${url.includes("?") ? "&" : "?"}asking=1`, init),
    ticket: token && (() => newTicket(origin, runId, token)),
  };
  const { events, end } = await record(new RunStream(origin, runId, options)).finished;
  return { events, end };
}

async function newTicket(origin, runId, token) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ runId });
  const answer = await fetch(`${origin}/api/v1/events/tickets`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(`no ticket: ${answer.status}`);
  return (await answer.json()).ticket;
}
