// Keeps uploads from being interrupted by accident: a question before the page is left, and a
// screen that stays on, since a computer that falls asleep sends nothing.

import { askBeforeLeaving } from "./leaving.js";

export class InterruptionGuard {
  #isBusy;
  #lock;
  #asked = false;

  // `isBusy` says whether anything is under way.
  constructor(isBusy, signal) {
    this.#isBusy = isBusy;
    askBeforeLeaving(isBusy, signal);
    // The browser takes the lock back when the page is hidden.
    document.addEventListener("visibilitychange", () => this.update(), { signal });
    signal.addEventListener("abort", () => this.#release());
  }

  update() {
    if (!this.#isBusy()) this.#release();
    else if (document.visibilityState === "visible") this.#hold();
  }

  get holdsLock() {
    return this.#lock !== undefined;
  }

  async #hold() {
    if (this.#asked) return;
    this.#asked = true;
    try {
      const lock = await navigator.wakeLock?.request("screen");
      lock?.addEventListener("release", () => {
        this.#lock = undefined;
        this.#asked = false;
      });
      this.#lock = lock;
      if (!this.#isBusy()) this.#release();
    } catch {
      // Not allowed, as on a low battery. Uploads go on without.
      this.#asked = false;
    }
  }

  #release() {
    this.#lock?.release();
  }
}
