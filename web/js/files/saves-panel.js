// The files that are saved, were, or can be gone on with, at the foot of the list. Loaded with the first of them.

import { button, focused, make, setHidden } from "../element/dom.js";
import { sheet } from "../element/sheet.js";
import { Throttle } from "../throttle.js";
import { sentenceOf } from "./errors.js";
import { SaveRow, wordOf } from "./save-row.js";
import text from "./saves.css";

export { Saves } from "./saves.js";

// Milliseconds.
const DRAWING_INTERVAL = 60;

const styleSheet = sheet(text);

export class SavesPanel {
  #wording;
  #saves;
  #handlers;
  #rows = new Map();
  #offered = 0;
  #list;
  #clear;
  #redraw = new Throttle(() => this.#draw(), DRAWING_INTERVAL);
  #unsubscribe;

  // `root` is the shadow that it is in. `handlers`: `say` to a screen reader, `onEmptied` when the row with the focus has gone and there is
  // no other.
  constructor(root, wording, saves, handlers) {
    this.#wording = wording;
    this.#saves = saves;
    this.#handlers = handlers;
    if (!root.adoptedStyleSheets.includes(styleSheet())) root.adoptedStyleSheets.push(styleSheet());
    const title = wording.say("saves");
    this.#list = make("ol", "saves-list", { role: "list", "aria-label": title, onkeydown: (event) => this.#walk(event) });
    this.#clear = button("quiet", { "data-command": "clearSaves", onclick: () => this.#saves.clear() }, wording.say("clearSaves"));
    const head = make("div", "saves-head", {}, make("p", "saves-title", {}, title), this.#clear);
    this.node = make("section", "saves", { "aria-label": title }, head, this.#list);
    this.#unsubscribe = saves.subscribe((save) => this.#heard(save));
    this.#draw();
  }

  close() {
    this.#unsubscribe();
    this.#redraw.cancel();
  }

  #heard(save) {
    if (save) this.#tell(save);
    // What was removed by a click goes at once, and the focus with it.
    if (!save && this.#saves.all.length !== this.#rows.size) this.#draw();
    else this.#redraw.schedule();
  }

  #tell(save) {
    const wording = this.#wording;
    const { state, name, status } = save;
    const { say } = this.#handlers;
    if (state === "completed") say(wording.join([name, wording.say(wordOf(status))]));
    else if (state === "failed") say(`${wording.say("notSavedName", { name })} ${wording.say(sentenceOf(save.error))}`);
    else if (state === "waiting" && status.downloaded === 0) say(wording.join([name, wording.say("downloading")]));
  }

  #draw() {
    const all = this.#saves.all;
    const focus = focused(this.node);
    const had = focus && this.node.contains(focus);
    const before = [...this.#rows.keys()];
    const holder = before.findIndex((save) => this.#rows.get(save).node.contains(focus));
    for (const [save, row] of this.#rows) {
      if (all.includes(save)) continue;
      row.node.remove();
      this.#rows.delete(save);
    }
    let next = this.#list.firstElementChild;
    for (const save of all) {
      const row = this.#rows.get(save) ?? this.#make(save);
      row.draw();
      if (row.node === next) next = next.nextElementSibling;
      else this.#list.insertBefore(row.node, next);
    }
    setHidden(this.node, all.length === 0);
    setHidden(this.#clear, !all.some(({ state }) => state === "completed"));
    this.#count(all);
    if (!had || this.node.contains(focused(this.node))) return;
    // The row that took the place of the one with the focus.
    const { children } = this.#list;
    const heir = children[Math.min(Math.max(holder, 0), children.length - 1)]?.querySelector("button");
    if (heir) heir.focus();
    else this.#handlers.onEmptied();
  }

  #make(save) {
    const saves = this.#saves;
    const row = new SaveRow(save, this.#wording, (action) => saves[action](save));
    this.#rows.set(save, row);
    return row;
  }

  // Tells a screen reader of what can be gone on with.
  #count(all) {
    const count = all.filter(({ state }) => state === "interrupted").length;
    if (count > this.#offered) this.#handlers.say(this.#wording.say("interruptedCount", { count }));
    this.#offered = count;
  }

  // Arrows go from row to row, and to the same button there, if it has one.
  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest(".save");
    if (!step || !row) return;
    const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    const alike = next?.querySelector(`[data-action="${event.target.dataset.action}"]`) ?? next?.querySelector("button");
    if (!alike) return;
    event.preventDefault();
    alike.focus();
  }
}
