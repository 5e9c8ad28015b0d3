// The attributes, and the properties that reflect them.

import { parseSize } from "./restrictions.js";

const TEXTS = { endpoint: "endpoint", destination: "destination", name: "name", accept: "accept", start: "start" };
const FLAGS = { required: "required", disabled: "disabled", folders: "folders", details: "details", dropAnywhere: "drop-anywhere" };
const SIZES = { minSize: "min-size", maxSize: "max-size", maxTotal: "max-total" };
const OTHERS = { capture: "capture", maxFiles: "max-files" };

export const OBSERVED = ["lang", ...[TEXTS, FLAGS, SIZES, OTHERS].flatMap((table) => Object.values(table))];

// Gives a class the properties.
export function reflect({ prototype }) {
  const define = (table, read) => {
    for (const [property, attribute] of Object.entries(table)) {
      Object.defineProperty(prototype, property, {
        configurable: true,
        enumerable: true,
        get() {
          return read(this.getAttribute(attribute));
        },
        set(value) {
          if (value === null || value === undefined || value === false) this.removeAttribute(attribute);
          else this.setAttribute(attribute, value === true ? "" : value);
        },
      });
    }
  };
  define(TEXTS, (value) => value ?? "");
  define(FLAGS, (value) => value !== null);
  define(SIZES, parseSize);
  define({ capture: "capture" }, (value) => value);
  define({ maxFiles: "max-files" }, (value) => (Number(value) >= 1 ? Math.floor(Number(value)) : undefined));
}

// Properties that were set before the element was defined lie in front of those of the class.
export function adopt(element, { prototype }) {
  for (const name of Object.keys(element)) {
    if (!(name in prototype)) continue;
    const value = element[name];
    delete element[name];
    element[name] = value;
  }
}
