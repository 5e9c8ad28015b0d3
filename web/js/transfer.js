// One file on its way, in either direction. An Uploader or a Downloader makes these; what they do, it does.

import { PartwayError } from "./errors.js";
import { updates } from "./updates.js";

// Whether nothing more happens by itself.
export function hasEnded(state) {
  return state === "completed" || state === "cancelled" || state === "failed";
}

// Whether it was begun and has not ended.
export function isUnderWay(state) {
  return state !== "ready" && !hasEnded(state);
}

// Names the method that gives a transfer its next status, which is for its maker alone.
export const SET_STATUS = Symbol("setStatus");

export class Transfer extends EventTarget {
  #host;
  #id;
  // What its status calls the bytes that have moved.
  #moved;
  /** @type {any} */
  #status;
  #outcome;

  constructor(host, id, status, moved) {
    super();
    this.#host = host;
    this.#id = id;
    this.#moved = moved;
    this.#outcome = new Outcome();
    this.#status = Object.freeze({ id, ...status });
  }

  get id() {
    return this.#id;
  }

  // A frozen snapshot; the next change makes a new one.
  get status() {
    return this.#status;
  }

  get state() {
    return this.#status.state;
  }

  get ended() {
    return hasEnded(this.#status.state);
  }

  // From 0 to 1, and 1 only once completed.
  get progress() {
    const { state, size } = this.#status;
    if (state === "completed") return 1;
    return size > 0 ? Math.min(this.#status[this.#moved] / size, 0.999) : 0;
  }

  get result() {
    return this.#status.result;
  }

  get error() {
    return this.#status.error;
  }

  get finished() {
    return this.#outcome.promise;
  }

  pause(options) {
    return this.#host.pause(this, options);
  }

  resume() {
    return this.#host.resume(this);
  }

  cancel() {
    return this.#host.cancel(this);
  }

  retry() {
    return this.#host.retry(this);
  }

  remove() {
    return this.#host.remove(this);
  }

  // Calls back with each new status, and once at the beginning. Returns a function that ends it.
  subscribe(listener) {
    const ended = new AbortController();
    const tell = () => listener(this.#status);
    for (const type of ["progress", "statechange"]) this.addEventListener(type, tell, { signal: ended.signal });
    tell();
    return () => ended.abort();
  }

  // Statuses up to the end. Throws what `finished` rejects with.
  async *[Symbol.asyncIterator]() {
    const outcome = this.finished;
    yield* updates(this, ["progress", "statechange"], () => this.#status, () => this.ended);
    await outcome;
  }

  [SET_STATUS](status) {
    const before = this.#status;
    if (status.error && !(status.error instanceof PartwayError)) {
      status.error = PartwayError.from(status.error);
    }
    this.#status = Object.freeze({ ...status, id: this.#id });
    if (hasEnded(before.state) && !this.ended) this.#outcome = new Outcome();

    if (status[this.#moved] !== before[this.#moved] || status.state === before.state) {
      this.#tell("progress", this.#status);
    }
    if (status.state !== before.state) {
      this.#tell("statechange", { state: status.state, previous: before.state });
      this.#end();
    }
  }

  #end() {
    const { state, result, error } = this.#status;
    if (state === "completed") {
      this.#outcome.resolve(result);
      this.#tell("completed", result);
    } else if (state === "failed") {
      this.#outcome.reject(error);
      this.#tell("failed", error);
    } else if (state === "cancelled") {
      this.#outcome.reject(error ?? new PartwayError("cancelled", "It was cancelled"));
      this.#tell("cancelled");
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// A promise that does not complain on the console when nobody waits for it: who
// listens to events instead has no use for it.
class Outcome {
  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => {});
  }
}
