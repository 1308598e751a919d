/**
 * Follows a run of nyxcore to its end, through every cut of the connection, without losing an event.
 *
 * The browser's EventSource reads the stream. This module adds what it lacks: EventSource gives up for good on
 * any status but 200 and does not say which it was; it knocks at a server that is down at a fixed pace, in step
 * with every other tab; it can send neither a token nor, the first time, a cursor; and it never notices a
 * connection that has died in silence. docs/following-a-run.md describes the stream.
 */

/** Every type of event that a stream sends. */
export const EVENT_TYPES = Object.freeze([
  "snapshot",
  "reset",
  "status",
  "phase",
  "progress",
  "findings",
  "fixes",
  "step",
  "usage",
  "report",
  "log",
  "done",
]);

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;
/** Longer than the server's window (120 s), at whose end a connection that is alive shows that it is. */
const LONGEST_SILENCE = 150_000;
const LONGEST_ANSWER = 30_000;
/** Statuses of a gateway or a limit, not of the stream: they pass. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
const CONNECTING = 0;

/** One event of the run: its number (0 for `reset`) and its data, parsed. */
export class RunEvent extends Event {
  constructor(type, id, data) {
    super(type);
    this.id = id;
    this.data = data;
  }
}

/** The connection has broken; the next attempt comes after `waitMs`, or when EventSource sees fit (null). */
export class InterruptedEvent extends Event {
  constructor(reason, waitMs) {
    super("interrupted");
    this.reason = reason;
    this.waitMs = waitMs;
  }
}

/**
 * The last word of a stream. `outcome` is `done` (the event `done` was delivered), `ended` (it had been before:
 * the cursor is at the end) or `refused` (with the status and the server's words); nothing follows.
 */
export class EndEvent extends Event {
  constructor(outcome, status = null, message = null) {
    super("end");
    this.outcome = outcome;
    this.status = status;
    this.message = message;
  }
}

/**
 * The events of one run, as events of this object: one type each of EVENT_TYPES, and `open`, `interrupted` and
 * `end` about the connection. After `end`, and after `close()`, nothing comes any more.
 */
export class RunStream extends EventTarget {
  #address;
  #newTicket;
  #ticket = null;
  #EventSource;
  #fetch;
  #random;
  #clock;
  #source = null;
  #asking = null;
  #timer = null;
  #watchdog = null;
  #cursor;
  #over = false;
  #alive = false;
  #failures = 0;
  #refusals = 0;

  /**
   * @param {string} origin of the API, without a path
   * @param {string} runId
   * @param {object} [options] see nyx-events.d.ts
   */
  constructor(origin, runId, options = {}) {
    super();
    this.#address = `${origin.replace(/\/+$/, "")}/api/v1/events/runs/${encodeURIComponent(runId)}`;
    this.#cursor = checkedCursor(options.after ?? null);
    this.#newTicket = options.ticket ?? null;
    this.#EventSource = options.EventSource ?? globalThis.EventSource;
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#random = options.random ?? Math.random;
    this.#clock = options.clock ?? {
      setTimeout: (callback, milliseconds) => globalThis.setTimeout(callback, milliseconds),
      clearTimeout: (timer) => globalThis.clearTimeout(timer),
    };
    // not at once: whoever made this object is to add its listeners first
    queueMicrotask(() => (this.#newTicket === null ? this.#open() : this.#renewTicket()));
  }

  /** Number of the last event that was delivered, to be given as `after` by whoever comes back; null before. */
  get lastEventId() {
    return this.#cursor;
  }

  /** Whether nothing will come any more. */
  get closed() {
    return this.#over;
  }

  /** Stop; no event is delivered from now on, `end` included. */
  close() {
    this.#over = true;
    this.#letGo();
  }

  #letGo() {
    this.#source?.close();
    this.#source = null;
    this.#asking?.abort();
    this.#asking = null;
    this.#clock.clearTimeout(this.#timer);
    this.#clock.clearTimeout(this.#watchdog);
  }

