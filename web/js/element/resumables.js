// The list of uploads that were interrupted and can go on. Loaded when there is one.

import { button, make, setHidden } from "./dom.js";
import { unfitOf } from "./errors.js";
import { icon, kindOf } from "./icons.js";
import { nameNode } from "./names.js";
import { offeredTo } from "./offered.js";

export class Resumables {
  #host;
  #wording;
  #uploader;
  #onRefused;
  #list = make("ol", "list", { role: "list" });
  #input = make("input", "hidden", {
    type: "file",
    tabindex: -1,
    "aria-hidden": "true",
    "data-input": "resume",
    onchange: () => this.#chosen(),
  });
  #awaited;

  // `onRefused` is told why one cannot go on.
  constructor(host, wording, uploader, onRefused) {
    this.#host = host;
    this.#wording = wording;
    this.#uploader = uploader;
    this.#onRefused = onRefused;
    const title = make("p", "summary-title", { id: "unfinished" }, wording.say("unfinished"));
    const hint = make("p", "meta", {}, wording.say("unfinishedHint"));
    const head = make("div", "summary", {}, title, hint);
    this.node = make("section", "resumables", { "aria-labelledby": "unfinished" }, head, this.#list, this.#input);
  }

  draw() {
    const resumables = offeredTo(this.#host, this.#uploader);
    setHidden(this.node, resumables.length === 0);
    this.#list.replaceChildren(...resumables.map((resumable) => this.#row(resumable)));
  }

  #row(resumable) {
    const wording = this.#wording;
    const { uploaded, size, expiresAt, hasFile } = resumable;
    const resume = button(
      "resume",
      {
        "data-action": "resume",
        "aria-label": wording.say(hasFile ? "resumeName" : "chooseAgainName", resumable),
        onclick: () => this.#resume(resumable),
      },
      wording.say(hasFile ? "resume" : "chooseAgain"),
    );
    const label = wording.say("discardName", resumable);
    const attributes = { "data-action": "discard", "aria-label": label, title: wording.say("discard") };
    const discard = button("action", { ...attributes, onclick: () => resumable.discard() }, icon("close"));
    return make(
      "li",
      "row resumable",
      { "data-key": resumable.key },
      make("span", "thumbnail", {}, icon(kindOf(resumable))),
      make(
        "div",
        "body",
        {},
        nameNode(resumable.path ?? resumable.name),
        make(
          "p",
          "meta",
          {},
          make("span", "", {}, wording.progress(uploaded, size)),
          make("span", "", {}, wording.say("until", { date: wording.date(expiresAt) })),
        ),
      ),
      make("div", "actions", {}, resume, discard),
    );
  }

  async #resume(resumable) {
    if (!resumable.hasFile) return this.#ask(resumable);
    const error = await this.#try(resumable);
    // Where the file cannot be had by itself, somebody can choose it.
    if (error?.code === "file_needed") this.#ask(resumable);
  }

  #ask(resumable) {
    this.#awaited = resumable;
    this.#input.value = "";
    this.#input.click();
  }

  #chosen() {
    const [file] = this.#input.files;
    if (file && this.#awaited) this.#try(this.#awaited, file);
  }

  async #try(resumable, file) {
    try {
      await resumable.resume(file);
      return undefined;
    } catch (error) {
      this.#onRefused(this.#wording.say(unfitOf(error), resumable));
      return error;
    }
  }
}
