/** Follows a stream and writes down what it says, for tests in Node and in the browser alike. */

import { EVENT_TYPES } from "../../../clients/javascript/nyx-events.js";

/** `events` as [id, type, data], `end`, and what `interrupted` said, of a RunStream. */
export function record(stream) {
  const seen = { events: [], interrupted: [], opens: 0, end: null };
  seen.finished = new Promise((resolve) => {
    stream.addEventListener("end", (event) => {
      seen.end = event.outcome === "refused" ? { refused: event.status, message: event.message } : event.outcome;
      resolve(seen);
    });
  });
  for (const type of EVENT_TYPES) {
    stream.addEventListener(type, (event) => seen.events.push([event.id, event.type, event.data]));
  }
  stream.addEventListener("open", () => (seen.opens += 1));
  stream.addEventListener("interrupted", (event) => seen.interrupted.push([event.reason, event.waitMs]));
  return seen;
}
