// Tells a screen reader what happened, in one sentence for many events: never
// how far a bar has moved.

import { make, setText } from "./dom.js";

const PAUSE = 1200;

export class Announcer {
  #wording;
  #added = 0;
  #completed = 0;
  #failed = [];
  #ended;
  #timer;

  constructor(wording) {
    this.#wording = wording;
    this.node = make("div", "live hidden", { role: "status" });
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
  idle(counts) {
    this.#ended = counts;
    this.#schedule();
  }

  // Something else that has happened.
  say(sentence) {
    setText(this.node, sentence);
  }

  close() {
    clearTimeout(this.#timer);
  }

  #schedule() {
    this.#timer ??= setTimeout(() => this.#speak(), PAUSE);
  }

  #speak() {
    const wording = this.#wording;
    const count = (key, count) => count > 0 && wording.say(key, { count });
    const sentences = [count("addedCount", this.#added)];
    if (this.#ended) {
      sentences.push(tell(this.#ended, wording));
    } else {
      sentences.push(count("completedCount", this.#completed));
      if (this.#failed.length === 1) sentences.push(wording.say("failedName", { name: this.#failed[0] }));
      else sentences.push(count("failedCount", this.#failed.length));
    }
    setText(this.node, sentences.filter(Boolean).join(". "));
    this.#added = 0;
    this.#completed = 0;
    this.#failed = [];
    this.#ended = undefined;
    this.#timer = undefined;
  }
}

// How many ended how, in words.
export function tell({ completed = 0, failed = 0, cancelled = 0 }, wording) {
  const count = (key, count) => count > 0 && wording.say(key, { count });
  return wording.join([
    count("completedCount", completed),
    count("failedCount", failed),
    count("cancelledCount", cancelled),
  ]);
}
