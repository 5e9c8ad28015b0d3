// The uploader's attributes, and the properties that reflect them.

import { reflect } from "./properties.js";
import { parseSize } from "./restrictions.js";

const TEXTS = { endpoint: "endpoint", destination: "destination", name: "name", accept: "accept", start: "start" };
const FLAGS = { required: "required", disabled: "disabled", folders: "folders", details: "details", dropAnywhere: "drop-anywhere" };
const SIZES = { minSize: "min-size", maxSize: "max-size", maxTotal: "max-total" };
const OTHERS = { capture: "capture", maxFiles: "max-files" };

export const OBSERVED = ["lang", ...[TEXTS, FLAGS, SIZES, OTHERS].flatMap((table) => Object.values(table))];

// Gives a class the properties.
export function reflectAll(element) {
  reflect(element, TEXTS, (value) => value ?? "");
  reflect(element, FLAGS, (value) => value !== null);
  reflect(element, SIZES, parseSize);
  reflect(element, { capture: "capture" }, (value) => value);
  reflect(element, { maxFiles: "max-files" }, (value) => (Number(value) >= 1 ? Math.floor(Number(value)) : undefined));
}
