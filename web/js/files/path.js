// Where one is: the folders from the root down to the one that is shown.

import { button, focused, make } from "../element/dom.js";
import { icon } from "./icons.js";

// Folders that are named; of more, the middle is behind a button.
const MOST = 4;

export class Path {
  #wording;
  #onOpen;
  #list = make("ol", "path-list", { role: "list" });
  #shown;
  #isWhole = false;

  // `onOpen` is told the prefix of a folder.
  constructor(wording, onOpen) {
    this.#wording = wording;
    this.#onOpen = onOpen;
    this.node = make("nav", "path", { "aria-label": wording.say("path") }, this.#list);
  }

  draw(root, prefix) {
    const shown = JSON.stringify([root, prefix]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#isWhole = false;
    this.#build(root, prefix);
  }

  #build(root, prefix) {
    const had = this.#list.contains(focused(this.#list));
    const steps = stepsTo(root, prefix, this.#wording.say("label"));
    const nodes = steps.map((step, i) => this.#step(step, i === steps.length - 1));
    if (steps.length > MOST && !this.#isWhole) {
      const whole = () => {
        this.#isWhole = true;
        this.#build(root, prefix);
      };
      const label = this.#wording.say("showPath");
      const more = button("step", { "aria-label": label, title: label, onclick: whole }, icon("more"));
      nodes.splice(1, steps.length - MOST + 1, make("li", "", {}, icon("next"), more));
    }
    this.#list.toggleAttribute("data-whole", this.#isWhole);
    this.#list.replaceChildren(...nodes);
    if (had) this.#list.querySelector("button")?.focus();
  }

  #step({ name, prefix }, isLast) {
    const text = make("bdi", "", {}, name);
    const step = isLast
      ? make("span", "step", { "aria-current": "page", title: name }, text)
      : button("step", { title: name, onclick: () => this.#onOpen(prefix) }, text);
    return make("li", "", {}, icon("next"), step);
  }
}

// From the root on, each `{ name, prefix }`.
export function stepsTo(root, prefix, rootName) {
  const steps = [{ name: rootName, prefix: root }];
  let at = root.length;
  for (let end = prefix.indexOf("/", at); end >= 0; end = prefix.indexOf("/", at)) {
    steps.push({ name: prefix.slice(at, end) || "/", prefix: prefix.slice(0, end + 1) });
    at = end + 1;
  }
  return steps;
}

// Of the folder around a prefix; undefined at the root.
export function parentOf(root, prefix) {
  return stepsTo(root, prefix, "").at(-2)?.prefix;
}
