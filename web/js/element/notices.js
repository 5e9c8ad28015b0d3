// What was left out before it became an upload, and why.

import { button, make } from "./dom.js";
import { icon } from "./icons.js";

// Sentences at most; the rest are counted.
const MOST = 3;

export class Notices {
  #wording;

  constructor(wording) {
    this.#wording = wording;
    // It has to be there before its content, or a screen reader does not speak it.
    this.node = make("div", "notices", { role: "alert" });
  }

  // A new notice replaces the last: both at once would only be noise.
  show(sentences) {
    const wording = this.#wording;
    const shown = sentences.slice(0, MOST);
    if (sentences.length > MOST) {
      shown.unshift(wording.say("leftOut", { count: sentences.length }));
      shown.push(wording.say("and", { count: sentences.length - MOST }));
    }
    const label = wording.say("dismiss");
    const dismiss = button("action", { "aria-label": label, title: label, onclick: () => this.clear() }, icon("close"));
    const text = make("div", "notice-text", {}, ...shown.map((sentence) => make("p", "", {}, sentence)));
    this.node.replaceChildren(make("div", "notice", {}, icon("warning"), text, dismiss));
  }

  clear() {
    this.node.replaceChildren();
  }
}

// Stands in for everything where nothing can be uploaded.
export function problem(text) {
  return make("div", "problem", { role: "alert" }, icon("warning"), make("p", "", {}, text));
}
