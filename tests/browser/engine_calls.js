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

/** Follows a run with RunStream to its end; waits are cut short, and its questions are marked with `asking=1`. */
export async function followRun({ origin, runId, after }) {
  const clock = {
    setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds > 30_000 ? milliseconds : 5),
    clearTimeout: (timer) => clearTimeout(timer),
  };
  const asking = (url, init) => fetch(`${url}${url.includes("?") ? "&" : "?"}asking=1`, init);
  const { events, end } = await record(new RunStream(origin, runId, { after, clock, fetch: asking })).finished;
  return { events, end };
}
