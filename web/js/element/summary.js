// The line over the list: all files as one, and what can be done with all.

import { tell } from "./announcer.js";
import { Bar, button, focused, make, setHidden, setText } from "./dom.js";

// Which states a command for all is for.
const COMMANDS = {
  startAll: (counts) => counts.ready > 0,
  retryAll: (counts) => counts.failed > 0,
  showFailed: (counts, isLong) => counts.failed > 0 && isLong,
  pauseAll: (counts) => counts.moving > 0,
  resumeAll: (counts) => counts.moving === 0 && counts.paused > 0,
  cancelAll: (counts) => counts.moving + counts.paused > 0,
  clear: (counts) => counts.completed + counts.cancelled > 0,
};

export class Summary {
  #wording;
  #uploader;
  #bar;
  #title = make("p", "summary-title");
  #size = make("span", "summary-size");
  #speed = make("span", "summary-speed");
  #left = make("span", "summary-time-left");
  #meta = make("p", "meta", {}, this.#size, this.#speed, this.#left);
  #buttons = {};

  constructor(wording, uploader, commands) {
    this.#wording = wording;
    this.#uploader = uploader;
    this.#bar = new Bar(wording.say("progressOfAll"));
    for (const name of Object.keys(COMMANDS)) {
      const part = name === "startAll" ? "start" : "quiet";
      this.#buttons[name] = button(part, { hidden: true, "data-command": name, onclick: commands[name] });
    }
    const actions = make("div", "summary-actions", {}, ...Object.values(this.#buttons));
    this.node = make("div", "summary", { hidden: true }, make("div", "summary-head", {}, this.#title, actions), this.#bar.node, this.#meta);
  }

  // `isLong`: not all files can be seen at once.
  draw(isLong) {
    const { uploads, progress } = this.#uploader;
    const wording = this.#wording;
    const counts = { ready: 0, completed: 0, failed: 0, cancelled: 0, paused: 0, moving: 0, bytes: 0 };
    for (const { state, status } of uploads) {
      counts[state in counts ? state : "moving"] += 1;
      if (state === "completed" || state === "ready") counts.bytes += status.size;
    }
    const busy = progress.active > 0;
    const speed = counts.moving > 0 ? progress.bytesPerSecond : null;

    setHidden(this.node, uploads.length === 0);
    setText(this.#title, this.#titleOf(counts));
    this.#bar.set(progress.size > 0 ? progress.uploaded / progress.size : 0);
    setHidden(this.#bar.node, !busy);
    setText(this.#size, busy ? wording.progress(progress.uploaded, progress.size) : wording.size(counts.bytes));
    setText(this.#speed, speed === null ? "" : wording.speed(speed));
    setText(this.#left, speed > 0 ? wording.say("timeLeft", { time: wording.duration(progress.secondsLeft) }) : "");
    setHidden(this.#meta, !busy && counts.bytes === 0);
    this.#offer(counts, isLong);
  }

  #titleOf(counts) {
    const count = (key, count) => this.#wording.say(key, { count });
    if (counts.moving > 0) return count("uploadingCount", counts.moving);
    if (counts.paused > 0) return count("pausedCount", counts.paused);
    if (counts.ready > 0) return count("readyCount", counts.ready);
    return tell(counts, this.#wording);
  }

  // A button that vanishes hands its focus to another, if there is one.
  #offer(counts, isLong) {
    const focus = focused(this.node);
    const buttons = Object.entries(this.#buttons);
    for (const [name, node] of buttons) {
      setText(node, this.#wording.say(name, { count: counts.ready }));
      setHidden(node, !COMMANDS[name](counts, isLong));
    }
    if (focus?.hidden && this.node.contains(focus)) buttons.find(([, node]) => !node.hidden)?.[1].focus();
  }
}
