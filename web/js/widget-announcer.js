// Tells a screen reader what happened, in one sentence for many events: never
// how far a bar has moved.

import { element, setText } from "./widget-dom.js";

const PAUSE = 1200;

export class Announcer {
  #words;
  #added = 0;
  #completed = 0;
  #failed = [];
  #ended;
  #timer;

  constructor(words) {
    this.#words = words;
    this.node = element("div", { class: "pw-live", role: "status", "data-testid": "live" });
  }

  added(count) {
    this.#added += count;
    this.#schedule();
  }

  completed() {
    this.#completed += 1;
    this.#schedule();
  }

  failed(name) {
    this.#failed.push(name);
    this.#schedule();
  }

  // All have ended: one sentence replaces those about single files.
  idle(uploads) {
    this.#ended = { completed: 0, failed: 0, cancelled: 0 };
    for (const { state } of uploads) this.#ended[state] += 1;
    this.#schedule();
  }

  close() {
    clearTimeout(this.#timer);
  }

  #schedule() {
    this.#timer ??= setTimeout(() => this.#speak(), PAUSE);
  }

  #speak() {
    const words = this.#words;
    const sentences = [];
    if (this.#added > 0) sentences.push(words.addedCount(this.#added));
    if (this.#failed.length > 0) sentences.push(words.failedNames(this.#failed));
    if (this.#ended) sentences.push(words.endedCount(this.#ended));
    else if (this.#completed > 0) sentences.push(words.completedCount(this.#completed));
    setText(this.node, sentences.join(". "));
    this.#added = 0;
    this.#completed = 0;
    this.#failed = [];
    this.#ended = undefined;
    this.#timer = undefined;
  }
}
