/** Where what is waiting lies. One text; every method may be async. */
export interface Store {
  load(): string | null | Promise<string | null>;
  save(text: string): void | Promise<void>;
  remove(): void | Promise<void>;
}

export class MemoryStore implements Store {
  load(): string | null;
  save(text: string): void;
  remove(): void;
}

/** A key of localStorage. */
export class LocalStore implements Store {
  constructor(key: string);
  load(): string | null;
  save(text: string): void;
  remove(): void;
}

/** For Node. A file of one process at a time. */
export class FileStore implements Store {
  constructor(path: string);
  load(): Promise<string | null>;
  save(text: string): Promise<void>;
  remove(): Promise<void>;
}

/** An event that the server refused for what is in it; it is not sent again. */
export interface Rejected {
  index: number;
  field: string;
  code: string;
  message: string;
  /** The event as JSON. */
  event?: string;
}

export interface Dropped {
  reason: 'queue is full' | 'too large' | 'too large for the server' | 'not JSON' | 'closed';
  count: number;
}

export interface Stats {
  /** Stored, each once. */
  sent: number;
  /** Of those: that the server had already, from an attempt whose answer was lost. */
  duplicates: number;
  rejected: number;
  dropped: number;
  retries: number;
  waiting: number;
  waitingBytes: number;
  lastError: string | null;
  producer: string;
}

export interface Options {
  /** Of the server: "https://events.example.com". */
  url: string;
  /** Sends to this topic; without it to POST /events, which routes by `event_name`. */
  topic?: string | null;
  /** With `topic`: the field that holds each record's key. */
  keyField?: string | null;
  /** By default localStorage in a browser (on https or localhost), memory elsewhere. */
  store?: Store;
  /** Begins the keys in localStorage and the producer ids; default "gameflow". */
  name?: string;
  /** ms after which a batch goes that is not full; default 5000. */
  flushInterval?: number;
  /** Default 500. */
  batchEvents?: number;
  /** Default 256 KiB. */
  batchBytes?: number;
  /** Of one event; default 64 KiB. */
  eventBytes?: number;
  /** Of what waits; above it the oldest are dropped. Default 10,000 and 4 MiB. */
  queueEvents?: number;
  queueBytes?: number;
  /** ms between attempts, doubling from one to the other; default 1000 and 60,000. */
  retryMin?: number;
  retryMax?: number;
  /** ms that an answer may take; default 30,000. */
  timeout?: number;
  /** By which the server lets it in, of role `ingest`. */
  token?: string | null;
  /** Of every request. A beacon, which leaves with the page where there is no token, has none of them. */
  headers?: Record<string, string>;
  onDrop?: (dropped: Dropped) => void;
  onReject?: (rejected: Rejected[]) => void;
  /** What went wrong for now, for the log: it is tried again. Without it only a certificate that is not trusted is told, on the console. */
  onError?: ((reason: string) => void) | null;
  /** For tests. */
  fetch?: typeof fetch;
  beacon?: (url: string, data: Blob) => boolean;
  now?: () => number;
  random?: () => number;
}

export class GameflowClient {
  constructor(options: Options);
  /** False where the event is not taken: too large, no JSON, or the client is closed. */
  send(event: unknown): boolean;
  /** True once all that waits is stored; false after `timeout` ms (10,000). Throws where the server's certificate is not trusted: all stays queued. */
  flush(options?: {timeout?: number}): Promise<boolean>;
  /** Flushes for at most `timeout` ms (5000) and stops. How many events are left, in the store. */
  close(options?: {timeout?: number}): Promise<number>;
  readonly stats: Stats;
}
