// One file on its way. An Uploader makes these; what they do, it does.

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

// Names the method that gives an upload its next status, which is for the Uploader alone.
export const SET_STATUS = Symbol("setStatus");

export class Upload extends EventTarget {
  #host;
  #id;
  #file;
  #path;
  #destination;
  #handle;
  /** @type {any} */
  #status;
  #outcome;

  constructor(host, id, { file, path, destination, handle }, state = "waiting") {
    super();
    this.#host = host;
    this.#id = id;
    this.#file = file;
    this.#path = path;
    this.#destination = destination;
    this.#handle = handle;
    this.#outcome = new Outcome();
    this.#status = Object.freeze({
      id,
      state,
      size: file.size,
      uploaded: 0,
      partCount: 0,
      partsStored: 0,
      bytesPerSecond: null,
      secondsLeft: null,
    });
  }

  get id() {
    return this.#id;
  }

  get file() {
    return this.#file;
  }

  get path() {
    return this.#path;
  }

  get destination() {
    return this.#destination;
  }

  // Lets the browser open the file again after a reload, where it came with one.
  get handle() {
    return this.#handle;
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

  // From 0 to 1. Only a completed upload is at 1.
  get progress() {
    const { state, size, uploaded } = this.#status;
    if (state === "completed") return 1;
    return size > 0 ? Math.min(uploaded / size, 0.999) : 0;
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

  start() {
    return this.#host.start(this);
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

    if (status.uploaded !== before.uploaded || status.state === before.state) {
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
      this.#outcome.reject(error ?? new PartwayError("cancelled", "The upload was cancelled"));
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
