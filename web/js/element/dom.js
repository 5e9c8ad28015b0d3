// Making elements. Text always goes in as text: names of files come from
// anywhere. What has a part can be styled from outside, by that name.

export function make(tag, part, attributes = {}, ...children) {
  const node = document.createElement(tag);
  if (part) {
    node.className = part;
    node.setAttribute("part", part);
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== false));
  return node;
}

export function button(part, attributes, ...children) {
  return make("button", part, { type: "button", ...attributes }, ...children);
}

// A place that the page may fill; what it shows otherwise are the children.
export function slot(name, ...children) {
  return make("slot", "", { name }, ...children);
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

// What has the focus, looked for from inside of the shadow.
export function focused(node) {
  return node.getRootNode().activeElement ?? null;
}

// A bar from 0 to 1. It is moved by a transform, which costs no layout.
export class Bar {
  #fill = make("div", "bar-fill");
  #shown;

  constructor(label) {
    const attributes = { role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 };
    this.node = make("div", "bar", attributes, this.#fill);
    this.set(0);
  }

  set(fraction) {
    if (fraction === this.#shown) return;
    this.#shown = fraction;
    this.#fill.style.transform = `scaleX(${fraction})`;
    setAttribute(this.node, "aria-valuenow", String(Math.floor(fraction * 100)));
  }
}