  #url() {
    const query = new URLSearchParams();
    if (this.#ticket !== null) query.set("ticket", this.#ticket);
    if (this.#cursor !== null) query.set("lastEventId", String(this.#cursor));
    const text = query.toString();
    return text ? `${this.#address}?${text}` : this.#address;
  }

  #open() {
    if (this.#over) return;
    this.#alive = false;
    const source = new this.#EventSource(this.#url());
    this.#source = source;
    source.addEventListener("open", () => this.#opened(source));
    source.addEventListener("error", () => this.#broken(source));
    for (const type of EVENT_TYPES) {
      source.addEventListener(type, (message) => this.#take(source, message));
    }
    this.#watch(source);
  }

  #opened(source) {
    if (source !== this.#source) return;
    this.#alive = true;
    this.#failures = 0;
    this.#refusals = 0;
    this.#watch(source);
    this.dispatchEvent(new Event("open"));
  }

  #take(source, message) {
    if (source !== this.#source) return;
    this.#watch(source);
    const id = Number(message.lastEventId);
    // a snapshot repeats the number of the event before it, and a reset begins anew
    const repeats = message.type !== "snapshot" && message.type !== "reset" && id <= (this.#cursor ?? -1);
    if (repeats) return;
    let data;
    try {
      data = JSON.parse(message.data);
    } catch {
      this.#tryLater(`the event ${message.lastEventId} is no JSON`);
      return;
    }
    this.#cursor = id;
    this.dispatchEvent(new RunEvent(message.type, id, data));
    if (message.type === "done") this.#end(new EndEvent("done"));
  }

  #broken(source) {
    if (source !== this.#source) return;
    if (source.readyState !== CONNECTING) {
      this.#letGo();
      void this.#askWhy();
    } else if (this.#alive) {
      this.#alive = false; // EventSource comes back by itself, as soon as the server's `retry` says
      this.#watch(source);
      this.dispatchEvent(new InterruptedEvent("the server closed the stream, or the connection broke", null));
    } else {
      this.#tryLater("the server cannot be reached");
    }
  }

  /** EventSource has given up and does not tell on what status; the same request again does. */
  async #askWhy() {
    const asked = await this.#ask(async (signal) => {
      const headers = { Accept: "text/event-stream" };
      const answer = await this.#fetch(this.#url(), { headers, cache: "no-store", signal });
      return { answer, message: answer.ok ? null : await words(answer) };
    });
    if (asked !== null) this.#decide(asked.value?.answer ?? null, asked.value?.message ?? null);
  }

  /**
   * What `work` gives or throws, as `{value}` or `{error}`; null when the stream was closed in the meantime.
   * Its signal is aborted by then, after LONGEST_ANSWER, and in the end: an answer that is a stream is not read.
   */
  async #ask(work) {
    const asking = new AbortController();
    this.#asking = asking;
    this.#watchdog = this.#clock.setTimeout(() => asking.abort(), LONGEST_ANSWER);
    let outcome;
    try {
      outcome = { value: await work(asking.signal) };
    } catch (error) {
      outcome = { error };
    }
    if (this.#over) return null;
    this.#letGo();
    return outcome;
  }

  #decide(answer, message) {
    const status = answer?.status ?? 0;
    const unauthorized = status === 401 || status === 403;
    this.#refusals = unauthorized ? this.#refusals + 1 : 0;
    if (status === 204) {
      this.#end(new EndEvent("ended"));
    } else if (unauthorized && this.#newTicket !== null && this.#refusals < 2) {
      void this.#renewTicket();
    } else if (status === 0 || PASSING.has(status)) {
      this.#tryLater(status === 0 ? "the server cannot be reached" : `the server answered ${status}`);
    } else if (status === 200) {
      this.#tryLater("the answer was no event stream, or was cut short");
    } else {
      this.#end(new EndEvent("refused", status, message));
    }
  }

  async #renewTicket() {
    const asked = await this.#ask((signal) => this.#newTicket(signal));
    if (asked === null) return;
    if ("error" in asked) {
      this.#tryLater(`no ticket was to be had: ${asked.error?.message ?? asked.error}`, () => this.#renewTicket());
    } else if (asked.value) {
      this.#ticket = asked.value;
      this.#open();
    } else {
      this.#end(new EndEvent("refused", 401, "there is no ticket for this run"));
    }
  }

  /** Waits anywhere in a growing range ("full jitter"), so that tabs that lost one server come back spread. */
  #tryLater(reason, next = () => this.#open()) {
    this.#letGo();
    const waitMs = this.#random() * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures);
    this.#failures += 1;
    this.#timer = this.#clock.setTimeout(next, waitMs);
    this.dispatchEvent(new InterruptedEvent(reason, waitMs));
  }

  #watch(source) {
    this.#clock.clearTimeout(this.#watchdog);
    this.#watchdog = this.#clock.setTimeout(() => {
      if (source === this.#source) this.#tryLater("the connection was silent for too long");
    }, LONGEST_SILENCE);
  }

  #end(event) {
    if (this.#over) return;
    this.close();
    this.dispatchEvent(event);
  }
}

function checkedCursor(after) {
  if (after !== null && !(Number.isSafeInteger(after) && after >= 0)) {
    throw new RangeError(`after is ${String(after)}: give the number of the last event that is known, or none`);
  }
  return after;
}

/** What the problem details (RFC 9457) of an answer say. */
async function words(answer) {
  const problem = await answer.json().catch(() => null);
  return String(problem?.detail ?? problem?.title ?? `the server answered ${answer.status}`);
}
