// The list of uploads that were interrupted and can go on.

import { element, setHidden } from "./widget-dom.js";
import { formatProgress } from "./widget-format.js";
import { icon, kindOf } from "./widget-icons.js";

export class Resumables {
  #words;
  #uploader;
  #onRefused;
  #list = element("ol", { class: "pw-list" });
  #input;
  #waiting;

  // `onRefused` is told why one cannot go on.
  constructor(words, uploader, { onRefused }) {
    this.#words = words;
    this.#uploader = uploader;
    this.#onRefused = onRefused;
    this.#input = element("input", {
      type: "file",
      class: "pw-input",
      tabindex: -1,
      "aria-hidden": "true",
      "data-testid": "resume-input",
      onchange: () => this.#chosen(),
    });
    this.node = element(
      "section",
      { class: "pw-queue pw-unfinished", hidden: true, "aria-label": words.unfinished, "data-testid": "unfinished" },
      element(
        "div",
        { class: "pw-total" },
        element("p", { class: "pw-total-title" }, words.unfinished),
        element("p", { class: "pw-meta" }, words.unfinishedHint),
      ),
      this.#list,
      this.#input,
    );
  }

  draw() {
    const { resumables } = this.#uploader;
    setHidden(this.node, resumables.length === 0);
    this.#list.replaceChildren(...resumables.map((resumable) => this.#row(resumable)));
  }

  #row(resumable) {
    const words = this.#words;
    const { name, uploaded, size, expiresAt } = resumable;
    const date = expiresAt.toLocaleDateString(document.documentElement.lang || undefined, { dateStyle: "medium" });
    return element(
      "li",
      { class: "pw-row", "data-key": resumable.key, "data-testid": "resumable" },
      element("span", { class: "pw-icon" }, icon(kindOf(resumable))),
      element(
        "div",
        { class: "pw-body" },
        element("div", { class: "pw-head" }, element("span", { class: "pw-name", title: name }, name)),
        element(
          "div",
          { class: "pw-meta" },
          element("span", {}, formatProgress(uploaded, size, words)),
          element("span", {}, words.until(date)),
        ),
      ),
      element(
        "div",
        { class: "pw-actions" },
        element(
          "button",
          {
            type: "button",
            class: "pw-button pw-quiet",
            "data-action": "resume",
            "aria-label": words.resume(name),
            onclick: () => this.#resume(resumable),
          },
          resumable.hasFile ? words.resume("") : words.chooseAgain,
        ),
        element(
          "button",
          {
            type: "button",
            class: "pw-action",
            "data-action": "discard",
            "aria-label": words.discard(name),
            title: words.discard(""),
            onclick: () => resumable.discard(),
          },
          icon("close"),
        ),
      ),
    );
  }

  async #resume(resumable) {
    if (!resumable.hasFile) return this.#ask(resumable);
    try {
      await resumable.resume();
    } catch (error) {
      this.#onRefused(resumable, error);
      // Where the file cannot be had by itself, somebody can choose it.
      if (error.code === "file_needed") this.#ask(resumable);
    }
  }

  #ask(resumable) {
    this.#waiting = resumable;
    this.#input.value = "";
    this.#input.click();
  }

  async #chosen() {
    const [file] = this.#input.files;
    const resumable = this.#waiting;
    if (!file || !resumable) return;
    try {
      await resumable.resume(file);
    } catch (error) {
      this.#onRefused(resumable, error);
    }
  }
}
