// The list of files. Only the rows that can be seen, and some around them, are
// there; the space of the others is padding. So ten thousand files cost as much as ten.

import { focused, make, setAttribute } from "./dom.js";
import { Row } from "./row.js";

// Pixels beyond each edge that have rows, so that scrolling and the tab key find them there.
const MARGIN = 400;
// Of a row that nobody has seen yet.
const USUAL_HEIGHT = 64;

export class List {
  #wording;
  #handlers;
  #settings;
  #uploads = [];
  #places = new Map();
  #rows = new Map();
  #owners = new WeakMap();
  #heights = new WeakMap();
  #offsets = new Float64Array(1);
  #summed = [];
  #isMeasured = false;
  #touched = new Set();
  #revealed;
  #height = 400;
  #list = make("ol", "list", { role: "list" });
  #watcher = new ResizeObserver((entries) => this.#measure(entries));

  // `onEmptied` when the row with the focus has gone and there is no other; `onSeen` with rows that appear,
  // `onCompleted` with those whose file has arrived.
  constructor(wording, settings, handlers) {
    this.#wording = wording;
    this.#settings = settings;
    this.#handlers = handlers;
    this.#list.setAttribute("aria-label", wording.say("files"));
    this.node = make("div", "viewport", { onscroll: () => handlers.onChange() }, this.#list);
    this.#watcher.observe(this.node);
    this.node.addEventListener("keydown", (event) => this.#walk(event));
  }

  close() {
    this.#watcher.disconnect();
  }

  add(uploads) {
    for (const upload of uploads) {
      this.#places.set(upload, this.#uploads.length);
      this.#uploads.push(upload);
    }
    this.#isMeasured = false;
  }

  touch(upload) {
    if (this.#rows.has(upload)) this.#touched.add(upload);
  }

  remove(uploads) {
    const gone = new Set(uploads);
    const heir = this.#heirOf(gone);
    this.#uploads = this.#uploads.filter((upload) => !gone.has(upload));
    this.#places = new Map(this.#uploads.map((upload, place) => [upload, place]));
    for (const upload of gone) this.#hide(upload);
    this.#isMeasured = false;
    if (heir === undefined) return;
    this.draw();
    const row = this.#rows.get(heir);
    if (row) row.node.querySelector("button")?.focus();
    else this.#handlers.onEmptied();
  }

  draw() {
    const { scrollTop } = this.node;
    const top = this.#isMeasured ? scrollTop : this.#sumBelow(scrollTop);
    const first = this.#at(top - MARGIN);
    const last = Math.min(this.#at(top + this.#height + MARGIN) + 1, this.#uploads.length);
    this.#show(first, last);
    if (top !== scrollTop) this.node.scrollTop = top;
    for (const upload of this.#touched) this.#rows.get(upload)?.draw();
    this.#touched.clear();
  }

  // Whether it has to be scrolled.
  get isLong() {
    return this.#offsets.at(-1) > this.#height;
  }

  // Scrolls to the next upload that is wanted, from the one that was shown last on, and gives its row the focus. After the
  // end it begins anew.
  reveal(isWanted) {
    const from = (this.#places.get(this.#revealed) ?? -1) + 1;
    const next = this.#uploads.slice(from).find(isWanted) ?? this.#uploads.find(isWanted);
    if (!next) return;
    this.#revealed = next;
    // Browsers round, and the row before is not the one to begin at.
    this.node.scrollTop = Math.ceil(this.#offsets[this.#places.get(next)]);
    this.draw();
    // Rows above it may not have grown to their height yet, so the browser must not scroll by where it stands now.
    this.#rows.get(next).node.querySelector("button").focus({ preventScroll: true });
  }

  // The upload whose row gets the focus when these go: null for none, undefined when it is not needed.
  #heirOf(gone) {
    const focus = focused(this.node);
    const holder = focus && [...gone].find((upload) => this.#rows.get(upload)?.node.contains(focus));
    if (!holder) return undefined;
    const place = this.#places.get(holder);
    const stays = (upload) => !gone.has(upload);
    return this.#uploads.slice(place).find(stays) ?? this.#uploads.slice(0, place).findLast(stays) ?? null;
  }

  #show(first, last) {
    const wanted = this.#uploads.slice(first, last);
    const keep = new Set(wanted);
    const focus = focused(this.node);
    for (const [upload, row] of this.#rows) {
      if (keep.has(upload)) continue;
      // Who is using a row keeps it, wherever it is scrolled to.
      if (focus && row.node.contains(focus)) keep.add(upload);
      else this.#hide(upload);
    }
    const order = keep.size === wanted.length ? wanted : [...keep].sort((a, b) => this.#places.get(a) - this.#places.get(b));
    let before = this.#list.firstElementChild;
    for (const upload of order) {
      const row = this.#rows.get(upload) ?? this.#make(upload);
      if (row.node === before) before = before.nextElementSibling;
      else this.#list.insertBefore(row.node, before);
      setAttribute(row.node, "aria-posinset", String(this.#places.get(upload) + 1));
      setAttribute(row.node, "aria-setsize", String(this.#uploads.length));
    }
    const outside = order.length - wanted.length;
    const above = outside > 0 && this.#places.get(order[0]) < first ? this.#heightOf(order[0]) : 0;
    this.#pad(this.#offsets[first] - above, this.#offsets.at(-1) - this.#offsets[last]);
  }

  #make(upload) {
    const row = new Row(upload, this.#wording, this.#settings.details, this.#handlers.onCompleted);
    this.#rows.set(upload, row);
    this.#owners.set(row.node, upload);
    this.#watcher.observe(row.node);
    this.#handlers.onSeen(upload, row);
    return row;
  }

  #hide(upload) {
    const row = this.#rows.get(upload);
    if (!row) return;
    this.#watcher.unobserve(row.node);
    row.node.remove();
    this.#rows.delete(upload);
  }

  #pad(before, after) {
    const { style } = this.#list;
    const padding = `${Math.max(0, Math.round(before))}px 0 ${Math.max(0, Math.round(after))}px`;
    if (style.padding !== padding) style.padding = padding;
  }

  // Sums up anew, and gives the scroll position at which the row that was on top still is, wherever it begins now.
  #sumBelow(scrollTop) {
    const place = this.#at(scrollTop);
    const [anchor, before] = [this.#summed[place], this.#offsets[place]];
    this.#sum();
    const now = this.#places.get(anchor);
    return scrollTop > 0 && now !== undefined ? Math.ceil(scrollTop + this.#offsets[now] - before) : scrollTop;
  }

  // Where each row begins, were all of them there.
  #sum() {
    const offsets = new Float64Array(this.#uploads.length + 1);
    this.#uploads.forEach((upload, i) => {
      offsets[i + 1] = offsets[i] + this.#heightOf(upload);
    });
    this.#offsets = offsets;
    this.#summed = this.#uploads;
    this.#isMeasured = true;
  }

  #heightOf(upload) {
    return this.#heights.get(upload) ?? USUAL_HEIGHT;
  }

  // The row at a height: the last one that does not begin below it.
  #at(offset) {
    let low = 0;
    let high = this.#offsets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#offsets[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #measure(entries) {
    let changed = false;
    for (const { target, borderBoxSize } of entries) {
      const height = borderBoxSize[0].blockSize;
      if (target === this.node) {
        changed ||= this.#height !== height;
        this.#height = height;
        continue;
      }
      const upload = this.#owners.get(target);
      if (this.#heights.get(upload) === height) continue;
      this.#heights.set(upload, height);
      this.#isMeasured = false;
      changed = true;
    }
    if (changed) this.#handlers.onChange();
  }

  // Arrows go from row to row, and to the same button there, if it has one.
  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest?.(".row");
    if (!step || !row) return;
    const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    const alike = next?.querySelector(`[data-action="${event.target.dataset.action}"]`) ?? next?.querySelector("button");
    if (!alike) return;
    event.preventDefault();
    alike.focus();
  }
}
