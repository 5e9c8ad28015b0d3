// The line over the list: all files as one.

import { Bar, element, setHidden, setText } from "./widget-dom.js";
import { formatBytes, formatDuration, formatProgress, formatSpeed } from "./widget-format.js";

export class Summary {
  #words;
  #uploader;
  #bar;
  #title = element("p", { class: "pw-total-title", "data-testid": "total-title" });
  #size = element("span", { "data-testid": "total-size" });
  #speed = element("span", { class: "pw-speed", "data-testid": "total-speed" });
  #left = element("span", { class: "pw-left", "data-testid": "total-left" });
  #pause;
  #resume;
  #cancel;
  #clear;

  constructor(words, uploader) {
    this.#words = words;
    this.#uploader = uploader;
    this.#bar = new Bar(words.progressOfAll);
    this.#pause = button(words.pauseAll, "pause-all", () => uploader.pauseAll());
    this.#resume = button(words.resumeAll, "resume-all", () => uploader.resumeAll());
    this.#cancel = button(words.cancelAll, "cancel-all", () => uploader.cancelAll());
    this.#clear = button(words.clear, "clear", () => this.#clearFinished());
    this.node = element(
      "div",
      { class: "pw-total", hidden: true, "data-testid": "total" },
      element(
        "div",
        { class: "pw-total-head" },
        this.#title,
        element("div", { class: "pw-total-actions" }, this.#clear, this.#pause, this.#resume, this.#cancel),
      ),
      this.#bar.node,
      element("p", { class: "pw-meta" }, this.#size, this.#speed, this.#left),
    );
  }

  draw() {
    const { uploads, progress } = this.#uploader;
    const words = this.#words;
    const counts = { completed: 0, failed: 0, cancelled: 0, paused: 0 };
    // Of all in the list, also those that had ended before the last began.
    let completedBytes = 0;
    for (const { state, status } of uploads) {
      if (state in counts) counts[state] += 1;
      if (state === "completed") completedBytes += status.size;
    }
    const busy = progress.active > 0;
    const moving = progress.active - counts.paused;
    const speed = moving > 0 ? progress.bytesPerSecond : null;

    setHidden(this.node, uploads.length === 0);
    setText(this.#title, this.#titleOf(moving, counts));
    this.#bar.set(progress.size > 0 ? progress.uploaded / progress.size : 0);
    setHidden(this.#bar.node, !busy);
    setText(
      this.#size,
      busy ? formatProgress(progress.uploaded, progress.size, words) : formatBytes(completedBytes),
    );
    setText(this.#speed, speed === null ? "" : formatSpeed(speed));
    setText(this.#left, speed > 0 ? words.left(formatDuration(progress.secondsLeft)) : "");
    this.#offer(this.#pause, moving > 0);
    this.#offer(this.#resume, moving === 0 && counts.paused > 0);
    this.#offer(this.#cancel, busy);
    this.#offer(this.#clear, counts.completed + counts.cancelled > 0);
  }

  #titleOf(moving, counts) {
    if (moving > 0) return this.#words.uploadingCount(moving);
    if (counts.paused > 0) return this.#words.pausedCount(counts.paused);
    return this.#words.endedCount(counts);
  }

  #clearFinished() {
    for (const upload of this.#uploader.uploads) {
      if (upload.state === "completed" || upload.state === "cancelled") upload.remove();
    }
  }

  // A button that vanishes hands its focus to another, if there is one.
  #offer(node, offered) {
    const focused = node === document.activeElement;
    setHidden(node, !offered);
    if (offered || !focused) return;
    [this.#pause, this.#resume, this.#cancel, this.#clear].find((other) => !other.hidden)?.focus();
  }
}

function button(label, testId, onclick) {
  return element("button", { type: "button", class: "pw-button pw-quiet", "data-testid": testId, onclick }, label);
}
