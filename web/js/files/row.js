// One folder or file in the list.

import { button, make, setAttribute } from "../element/dom.js";
import { icon as commonIcon } from "../element/icons.js";
import { nameNode } from "../element/names.js";
import { icon } from "./icons.js";
import { kindOf } from "./kinds.js";

const ICONS = { download: "download", save: "save", copyLink: "link", delete: "delete" };

export class Row {
  #entry;
  #picture;
  #box;

  // `actions` are the names of those that are offered; `when` says a time.
  constructor(entry, wording, actions, when) {
    this.#entry = entry;
    const { name, isFolder, size, last_modified: modified } = entry;
    const shown = isFolder || name !== "" ? name || "/" : entry.key;
    this.#picture = make("span", "thumbnail", {}, commonIcon(isFolder ? "folder" : kindOf(name)));
    const label = wording.say("selectName", { name: shown });
    this.#box = !isFolder && make("input", "check", { type: "checkbox", tabindex: -1, "aria-label": label });
    const sizeText = isFolder ? "" : wording.size(size);
    const time = modified === undefined ? undefined : when(modified);
    const buttons = isFolder ? [] : actions.map((action) => this.#button(action, shown, wording));
    const cell = (part, ...children) => make("div", part, { role: "gridcell" }, ...children);
    const facts = [shown, isFolder ? wording.say("folder") : sizeText, time?.long];
    this.node = make(
      "div",
      "row",
      {
        role: "row",
        tabindex: -1,
        "data-key": entry.key,
        "data-kind": isFolder ? "folder" : "file",
        "aria-label": facts.filter(Boolean).join(", "),
      },
      cell("pick", this.#box, this.#picture),
      cell("entry", nameNode(shown)),
      cell("row-actions", ...buttons),
      cell("size", sizeText),
      cell("modified", time && make("time", "", { datetime: time.iso, title: time.long }, time.short)),
    );
  }

  get entry() {
    return this.#entry;
  }

  set picture(node) {
    this.#picture.replaceChildren(node);
  }

  draw({ index, offset, isSelected, isActive, isEven }) {
    const { node } = this;
    setAttribute(node, "aria-rowindex", String(index + 2));
    setAttribute(node, "tabindex", isActive ? "0" : "-1");
    node.toggleAttribute("data-even", isEven);
    if (this.#box) {
      setAttribute(node, "aria-selected", String(isSelected));
      this.#box.checked = isSelected;
    }
    const transform = `translateY(${offset}px)`;
    if (node.style.transform !== transform) node.style.transform = transform;
  }

  #button(action, name, wording) {
    const label = wording.say(`${action}Name`, { name });
    return button("action", { tabindex: -1, "data-action": action, "aria-label": label, title: wording.say(action) }, icon(ICONS[action]));
  }
}
