// The custom-elements manifest (https://github.com/webcomponents/custom-elements-manifest), from the built element
// itself, its source and its declarations, so that it cannot say something else. What these do not tell, the words for
// people, is here; a name that one has and the other lacks is an error.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const EVENTS = {
  "before-file-added": "Before a file is taken; `preventDefault()` leaves it out. Detail: `{ file, path }`",
  "file-added": "A file was taken. Detail: `{ upload, file, path }`",
  "file-refused": "A file was left out. Detail: `{ file, path, code, message }`",
  "file-statechange": "Detail: `{ upload, state, previous }`",
  "file-completed": "The store has verified a file. Detail: `{ upload, result }`",
  "file-failed": "Detail: `{ upload, error }`",
  "file-cancelled": "Detail: `{ upload }`",
  "file-removed": "A file was taken off the list. Detail: `{ upload }`",
  progress: "At most ten times per second. Detail: `{ uploads, progress }`",
  completed: "All uploads have ended. Detail: `{ completed, failed, cancelled }`",
  change: "The form value, the keys of what has arrived, has changed",
};

const SLOTS = {
  icon: "In the place of the drop zone's icon",
  title: "In the place of the drop zone's title",
  hint: "Below the drop zone's title",
  choose: "In the place of the button's text",
  footer: "Below everything",
};

// Of the package in a folder, and the scripts that it was built of.
export async function manifest(folder, scripts) {
  const { PartwayUploader } = await import(pathToFileURL(join(folder, "element.js")));
  const source = (name) => readFileSync(join(scripts, name), "utf8");
  const told = [...`${source("element.js")}${source("element/events.js")}`.matchAll(/(?:#tell\(|=> \[|tell\()"([a-z-]+)"/g)];
  same("events", Object.keys(EVENTS), told.map(([, name]) => name));
  const views = ["dropzone", "view", "list", "notices"].map((name) => source(`element/${name}.js`)).join("");
  const slots = [...views.matchAll(/(?:\bslot\(|"slot", "", \{ name: )"([a-z-]+)"/g)].map(([, name]) => name);
  same("slots", Object.keys(SLOTS), slots);
  const sheets = readdirSync(scripts, { recursive: true }).filter((name) => name.endsWith(".css"));
  const properties = new Set(sheets.map(source).join("").match(/--partway-[a-z-]+(?=[,)])/g));
  // "- Parts, for `::part()`: `root`, …" in the declarations.
  const [, sentence] = source("element.d.ts").match(/- Parts[^:]*::part\(\)`:(.*?)\n \* - /s);
  const parts = [...sentence.matchAll(/`([a-z-]+)`/g)].map(([, name]) => ({ name }));
  const described = (table) => Object.entries(table).map(([name, description]) => ({ name, description }));
  const declaration = {
    kind: "class",
    customElement: true,
    name: "PartwayUploader",
    tagName: "partway-uploader",
    superclass: { name: "HTMLElement" },
    attributes: PartwayUploader.observedAttributes.map((name) => ({ name })),
    members: members(PartwayUploader.prototype),
    events: described(EVENTS).map((event) => ({ ...event, type: { text: "CustomEvent" } })),
    slots: described(SLOTS),
    cssParts: parts,
    cssProperties: [...properties].sort().map((name) => ({ name })),
  };
  const reference = { name: "PartwayUploader", module: "element.js" };
  const exports = [
    { kind: "js", name: "PartwayUploader", declaration: reference },
    { kind: "custom-element-definition", name: "partway-uploader", declaration: reference },
  ];
  const module = { kind: "javascript-module", path: "element.js", declarations: [declaration], exports };
  return { schemaVersion: "2.1.0", readme: "README.md", modules: [module] };
}

function members(prototype) {
  const all = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  const own = all.filter(([name]) => name !== "constructor" && !name.endsWith("Callback"));
  return own.map(([name, { value }]) => ({ kind: typeof value === "function" ? "method" : "field", name }));
}

function same(what, described, found) {
  const missing = (from, other) => [...new Set(from)].filter((name) => !other.includes(name));
  const [unknown, gone] = [missing(found, described), missing(described, found)];
  if (unknown.length + gone.length === 0) return;
  throw new Error(`The manifest's ${what} are not the element's: it lacks ${unknown}, and has ${gone} too many`);
}
