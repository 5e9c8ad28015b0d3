// What is about to be deleted, and the way back.

import { button, focused, make, setText } from "../element/dom.js";

export class UndoBar {
  #wording;
  #text = make("p", "undo-text");
  #onEmptied;
  #time = make("div", "undo-time", { "aria-hidden": "true" });

  // `deletions` are what it is about; `onEmptied` when its button with the focus has gone.
  constructor(wording, deletions, onEmptied) {
    this.#wording = wording;
    this.#onEmptied = onEmptied;
    const undo = button("undo-button", { "data-command": "undo", onclick: () => deletions().undo() }, wording.say("undo"));
    const now = button("quiet", { "data-command": "deleteNow", onclick: () => deletions().commit() }, wording.say("deleteNow"));
    this.node = make("div", "undo", { role: "group", hidden: true }, this.#text, now, undo, this.#time);
    // Who is about to decide has all the time that it takes.
    for (const type of ["pointerenter", "focusin"]) this.node.addEventListener(type, () => deletions().pause());
    for (const type of ["pointerleave", "focusout"]) {
      this.node.addEventListener(type, () => {
        if (!this.node.matches(":hover, :focus-within")) deletions().resume();
      });
    }
  }

  // What it says.
  get text() {
    return this.#text.textContent;
  }

  draw(held) {
    const had = this.node.contains(focused(this.node));
    this.node.hidden = held.length === 0;
    if (held.length > 0) {
      const text = this.#wording.say(held.length === 1 ? "deleteSoonName" : "deleteSoonCount", { count: held.length, name: held[0].name });
      setText(this.#text, text);
      this.node.setAttribute("aria-label", text);
      // Begins anew.
      this.#time.replaceWith((this.#time = this.#time.cloneNode()));
    } else if (had) {
      this.#onEmptied();
    }
  }
}
