// The line below the list: what is in it and how much of it is loaded, or what is selected and what can be done with that.

import { button, focused, make, setHidden, setText } from "../element/dom.js";
import { icon as commonIcon } from "../element/icons.js";
import { icon } from "./icons.js";

const ICONS = { download: "download", save: "save", copyLink: "link", delete: "delete" };
// What is done with one file alone.
const SINGLE = ["save", "copyLink"];

export class Foot {
  #wording;
  #onEmptied;
  #text = make("p", "counts");
  #bar = make("div", "waiting-bar", { hidden: true, "aria-hidden": "true" });
  #stop;
  #more;
  #retry;
  #buttons;
  #clear;

  // `handlers`: `onAct`, `onClear`, `onStop`, `onMore`, and `onEmptied` when the button with the focus has gone.
  constructor(wording, handlers) {
    this.#wording = wording;
    this.#onEmptied = handlers.onEmptied;
    const quiet = (key, onclick) => button("quiet", { hidden: true, "data-command": key, onclick }, wording.say(key));
    this.#stop = quiet("stop", handlers.onStop);
    this.#more = quiet("loadMore", handlers.onMore);
    this.#retry = quiet("retry", handlers.onMore);
    this.#buttons = Object.entries(ICONS).map(([action, symbol]) => {
      const text = wording.say(action);
      const attributes = { hidden: true, "data-action": action, "aria-label": text, title: text, onclick: () => handlers.onAct(action) };
      return button("quiet", attributes, icon(symbol), make("span", "", {}, text));
    });
    const clear = wording.say("clearSelection");
    this.#clear = button("action", { hidden: true, "data-command": "clear", "aria-label": clear, title: clear, onclick: handlers.onClear }, commonIcon("close"));
    const actions = make("div", "foot-actions", {}, this.#stop, this.#more, this.#retry, ...this.#buttons, this.#clear);
    this.node = make("div", "foot", {}, this.#text, actions, this.#bar);
  }

  // `state`: the listing, its rows, the selection, the actions that are allowed, and the sentence of an error.
  draw({ listing, rows, selection, actions, problem }) {
    const { count } = selection;
    const focus = focused(this.node);
    const isLoading = Boolean(listing?.isLoading);
    const isSlow = isLoading && rows.needsAll;
    this.node.toggleAttribute("data-selected", count > 0);
    const text = count > 0 ? this.#selected(selection) : (problem ?? this.#counts(listing, rows, isSlow));
    setText(this.#text, text);
    setHidden(this.node, text === "");
    this.#text.toggleAttribute("data-bad", count === 0 && problem !== undefined);
    setHidden(this.#bar, !isLoading);
    setHidden(this.#stop, count > 0 || !isSlow);
    setHidden(this.#more, count > 0 || problem !== undefined || !listing?.isWaiting || !rows.needsAll);
    setHidden(this.#retry, count > 0 || problem === undefined);
    for (const node of this.#buttons) {
      const { action } = node.dataset;
      setHidden(node, count === 0 || !actions.includes(action) || (SINGLE.includes(action) && count > 1));
    }
    setHidden(this.#clear, count === 0);
    if (focus?.hidden) this.#onEmptied();
  }

  // What a screen reader is told of a folder that was opened.
  counts(listing, rows) {
    return this.#counts(listing, rows, false);
  }

  #selected(selection) {
    const wording = this.#wording;
    return wording.join([wording.say("selectedCount", { count: selection.count }), wording.size(selection.size)]);
  }

  #counts(listing, rows, isSlow) {
    const wording = this.#wording;
    if (!listing) return "";
    if (isSlow) return wording.say("loadingMore", { count: listing.count });
    if (listing.isWaiting && rows.needsAll) return wording.say("partly", { count: listing.count });
    if (rows.needle !== "") return wording.say("matchCount", { count: rows.length, total: listing.count });
    const { folderCount, fileCount } = rows;
    const what = wording.join([
      folderCount > 0 && wording.say("folderCount", { count: folderCount }),
      fileCount > 0 && wording.say("fileCount", { count: fileCount }),
      fileCount > 0 && wording.size(rows.size),
    ]);
    return listing.isComplete || what === "" ? what : wording.say("soFar", { what });
  }
}
