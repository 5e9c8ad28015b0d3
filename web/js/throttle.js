// Joins many requests to do a thing into one call, at most every `interval`
// milliseconds and, while the page is visible, just before it is painted.

export class Throttle {
  #run;
  #interval;
  #last = -Infinity;
  #timer;
  #frame;

  constructor(run, interval) {
    this.#run = run;
    this.#interval = interval;
  }

  schedule() {
    if (this.#timer !== undefined) return;
    const wait = this.#last + this.#interval - performance.now();
    this.#timer = setTimeout(() => this.#awaitFrame(), Math.max(0, wait));
  }

  cancel() {
    clearTimeout(this.#timer);
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#timer = undefined;
    this.#frame = undefined;
  }

  #awaitFrame() {
    if (typeof requestAnimationFrame === "undefined") {
      this.#fire();
      return;
    }
    this.#frame = requestAnimationFrame(() => this.#fire());
    // No frame comes in a background tab or a window that is covered.
    this.#timer = setTimeout(() => this.#fire(), 200);
  }

  #fire() {
    this.cancel();
    this.#last = performance.now();
    this.#run();
  }
}
