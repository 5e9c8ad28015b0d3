// One file in the list.

import { Bar, button, focused, make, setAttribute, setHidden, setText } from "./dom.js";
import { sentenceOf, waitingOf } from "./errors.js";
import { icon, kindOf } from "./icons.js";
import { nameNode } from "./names.js";

export class Row {
  #upload;
  #wording;
  #state;
  #bar;
  #picture;
  #size = make("span", "size");
  #word = make("span", "status");
  #speed = make("span", "speed");
  #left = make("span", "time-left");
  #parts = make("span", "parts");
  #more = make("div", "more");
  #actions = make("div", "actions");
  #showsDetails;
  #onCompleted;

  constructor(upload, wording, showsDetails, onCompleted) {
    this.#onCompleted = onCompleted;
    this.#upload = upload;
    this.#wording = wording;
    this.#showsDetails = showsDetails;
    const { name } = upload;
    this.#bar = new Bar(wording.say("progressOf", { name }));
    this.#picture = make("span", "thumbnail", {}, icon(kindOf(upload.file ?? { name, type: "" })));
    this.node = make(
      "li",
      "row",
      { "data-id": upload.id },
      this.#picture,
      make(
        "div",
        "body",
        {},
        nameNode(upload.path ?? name),
        make("p", "meta", {}, this.#size, this.#word, this.#speed, this.#left, this.#parts),
        this.#bar.node,
        this.#more,
      ),
      this.#actions,
    );
    this.draw();
  }

  get upload() {
    return this.#upload;
  }

  // Further buttons, once it is completed.
  offer(buttons) {
    if (this.#state === "completed") this.#actions.prepend(...buttons);
  }

  // A picture of the file itself in the place of its icon.
  set thumbnail(canvas) {
    this.#picture.replaceChildren(canvas);
  }

  draw() {
    const { status, state, progress } = this.#upload;
    const wording = this.#wording;
    if (state !== this.#state) this.#enter(state);

    const moving = state === "uploading";
    this.#bar.set(progress);
    setText(this.#size, moving || state === "paused" ? wording.progress(status.uploaded, status.size) : wording.size(status.size));
    setText(this.#word, this.#say(status));
    this.node.toggleAttribute("data-waiting", isTriedAgain(status));
    setText(this.#speed, moving && status.bytesPerSecond !== null ? wording.speed(status.bytesPerSecond) : "");
    const left = moving && status.secondsLeft !== null;
    setText(this.#left, left ? wording.say("timeLeft", { time: wording.duration(status.secondsLeft) }) : "");
    const parts = this.#showsDetails && status.partCount > 1 && state !== "cancelled";
    const { partsStored: stored, partCount: count } = status;
    setText(this.#parts, parts ? wording.say("parts", { stored: state === "completed" ? count : stored, count }) : "");
  }

  #say(status) {
    const { state, waitingFor, result } = status;
    if (isTriedAgain(status)) return this.#wording.say(waitingOf(waitingFor));
    if (state === "completed" && result && result.verified !== "none") return this.#wording.say("verified");
    return this.#wording.say(state);
  }

  // What only changes with the state.
  #enter(state) {
    this.#state = state;
    setAttribute(this.node, "data-state", state);
    setHidden(this.#bar.node, ["ready", "completed", "cancelled", "failed"].includes(state));
    const had = this.node.contains(focused(this.node));
    this.#more.replaceChildren();
    if (state === "failed") this.#more.append(this.#failure());
    if (state === "completed" && this.#showsDetails) this.#detail();
    this.#actions.replaceChildren(...this.#buttons(state));
    // The button that had the focus is gone; the one that took its place gets it.
    if (had) this.node.querySelector("[data-action]")?.focus();
    if (state === "completed") this.#onCompleted(this);
  }

  #failure() {
    const { error, file } = this.#upload;
    const wording = this.#wording;
    const attributes = { "data-action": "retry", "aria-label": wording.say("retryName", file), onclick: () => this.#upload.retry() };
    return make(
      "div",
      "error",
      { "data-code": error.code },
      make("p", "error-text", {}, wording.say(sentenceOf(error))),
      mayRecover(error) && button("retry", attributes, icon("retry"), wording.say("retry")),
    );
  }

  async #detail() {
    const { facts } = await import("./details.js");
    if (this.#state === "completed") this.#more.replaceChildren(facts(this.#upload, this.#wording));
  }

  #buttons(state) {
    const upload = this.#upload;
    const act = (action, symbol, onclick) => {
      const label = this.#wording.say(`${action}Name`, upload);
      const attributes = { "data-action": action, "aria-label": label, title: this.#wording.say(action), onclick };
      return button("action", attributes, icon(symbol));
    };
    const cancel = () => act("cancel", "close", () => upload.cancel());
    switch (state) {
      case "completed":
      case "cancelled":
        return [act("remove", "close", () => upload.remove())];
      case "failed":
        return [act("discard", "close", () => discard(upload))];
      case "ready":
        return [act("start", "upload", () => upload.start()), act("remove", "close", () => upload.remove())];
      case "cancelling": {
        // It stays, without effect, because a button that vanishes loses the focus.
        const cancelling = act("cancel", "close");
        cancelling.setAttribute("aria-disabled", "true");
        return [cancelling];
      }
      case "finishing":
        return [cancel()];
      case "paused":
        return [act("resume", "play", () => upload.resume()), cancel()];
      default:
        return [act("pause", "pause", () => upload.pause()), cancel()];
    }
  }
}

function isTriedAgain({ state, waitingFor }) {
  return waitingFor !== undefined && ["uploading", "waiting", "finishing"].includes(state);
}

// A file that changed has to be chosen again. Anything else somebody may have
// mended meanwhile, even what the same request cannot get past by itself.
function mayRecover({ code, retryable }) {
  return retryable || !code.startsWith("file_");
}

// What a failed upload has stored is removed first, then the row.
function discard(upload) {
  upload.addEventListener("cancelled", () => upload.remove(), { once: true });
  if (!upload.cancel() || upload.ended) upload.remove();
}
