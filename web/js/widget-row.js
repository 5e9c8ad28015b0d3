// One file in the list.

import { Bar, element, setAttribute, setHidden, setText } from "./widget-dom.js";
import { formatBytes, formatDuration, formatProgress, formatSpeed, splitName } from "./widget-format.js";
import { icon, kindOf } from "./widget-icons.js";

export class Row {
  #upload;
  #words;
  #state;
  #bar;
  #size = element("span", { class: "pw-size", "data-testid": "size" });
  #word = element("span", { class: "pw-state", "data-testid": "state" });
  #speed = element("span", { class: "pw-speed", "data-testid": "speed" });
  #left = element("span", { class: "pw-left", "data-testid": "left" });
  #parts = element("span", { class: "pw-parts", "data-testid": "parts" });
  #more = element("div", { class: "pw-more" });
  #actions = element("div", { class: "pw-actions" });

  constructor(upload, words) {
    this.#upload = upload;
    this.#words = words;
    const { name } = upload.file;
    this.#bar = new Bar(words.progressOf(name));
    this.node = element(
      "li",
      { class: "pw-row", "data-id": upload.id, "data-testid": "upload" },
      element("span", { class: "pw-icon", "data-kind": kindOf(upload.file) }, icon(kindOf(upload.file))),
      element(
        "div",
        { class: "pw-body" },
        element("div", { class: "pw-head" }, nameNode(upload), this.#size),
        this.#bar.node,
        element("div", { class: "pw-meta" }, this.#word, this.#speed, this.#left, this.#parts),
        this.#more,
      ),
      this.#actions,
    );
    this.draw();
  }

  draw() {
    const { status, state, progress } = this.#upload;
    const words = this.#words;
    if (state !== this.#state) this.#enter(state);

    const moving = state === "uploading";
    this.#bar.set(progress);
    setText(this.#size, moving || state === "paused" ? formatProgress(status.uploaded, status.size, words) : formatBytes(status.size));
    setText(this.#word, words.stateOf(status));
    setAttribute(this.node, "data-waiting-for", status.waitingFor ?? "");
    setText(this.#speed, moving && status.bytesPerSecond !== null ? formatSpeed(status.bytesPerSecond) : "");
    setText(
      this.#left,
      moving && status.secondsLeft !== null ? words.left(formatDuration(status.secondsLeft)) : "",
    );
    const parts = status.partCount > 1 && state !== "cancelled";
    setText(this.#parts, parts ? words.parts(status.partsStored, status.partCount, state) : "");
  }

  // What only changes with the state.
  #enter(state) {
    this.#state = state;
    setAttribute(this.node, "data-state", state);
    setHidden(this.#bar.node, state === "completed" || state === "cancelled");
    const focused = this.node.contains(document.activeElement);
    this.#more.replaceChildren(...this.#details(state));

    this.#actions.replaceChildren(...this.#buttons(state));
    // The button that had the focus is gone; the one that took its place gets it.
    if (focused) this.node.querySelector("[data-action]")?.focus();
  }

  #details(state) {
    const { result, error } = this.#upload;
    if (state === "failed") return [this.#error(error)];
    if (state === "completed" && result) return [this.#result(result)];
    return [];
  }

  #error(error) {
    const words = this.#words;
    const { name } = this.#upload.file;
    const hint = words.hint(error.code);
    return element(
      "div",
      { class: "pw-error", "data-testid": "error", "data-code": error.code },
      element("p", { class: "pw-error-text" }, error.message),
      hint && element("p", { class: "pw-error-hint" }, hint),
      mayRecover(error) &&
        element(
          "button",
          {
            type: "button",
            class: "pw-button pw-retry",
            "data-action": "retry",
            "aria-label": words.retry(name),
            onclick: () => this.#upload.retry(),
          },
          icon("retry"),
          words.retry(""),
        ),
    );
  }

  #result({ key, checksum }) {
    const words = this.#words;
    const rows = [this.#fact(words.key, key, "key")];
    if (checksum) rows.push(this.#fact(checksum.algorithm, checksum.value, "checksum"));
    return element("dl", { class: "pw-facts" }, ...rows);
  }

  #fact(label, value, testId) {
    const words = this.#words;
    return element(
      "div",
      { class: "pw-fact" },
      element("dt", {}, label),
      element("dd", { "data-testid": testId, title: value }, value),
      element(
        "button",
        {
          type: "button",
          class: "pw-copy",
          "aria-label": words.copy(label, this.#upload.file.name),
          title: words.copyTitle,
          onclick: ({ currentTarget }) => copy(currentTarget, value),
        },
        icon("copy"),
        icon("check"),
      ),
    );
  }

  #buttons(state) {
    const upload = this.#upload;
    const words = this.#words;
    const { name } = upload.file;
    const button = (action, symbol, label, onclick) =>
      element(
        "button",
        { type: "button", class: "pw-action", "data-action": action, "aria-label": label(name), title: label(""), onclick },
        icon(symbol),
      );
    switch (state) {
      case "completed":
      case "cancelled":
        return [button("remove", "close", words.remove, () => upload.remove())];
      case "failed":
        return [button("discard", "close", words.discard, () => discard(upload))];
      case "cancelling": {
        // It stays, without effect, because a button that vanishes loses the focus.
        const cancelling = button("cancel", "close", words.cancel);
        cancelling.setAttribute("aria-disabled", "true");
        return [cancelling];
      }
      case "finishing":
        return [button("cancel", "close", words.cancel, () => upload.cancel())];
      case "paused":
        return [
          button("resume", "play", words.resume, () => upload.resume()),
          button("cancel", "close", words.cancel, () => upload.cancel()),
        ];
      default:
        return [
          button("pause", "pause", words.pause, () => upload.pause()),
          button("cancel", "close", words.cancel, () => upload.cancel()),
        ];
    }
  }
}

// A name too long loses its middle, because both ends tell files apart.
function nameNode(upload) {
  const name = upload.path ?? upload.file.name;
  const [head, tail] = splitName(name);
  return element(
    "span",
    { class: "pw-name", title: name, "data-testid": "name" },
    element("span", { class: "pw-name-head" }, head),
    element("span", { class: "pw-name-tail" }, tail),
  );
}

// A file that changed has to be chosen again. Anything else somebody may have
// mended meanwhile, even what the same request cannot get past by itself.
function mayRecover(error) {
  return error.retryable || !error.code.startsWith("file_");
}

// What a failed upload has stored is removed first, then the row.
function discard(upload) {
  upload.addEventListener("cancelled", () => upload.remove(), { once: true });
  if (!upload.cancel()) upload.remove();
  else if (upload.ended) upload.remove();
}

async function copy(button, value) {
  try {
    await navigator.clipboard.writeText(value);
  } catch {
    // Not permitted, or no secure context: select it, so that a key press copies it.
    getSelection()?.selectAllChildren(button.previousElementSibling);
    return;
  }
  button.dataset.copied = "";
  setTimeout(() => delete button.dataset.copied, 1500);
}
