// A sentence that goes by itself, for what has worked. A screen reader hears it elsewhere.

import { make, setText } from "../element/dom.js";
import { icon } from "../element/icons.js";

// Milliseconds.
const TIME = 5000;

export class Toast {
  #text = make("p", "toast-text");
  #timer;

  constructor() {
    this.node = make("div", "toast", { hidden: true, "aria-hidden": "true" }, icon("check"), this.#text);
  }

  show(sentence) {
    setText(this.#text, sentence);
    this.node.hidden = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), TIME);
  }

  close() {
    clearTimeout(this.#timer);
    this.node.hidden = true;
  }
}
