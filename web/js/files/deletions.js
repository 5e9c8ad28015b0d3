// Files that are about to be deleted. Nothing is sent before the time to think better of it is over; a page that is left before, deletes
// nothing.

import { askBeforeLeaving } from "../element/leaving.js";
import { problemOf } from "./server.js";

// Milliseconds.
const TIME_TO_UNDO = 8000;
// Objects of one call, as many as the server takes.
const AT_ONCE = 1000;

export class Deletions {
  #server;
  #destination;
  #handlers;
  #held = [];
  #timer;

  // `onHeld` when those that wait have changed; `onEnded` when some were deleted and others were not.
  constructor(server, destination, handlers, signal) {
    this.#server = server;
    this.#destination = destination;
    this.#handlers = handlers;
    askBeforeLeaving(() => this.#held.length > 0, signal);
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  get held() {
    return this.#held;
  }

  // Those that wait already wait for these.
  hold(entries) {
    this.#held = [...this.#held, ...entries];
    this.resume();
    this.#handlers.onHeld(this.#held);
  }

  undo() {
    const entries = this.#release();
    this.#handlers.onUndone(entries);
  }

  // As long as somebody is about to decide.
  pause() {
    clearTimeout(this.#timer);
  }

  resume() {
    clearTimeout(this.#timer);
    if (this.#held.length > 0) this.#timer = setTimeout(() => this.commit(), TIME_TO_UNDO);
  }

  async commit() {
    const entries = this.#release();
    const deleted = [];
    const failed = [];
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      const batch = entries.slice(at, at + AT_ONCE);
      try {
        const results = await this.#send(batch);
        batch.forEach((entry, i) => {
          const { error } = results[i];
          // What is gone already is gone.
          if (error && error.code !== "object_not_found") failed.push({ entry, error });
          else deleted.push(entry);
        });
      } catch (error) {
        failed.push(...batch.map((entry) => ({ entry, error })));
      }
    }
    this.#handlers.onEnded(deleted, failed);
  }

  // With its ETag, so that nobody deletes what they have not seen.
  async #send(entries) {
    const objects = entries.map(({ key, etag }) => ({ destination: this.#destination || undefined, key, etag }));
    const answer = await this.#server.post("/v1/objects/delete", { objects });
    return answer.objects.map(({ refused }) => (refused ? { error: problemOf(refused) } : {}));
  }

  #release() {
    clearTimeout(this.#timer);
    const entries = this.#held;
    this.#held = [];
    this.#handlers.onHeld(this.#held);
    return entries;
  }
}
