// Making elements. Text always goes in as text: names of files come from
// anywhere.

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== false));
  return node;
}

// Writing what is there already costs a layout.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

// A bar from 0 to 1. It is moved by a transform, which costs no layout.
export class Bar {
  #fill = element("div", { class: "pw-bar-fill" });
  #shown;

  constructor(label) {
    this.node = element(
      "div",
      { class: "pw-bar", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 },
      this.#fill,
    );
  }

  set(fraction) {
    if (fraction === this.#shown) return;
    this.#shown = fraction;
    this.#fill.style.transform = `scaleX(${fraction})`;
    setAttribute(this.node, "aria-valuenow", String(Math.floor(fraction * 100)));
  }
}
