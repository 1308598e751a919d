/** A server that answers as scripted, an EventSource that asks it, and time that stands still until it is moved. */

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;
const RETRY = 1_000;

/** Resolves when everything that could run without the clock has run. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

export class ManualClock {
  #timers = new Map();
  #numbers = 0;
  now = 0;
  /** Every wait that was asked for. */
  waits = [];

  setTimeout = (callback, milliseconds) => {
    this.#numbers += 1;
    this.#timers.set(this.#numbers, { callback, due: this.now + milliseconds });
    this.waits.push(milliseconds);
    return this.#numbers;
  };

  clearTimeout = (timer) => this.#timers.delete(timer);

  get pending() {
    return this.#timers.size;
  }

  /** Go to the instant of the next timer and run it. */
  async next() {
    const [[number, timer]] = [...this.#timers].sort(([, one], [, other]) => one.due - other.due);
    this.#timers.delete(number);
    this.now = timer.due;
    timer.callback();
    await settled();
  }
}

/**
 * Attempts are of the form that follow_cases.json has. `EventSource` and `fetch` are the ways to ask; the latter
 * answers as the last attempt did, since it is there to find out why that failed.
 */
export class ScriptedServer {
  clock = new ManualClock();
  /** What each attempt asked for, and with which ticket. */
  cursors = [];
  tickets = [];
  /** Every EventSource that was made. */
  sources = [];
  #attempts;
  #last = null;

  constructor(attempts) {
    this.#attempts = [...attempts];
    const server = this;
    this.EventSource = class extends ScriptedSource {
      constructor(url) {
        super(server, url);
      }
    };
  }

  /** Options for a RunStream that talks to this server alone. */
  get options() {
    return {
      EventSource: this.EventSource,
      fetch: (url, init) => this.#fetch(url, init),
      clock: this.clock,
    };
  }

  answer(url, lastEventId) {
    const query = new URL(url).searchParams;
    this.cursors.push(lastEventId || query.get("lastEventId"));
    this.tickets.push(query.get("ticket"));
    this.#last = this.#attempts.shift();
    if (this.#last === undefined) throw new Error(`nobody expected one more attempt at ${url}`);
    return this.#last;
  }

  async #fetch(_url, { signal }) {
    const { status = 200, type = "application/problem+json", detail, hangs } = this.#last;
    if (hangs) {
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }
    const body = status === 204 ? null : JSON.stringify({ detail });
    return new Response(body, { status, headers: { "content-type": type } });
  }
}

/** Whether EventSource takes a 200 of this type (of a stream, where an attempt names none) for a stream. */
const isStream = (type = "text/event-stream") => /^text\/event-stream\s*(;|$)/i.test(type);

class ScriptedSource extends EventTarget {
  readyState = CONNECTING;
  #server;
  #lastEventId = "";
  #reconnecting = null;

  constructor(server, url) {
    super();
    this.#server = server;
    this.url = url;
    server.sources.push(this);
    queueMicrotask(() => this.#connect());
  }

  close() {
    this.readyState = CLOSED;
    this.#server.clock.clearTimeout(this.#reconnecting);
  }

  /** Dispatch an event even when closed, as a faulty EventSource might. */
  send([id, type, data]) {
    this.#lastEventId = String(id);
    const text = typeof data === "string" ? data : JSON.stringify(data);
    this.dispatchEvent(new MessageEvent(type, { data: text, lastEventId: this.#lastEventId }));
  }

  #connect() {
    if (this.readyState === CLOSED) return;
    const attempt = this.#server.answer(this.url, this.#lastEventId);
    if (attempt.stays) return; // neither an answer nor an error
    if (attempt.status !== undefined || !isStream(attempt.type)) {
      this.readyState = CLOSED;
      this.dispatchEvent(new Event("error"));
      return;
    }
    if (!attempt.unreachable) {
      this.readyState = OPEN;
      this.dispatchEvent(new Event("open"));
      for (const event of attempt.events) {
        if (this.readyState === CLOSED) return;
        this.send(event);
      }
      if (attempt.quiet) return; // the connection stays, and nothing comes
    }
    this.#reconnect();
  }

  #reconnect() {
    if (this.readyState === CLOSED) return;
    this.readyState = CONNECTING;
    this.#reconnecting = this.#server.clock.setTimeout(() => this.#connect(), RETRY);
    this.dispatchEvent(new Event("error"));
  }
}
