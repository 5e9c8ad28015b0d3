// What was refused before it became an upload.

import { element } from "./widget-dom.js";
import { icon } from "./widget-icons.js";

export class Notices {
  #words;

  constructor(words) {
    this.#words = words;
    // It has to be there before its content, or a screen reader does not speak it.
    this.node = element("div", { class: "pw-notices", role: "alert", "data-testid": "notices" });
  }

  // A new notice replaces the last: both at once would only be noise.
  show(text) {
    const notice = element(
      "div",
      { class: "pw-notice" },
      element("p", {}, text),
      element(
        "button",
        {
          type: "button",
          class: "pw-action",
          "aria-label": this.#words.dismiss,
          title: this.#words.dismiss,
          onclick: () => notice.remove(),
        },
        icon("close"),
      ),
    );
    this.node.replaceChildren(notice);
  }
}
