// One file that is saved, was, or can be gone on with.

import { Bar, button, focused, make, setAttribute, setHidden, setText } from "../element/dom.js";
import { waitingOf } from "../element/errors.js";
import { icon } from "../element/icons.js";
import { nameNode } from "../element/names.js";
import { sentenceOf } from "./errors.js";
import { kindOf } from "./kinds.js";

export class SaveRow {
  #save;
  #wording;
  #act;
  #state;
  #bar;
  #size = make("span", "save-size");
  #word = make("span", "status");
  #speed = make("span", "speed");
  #left = make("span", "time-left");
  #more = make("div", "more");
  #actions = make("div", "actions");

  // `act` is called with the name of what is to be done: `pause`, `resume`, `retry`, `cancel` or `remove`.
  constructor(save, wording, act) {
    this.#save = save;
    this.#wording = wording;
    this.#act = act;
    const { name, key } = save;
    this.#bar = new Bar(wording.say("progressOf", { name }));
    const meta = make("p", "meta", {}, this.#size, this.#word, this.#speed, this.#left);
    const body = make("div", "body", {}, nameNode(name), meta, this.#bar.node, this.#more);
    const picture = make("span", "thumbnail", {}, icon(kindOf(name)));
    this.node = make("li", "save", { "data-save": key }, picture, body, this.#actions);
  }

  draw() {
    const { status, state } = this.#save;
    const wording = this.#wording;
    if (state !== this.#state) this.#enter(state);
    const { size, downloaded } = status;
    const share = size > 0 ? downloaded / size : 0;
    const moving = state === "downloading";
    this.#bar.set(Math.min(share, state === "completed" ? 1 : 0.999));
    const isWhole = ["completed", "saving", "interrupted"].includes(state);
    setText(this.#size, size === null ? "" : isWhole ? wording.size(size) : wording.progress(downloaded, size));
    setText(this.#word, this.#say(share));
    this.node.toggleAttribute("data-waiting", status.waitingFor !== undefined);
    setText(this.#speed, moving && status.bytesPerSecond !== null ? wording.speed(status.bytesPerSecond) : "");
    const left = moving && status.secondsLeft !== null;
    setText(this.#left, left ? wording.say("timeLeft", { time: wording.duration(status.secondsLeft) }) : "");
  }

  #say(share) {
    const { status, state } = this.#save;
    if (state === "interrupted") return this.#wording.say("interrupted", { share: this.#wording.percent(share) });
    if (status.waitingFor !== undefined) return this.#wording.say(waitingOf(status.waitingFor));
    return this.#wording.say(state === "completed" ? wordOf(status) : state);
  }

  // What only changes with the state.
  #enter(state) {
    this.#state = state;
    setAttribute(this.node, "data-state", state);
    setHidden(this.#bar.node, ["completed", "failed"].includes(state));
    const had = this.node.contains(focused(this.node));
    this.#more.replaceChildren(...(state === "failed" ? [this.#failure()] : []));
    this.#actions.replaceChildren(...this.#buttons(state));
    // The button that had the focus is gone; the one that took its place gets it.
    if (had) this.node.querySelector("button")?.focus();
  }

  #failure() {
    const { error } = this.#save;
    const sentence = this.#wording.say(sentenceOf(error));
    const retry = this.#button("retry", "retry", icon("retry"), this.#wording.say("retry"));
    return make("div", "error", { "data-code": error.code }, make("p", "error-text", {}, sentence), retry);
  }

  #buttons(state) {
    const act = (action, symbol, does = action) => this.#button(action, "action", icon(symbol), undefined, does);
    switch (state) {
      case "interrupted":
        return [this.#button("resume", "resume", this.#wording.say("resume")), act("discard", "close", "cancel")];
      case "completed":
        return [act("remove", "close")];
      case "failed":
        return [act("discard", "close", "cancel")];
      case "paused":
        return [act("resume", "play"), act("cancel", "close")];
      case "saving":
        return [act("cancel", "close")];
      default:
        return [act("pause", "pause"), act("cancel", "close")];
    }
  }

  #button(action, part, symbol, text, does = action) {
    const wording = this.#wording;
    const label = wording.say(`${action}Name`, { name: this.#save.name });
    const title = part === "action" && wording.say(action);
    return button(part, { "data-action": action, "aria-label": label, title, onclick: () => this.#act(does) }, symbol, text);
  }
}

// What is said of one that is there.
export function wordOf({ result }) {
  return result.verified === "none" ? "completed" : "verified";
}
