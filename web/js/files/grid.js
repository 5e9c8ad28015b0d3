// The rows that can be seen, and some around them; the others are only space. So a hundred thousand files cost as much as a dozen.
// All rows have one height. One of them can be reached by the tab key; arrows go on from there.

import { button, focused, make, setAttribute, setHidden } from "../element/dom.js";
import { icon } from "./icons.js";
import { Row } from "./row.js";

// Rows beyond each edge.
const MARGIN = 8;
// Rows from the end at which the next page is needed.
const NEAR = 200;
// Pixels, until the first row has been measured.
const USUAL_HEIGHT = 48;
// Milliseconds in which letters are one word.
const TYPING = 700;
const COLUMNS = ["name", "size", "modified"];

export class Grid {
  #wording;
  #rows;
  #selection;
  #handlers;
  #actions = [];
  #shown = new Map();
  #owners = new WeakMap();
  #active;
  #height = 400;
  #rowHeight = USUAL_HEIGHT;
  #typed = "";
  #typedAt = 0;
  #pointer;
  #when;
  #headers = {};
  #all;
  #head;
  #body = make("div", "rows", { role: "rowgroup" });
  #viewport = make("div", "viewport", {}, this.#body);
  #watcher = new ResizeObserver(() => this.#measure());

  // `handlers`: `onOpen` a folder, `onParent`, `onAct` of an action and a file if it was that row's, `onSelect`, `onSort`, `onFilter`,
  // `onNear` the end, `onSeen` with rows that appear, and `onEmptied` when the row with the focus has gone and there is no other.
  constructor(wording, rows, selection, handlers) {
    this.#wording = wording;
    this.#rows = rows;
    this.#selection = selection;
    this.#handlers = handlers;
    this.#when = times(wording.tag);
    this.#all = make("input", "check", { type: "checkbox", "aria-label": wording.say("selectAll"), onchange: () => this.#selectAll(this.#all.checked) });
    this.#head = make(
      "div",
      "head",
      { role: "row", "aria-rowindex": 1 },
      make("div", "pick", { role: "columnheader" }, this.#all, make("span", "hidden", {}, wording.say("selectAll"))),
      ...COLUMNS.slice(0, 1).map((column) => this.#header(column)),
      make("div", "row-actions", { role: "columnheader" }, make("span", "hidden", {}, wording.say("actions"))),
      ...COLUMNS.slice(1).map((column) => this.#header(column)),
    );
    this.node = make(
      "div",
      "grid",
      { role: "grid", "aria-multiselectable": "true", "aria-label": wording.say("label") },
      make("div", "", { role: "rowgroup" }, this.#head),
      this.#viewport,
    );
    this.#viewport.addEventListener("scroll", () => this.draw(), { passive: true });
    this.#body.addEventListener("keydown", (event) => this.#press(event));
    this.#body.addEventListener("pointerdown", ({ pointerType }) => {
      this.#pointer = pointerType;
    });
    this.#body.addEventListener("click", (event) => this.#click(event));
    this.#body.addEventListener("dblclick", (event) => this.#doubleClick(event));
    this.#body.addEventListener("focusin", (event) => this.#enter(event));
    this.#watcher.observe(this.#viewport);
  }

  // The names of those that rows offer.
  set actions(actions) {
    this.#actions = actions;
    this.node.toggleAttribute("data-acting", actions.length > 0);
    this.clear();
  }

  get hasFocus() {
    return this.node.contains(focused(this.node));
  }

  // The files of the selection, else the one with the focus.
  get chosen() {
    if (this.#selection.count > 0) return this.#selection.files;
    const entry = this.#rows.at(this.#rows.indexOf(this.#active));
    return entry && !entry.isFolder ? [entry] : [];
  }

  close() {
    this.#watcher.disconnect();
  }

  // Another folder, or other rows altogether.
  reset() {
    this.clear();
    this.#active = undefined;
    this.#viewport.scrollTop = 0;
  }

  clear() {
    for (const [key] of this.#shown) this.#hide(key);
  }

  // Changes rows by `change`, while the row on top stays where it is, and the focus with its row or on what took its place.
  keep(change) {
    const had = this.#body.contains(focused(this.node));
    const { scrollTop } = this.#viewport;
    const top = Math.floor(scrollTop / this.#rowHeight);
    const anchor = scrollTop > 0 ? this.#rows.at(top)?.key : undefined;
    const active = this.#rows.indexOf(this.#active);
    change();
    const { length } = this.#rows;
    const stays = this.#rows.indexOf(this.#active) >= 0;
    if (!stays) this.#active = this.#rows.at(Math.min(Math.max(active, 0), length - 1))?.key;
    const moved = this.#rows.indexOf(anchor);
    this.#size();
    if (moved >= 0 && moved !== top) this.#viewport.scrollTop = scrollTop + (moved - top) * this.#rowHeight;
    this.draw();
    if (!had || this.hasFocus) return;
    // A row that was made anew may be far from what is being looked at.
    if (stays) this.#shown.get(this.#active).node.focus({ preventScroll: true });
    else if (length > 0) this.focus();
    else this.#handlers.onEmptied();
  }

  draw() {
    this.#size();
    const { length } = this.#rows;
    const { scrollTop } = this.#viewport;
    const first = Math.max(0, Math.floor(scrollTop / this.#rowHeight) - MARGIN);
    const last = Math.min(length, Math.ceil((scrollTop + this.#height) / this.#rowHeight) + MARGIN);
    if (this.#rows.indexOf(this.#active) < 0) this.#active = this.#rows.at(0)?.key;
    this.#show(first, last);
    this.#drawHead();
    if (last + NEAR >= length) this.#handlers.onNear();
  }

  // `total` is unknown until all is loaded.
  set isComplete(isComplete) {
    setAttribute(this.node, "aria-rowcount", String(isComplete ? this.#rows.length + 1 : -1));
  }

  // Of the row of a key; else of the one that had it last.
  focus(key = this.#active) {
    const index = Math.max(0, this.#rows.indexOf(key));
    this.#go(index);
  }

  #go(index) {
    const entry = this.#rows.at(index);
    if (!entry) return;
    this.#active = entry.key;
    const top = index * this.#rowHeight;
    const { scrollTop } = this.#viewport;
    if (top < scrollTop) this.#viewport.scrollTop = top;
    else if (top + this.#rowHeight > scrollTop + this.#height) this.#viewport.scrollTop = top + this.#rowHeight - this.#height;
    this.draw();
    this.#shown.get(entry.key)?.node.focus({ preventScroll: true });
  }

  #size() {
    const size = `${this.#rows.length * this.#rowHeight}px`;
    if (this.#body.style.blockSize !== size) this.#body.style.blockSize = size;
  }

  #show(first, last) {
    const wanted = [];
    for (let i = first; i < last; i += 1) wanted.push(i);
    // What has the focus, or would get it by the tab key, stays wherever it is scrolled to.
    const active = this.#rows.indexOf(this.#active);
    if (active >= 0 && active < first) wanted.unshift(active);
    if (active >= last) wanted.push(active);
    const keep = new Set(wanted.map((index) => this.#rows.at(index).key));
    for (const [key, row] of this.#shown) {
      // One of the same key may be another file by now.
      if (!keep.has(key) || this.#rows.at(this.#rows.indexOf(key)) !== row.entry) this.#hide(key);
    }
    let before = this.#body.firstElementChild;
    for (const index of wanted) {
      const entry = this.#rows.at(index);
      const row = this.#shown.get(entry.key) ?? this.#make(entry);
      if (row.node === before) before = before.nextElementSibling;
      else this.#body.insertBefore(row.node, before);
      row.draw({
        index,
        offset: index * this.#rowHeight,
        isSelected: this.#selection.has(entry.key),
        isActive: index === active,
        isEven: index % 2 === 1,
      });
    }
  }

  #make(entry) {
    const row = new Row(entry, this.#wording, this.#actions, this.#when);
    this.#shown.set(entry.key, row);
    this.#owners.set(row.node, row);
    if (!entry.isFolder) this.#handlers.onSeen(entry, row);
    return row;
  }

  #hide(key) {
    this.#shown.get(key)?.node.remove();
    this.#shown.delete(key);
  }

  // The rows' height is the style sheet's, which has another one in narrow places.
  #measure() {
    const [row] = this.#shown.values();
    const height = row?.node.offsetHeight || this.#rowHeight;
    const top = this.#viewport.scrollTop / this.#rowHeight;
    this.#height = this.#viewport.clientHeight || this.#height;
    if (height !== this.#rowHeight) {
      this.#rowHeight = height;
      this.#size();
      this.#viewport.scrollTop = top * height;
    }
    this.draw();
  }

  // After rows have appeared for the first time.
  measure() {
    this.#measure();
  }

  #header(column) {
    const text = this.#wording.say(column);
    const sort = button("sort", { "data-sort": column, onclick: () => this.#handlers.onSort(column) }, make("span", "", {}, text), icon("up"));
    this.#headers[column] = make("div", column === "name" ? "entry" : column, { role: "columnheader" }, sort);
    return this.#headers[column];
  }

  #drawHead() {
    const { by, isDown } = this.#rows.order;
    for (const [column, node] of Object.entries(this.#headers)) {
      setAttribute(node, "aria-sort", column !== by ? "none" : isDown ? "descending" : "ascending");
    }
    const { count } = this.#selection;
    const isAll = count > 0 && count === this.#rows.fileCount;
    if (this.#all.checked !== isAll) this.#all.checked = isAll;
    this.#all.indeterminate = count > 0 && !isAll;
    setHidden(this.#all, this.#rows.fileCount === 0);
  }

  #selectAll(isWanted) {
    if (isWanted) this.#selection.all(this.#rows);
    else this.#selection.clear();
    this.#handlers.onSelect();
  }

  #rowOf(event) {
    return this.#owners.get(event.target.closest?.(".row"));
  }

  #enter(event) {
    const row = this.#rowOf(event);
    if (!row || row.entry.key === this.#active) return;
    this.#shown.get(this.#active)?.node.setAttribute("tabindex", "-1");
    this.#active = row.entry.key;
    row.node.setAttribute("tabindex", "0");
  }

  #click(event) {
    const row = this.#rowOf(event);
    if (!row) return;
    const { entry } = row;
    const action = event.target.closest("[data-action]")?.dataset.action;
    if (action) {
      this.#handlers.onAct(action, [entry]);
      return;
    }
    if (!row.node.contains(focused(this.node)) || event.target.closest("input")) row.node.focus({ preventScroll: true });
    if (entry.isFolder) {
      this.#handlers.onOpen(entry);
      return;
    }
    const isToggled = event.target.closest(".pick") || event.ctrlKey || event.metaKey || this.#pointer === "touch";
    if (event.shiftKey) this.#selection.extend(this.#rows, entry);
    else if (isToggled) this.#selection.toggle(entry);
    else this.#selection.only(entry);
    this.#handlers.onSelect();
  }

  #doubleClick(event) {
    const row = this.#rowOf(event);
    if (!row || row.entry.isFolder || event.target.closest(".pick, button") || this.#pointer === "touch") return;
    if (this.#actions.includes("download")) this.#handlers.onAct("download", [row.entry]);
  }

  #press(event) {
    const row = this.#rowOf(event);
    if (!row || event.defaultPrevented || event.isComposing) return;
    const command = this.#commandOf(event, row);
    if (!command) return;
    event.preventDefault();
    command();
  }

  #commandOf(event, row) {
    const { key, shiftKey, altKey } = event;
    const isCommand = event.ctrlKey || event.metaKey;
    const { entry, node } = row;
    const inRow = event.target !== node;
    const at = this.#rows.indexOf(entry.key);
    const page = Math.max(1, Math.floor(this.#height / this.#rowHeight) - 1);
    const end = this.#rows.length - 1;
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: end, PageDown: at + page, PageUp: at - page };
    if (altKey) return key === "ArrowUp" ? () => this.#handlers.onParent() : undefined;
    if (key in steps) return () => this.#step(entry, Math.min(Math.max(steps[key], 0), end), shiftKey);
    if (key === "ArrowRight" || key === "ArrowLeft") return () => this.#within(row, event);
    if (key === "Escape") {
      if (inRow) return () => node.focus();
      return this.#selection.count > 0 ? () => this.#selectAll(false) : undefined;
    }
    if (isCommand) {
      if (key === "a") return () => this.#selectAll(true);
      if (key === "s" && this.#actions.includes("save") && !entry.isFolder) return () => this.#handlers.onAct("save", [entry]);
      return key === "Backspace" ? () => this.#handlers.onAct("delete", this.chosen) : undefined;
    }
    // A button of the row's takes what buttons take.
    if (inRow && (key === "Enter" || key === " ")) return undefined;
    if (key === "Enter") return () => this.#activate(entry);
    if (key === " ") {
      return () => {
        if (shiftKey) this.#selection.extend(this.#rows, entry);
        else if (!entry.isFolder) this.#selection.toggle(entry);
        this.#handlers.onSelect();
      };
    }
    if (key === "Delete") return () => this.#handlers.onAct("delete", this.chosen);
    if (key === "Backspace") return () => this.#handlers.onParent();
    if (key === "/") return () => this.#handlers.onFilter();
    return [...key].length === 1 ? () => this.#find(key, at) : undefined;
  }

  #activate(entry) {
    if (entry.isFolder) this.#handlers.onOpen(entry);
    else if (this.#actions.includes("download")) this.#handlers.onAct("download", this.#selection.has(entry.key) ? this.chosen : [entry]);
  }

  #step(entry, to, isExtending) {
    if (isExtending) this.#selection.begin(entry);
    this.#go(to);
    if (!isExtending) return;
    this.#selection.extend(this.#rows, this.#rows.at(to));
    this.#handlers.onSelect();
  }

  // From the row to its buttons and back.
  #within({ node }, { key, target }) {
    const isForward = (key === "ArrowRight") === (this.#wording.direction !== "rtl");
    const stops = [node, ...node.querySelectorAll("button")];
    const next = stops[stops.indexOf(target) + (isForward ? 1 : -1)];
    next?.focus();
  }

  // The next row whose name begins with what was typed.
  #find(letter, at) {
    const now = performance.now();
    const isNew = now - this.#typedAt > TYPING;
    this.#typed = (isNew ? "" : this.#typed) + letter.toLocaleLowerCase();
    this.#typedAt = now;
    const { length } = this.#rows;
    for (let i = isNew ? 1 : 0; i < length + 1; i += 1) {
      const index = (at + i) % length;
      if (!this.#rows.at(index).name.toLocaleLowerCase().startsWith(this.#typed)) continue;
      this.#go(index);
      return;
    }
  }
}

// How a time is said: in short, at length, and for machines.
function times(tag) {
  const day = new Intl.DateTimeFormat(tag, { dateStyle: "medium" });
  const hour = new Intl.DateTimeFormat(tag, { timeStyle: "short" });
  const long = new Intl.DateTimeFormat(tag, { dateStyle: "long", timeStyle: "short" });
  const today = new Date().toDateString();
  return (milliseconds) => {
    const date = new Date(milliseconds);
    return { short: (date.toDateString() === today ? hour : day).format(date), long: long.format(date), iso: date.toISOString() };
  };
}
