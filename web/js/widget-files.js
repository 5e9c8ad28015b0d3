// The list of files. It shows a few hundred at once, however many there are: those
// under way and those that failed come first, and what has completed makes room.

import { element, setHidden, setText } from "./widget-dom.js";
import { Row } from "./widget-row.js";

const ROOM = 200;
// New rows at one drawing. More would hold up the page noticeably.
const AT_ONCE = 40;
const RANK = { uploading: 3, finishing: 3, cancelling: 3, failed: 2, paused: 2, waiting: 1, completed: 0, cancelled: 0 };

export class Files {
  #words;
  #handlers;
  #room = ROOM;
  #rows = new Map();
  #hidden = new Set();
  #touched = new Set();
  #list = element("ol", { class: "pw-list", "data-testid": "list" });
  #rest;
  #restText = element("span");

  constructor(words, handlers) {
    this.#words = words;
    this.#handlers = handlers;
    this.#rest = element(
      "div",
      { class: "pw-rest", hidden: true, "data-testid": "rest" },
      this.#restText,
      element(
        "button",
        { type: "button", class: "pw-button pw-quiet", onclick: () => this.#widen() },
        words.showMore,
      ),
    );
    this.node = element("div", {}, this.#list, this.#rest);
  }

  add(uploads) {
    for (const upload of uploads) this.#hidden.add(upload);
  }

  touch(upload) {
    this.#touched.add(upload);
  }

  remove(upload) {
    this.#hidden.delete(upload);
    this.#touched.delete(upload);
    const row = this.#rows.get(upload);
    if (!row) return;
    const focused = row.node.contains(document.activeElement);
    const next = row.node.nextElementSibling ?? row.node.previousElementSibling;
    this.#hide(upload);
    if (!focused) return;
    const button = next?.querySelector("button:not([hidden])");
    if (button) button.focus();
    else this.#handlers.onEmptied();
  }

  // Whether there is more to draw at the next occasion.
  draw() {
    const more = this.#balance();
    for (const upload of this.#touched) this.#rows.get(upload)?.draw();
    this.#touched.clear();
    setHidden(this.#list, this.#rows.size === 0);
    setHidden(this.#rest, this.#hidden.size === 0);
    if (this.#hidden.size > 0) setText(this.#restText, this.#words.rest(countStates(this.#hidden)));
    return more;
  }

  #widen() {
    this.#room += ROOM;
    this.#handlers.onWidened();
  }

  // Fills the room, and swaps what is done for what is not.
  #balance() {
    if (this.#hidden.size === 0) return false;
    const candidates = [...this.#hidden].sort((a, b) => RANK[b.state] - RANK[a.state] || a.id - b.id);
    const leaving = this.#mayLeave();
    for (const upload of candidates.slice(0, AT_ONCE)) {
      if (this.#rows.size >= this.#room) {
        const least = leaving.pop();
        if (!least || RANK[least.state] >= RANK[upload.state]) return false;
        this.#hide(least);
        this.#hidden.add(least);
      }
      this.#show(upload);
    }
    return this.#hidden.size > 0;
  }

  // Those shown, the least interesting last. One that is in use stays.
  #mayLeave() {
    return [...this.#rows]
      .filter(([, row]) => !row.node.contains(document.activeElement))
      .map(([upload]) => upload)
      .sort((a, b) => RANK[b.state] - RANK[a.state] || b.id - a.id);
  }

  #show(upload) {
    this.#hidden.delete(upload);
    const row = new Row(upload, this.#words);
    this.#rows.set(upload, row);
    let before = null;
    for (let node = this.#list.lastElementChild; node; node = node.previousElementSibling) {
      if (Number(node.dataset.id) < upload.id) break;
      before = node;
    }
    this.#list.insertBefore(row.node, before);
  }

  #hide(upload) {
    this.#rows.get(upload).node.remove();
    this.#rows.delete(upload);
  }
}

function countStates(uploads) {
  const counts = {};
  for (const { state } of uploads) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
