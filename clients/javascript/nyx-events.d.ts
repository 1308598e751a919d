/** Types of nyx-events.js. docs/following-a-run.md describes every event. */

export interface Progress {
  done: number;
  total: number;
  unit: string;
}

export type RunStatus = "queued" | "running" | "waiting" | "succeeded" | "failed" | "cancelled";

/** A run, as `GET /api/v1/runs/{id}` gives it. */
export interface Run {
  id: string;
  kind: "auto-fix" | "refactor" | "code-analysis" | "workflow" | "pdf" | "report";
  /** null for a PDF of Markdown that somebody sent. */
  projectId: string | null;
  repositoryId: string | null;
  commit: string | null;
  workflowId: string | null;
  retryOf: string | null;
  status: RunStatus;
  phase: string | null;
  progress: Progress | null;
  counts: { files: number; findings: number; fixed: number };
  lastSeq: number;
  cost: { tokens: number; usd: number };
  error: { code: string; message: string } | null;
  result: Record<string, unknown> | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  links: { self: string; events: string };
}

/** A finding, as `GET /api/v1/findings/{id}` gives it. */
export interface Finding {
  id: string;
  runId: string;
  category: string;
  severity: "critical" | "high" | "medium" | "low";
  rule: string;
  title: string;
  message: string;
  file: string;
  startLine: number;
  endLine: number;
  state: string;
  reason: string | null;
  fixId: string | null;
  source: string;
  fingerprint: string;
}

/** A fix without its diff, which `GET /api/v1/runs/{id}/fixes` gives. */
export interface Fix {
  id: string;
  findingIds: string[];
  explanation: string;
  needs: string[];
  safe: boolean;
  evidence: { check: string; ok: boolean; detail: string }[];
  pullRequest: Record<string, unknown> | null;
}

/** The data of each type of event. */
export interface RunEventData {
  snapshot: Run;
  reset: { reason: string };
  status: { status: RunStatus };
  phase: { phase: string };
  progress: Progress;
  findings: { items: Finding[] };
  fixes: { items: Fix[] };
  step: { key: string; status: string; attempt: number };
  usage: { tokens: number; usd: number };
  report: { id: string; title: string };
  log: { level: string; message: string };
  done: { run: Run };
}

export type RunEventType = keyof RunEventData;

/** Every type of event that a stream sends. */
export const EVENT_TYPES: readonly RunEventType[];

/** One event of the run: its number (0 for `reset`) and its data, parsed. */
export class RunEvent<Type extends RunEventType = RunEventType> extends Event {
  constructor(type: Type, id: number, data: RunEventData[Type]);
  readonly type: Type;
  readonly id: number;
  readonly data: RunEventData[Type];
}

/** The connection has broken; the next attempt comes after `waitMs`, or when EventSource sees fit (null). */
export class InterruptedEvent extends Event {
  constructor(reason: string, waitMs: number | null);
  readonly reason: string;
  readonly waitMs: number | null;
}

/** The last word of a stream: nothing follows. */
export class EndEvent extends Event {
  constructor(outcome: EndEvent["outcome"], status?: number | null, message?: string | null);
  /** `done` was delivered; or it had been before, and the cursor is at the end; or the server refuses. */
  readonly outcome: "done" | "ended" | "refused";
  /** The status of a refusal, else null. */
  readonly status: number | null;
  /** The server's words about a refusal, else null. */
  readonly message: string | null;
}

export interface RunStreamOptions {
  /** Number of the last event that is known; 0 for the whole history. Without it an unfinished run begins with
   * a `snapshot`. */
  after?: number | null;
  /**
   * Gives a ticket (of `POST /api/v1/events/tickets`), first and whenever the server refuses the last one. An
   * exception is taken for trouble that passes; null or "" ends the stream as refused. The signal is aborted
   * when the stream is closed or the answer takes longer than 30 s.
   */
  ticket?: (signal: AbortSignal) => Promise<string | null> | string | null;
  /** Used instead of the browser's own, in tests or where there is none. */
  EventSource?: typeof globalThis.EventSource;
  fetch?: typeof globalThis.fetch;
  /** A number from 0 up to 1: where in its range a wait ends. */
  random?: () => number;
  clock?: {
    setTimeout(callback: () => void, milliseconds: number): unknown;
    clearTimeout(timer: unknown): void;
  };
}

type StreamEvents = { [Type in RunEventType]: RunEvent<Type> } & {
  open: Event;
  interrupted: InterruptedEvent;
  end: EndEvent;
};

/** The events of one run. After `end`, and after `close()`, nothing comes any more. */
export class RunStream extends EventTarget {
  /**
   * @param origin of the API, without a path
   * @throws RangeError `after` is no number of an event
   */
  constructor(origin: string, runId: string, options?: RunStreamOptions);
  /** Number of the last event that was delivered, to be given as `after` by whoever comes back; null before. */
  readonly lastEventId: number | null;
  /** Whether nothing will come any more. */
  readonly closed: boolean;
  /** Stop; no event is delivered from now on, `end` included. */
  close(): void;
  addEventListener<Type extends keyof StreamEvents>(
    type: Type,
    listener: (event: StreamEvents[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Type extends keyof StreamEvents>(
    type: Type,
    listener: (event: StreamEvents[Type]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
}
