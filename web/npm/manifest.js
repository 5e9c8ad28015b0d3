// The custom-elements manifest (https://github.com/webcomponents/custom-elements-manifest), from the built elements
// themselves, their sources and their declarations, so that it cannot say something else. What these do not tell, the words for
// people, is here; a name that one has and the other lacks is an error.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const UPLOADER_EVENTS = {
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

const UPLOADER_SLOTS = {
  icon: "In the place of the drop zone's icon",
  title: "In the place of the drop zone's title",
  hint: "Below the drop zone's title",
  choose: "In the place of the button's text",
  footer: "Below everything",
};

const FILES_EVENTS = {
  open: "A folder is shown. Detail: `{ prefix }`",
  select: "Other files are selected. Detail: `{ objects }`",
  download: "Files are about to be downloaded; `preventDefault()` leaves that to the page. Detail: `{ objects }`",
  save: "A file is about to be saved where the user chooses; `preventDefault()` leaves that to the page. Detail: `{ object }`",
  saved: "A file has been saved. Detail: `{ result, object }`",
  delete: "Files have been deleted. Detail: `{ objects }`",
  link: "There is a link to a file. Detail: `{ object, url, expiresAt }`",
  error: "Something did not work; does not bubble. Detail: `{ error, object }`",
};

// Each with the scripts that tell its events, those that have its slots, and where its style begins.
const ELEMENTS = [
  {
    module: "element.js",
    name: "PartwayUploader",
    tagName: "partway-uploader",
    events: UPLOADER_EVENTS,
    tellers: ["element.js", "element/events.js"],
    slots: UPLOADER_SLOTS,
    views: ["dropzone", "view", "list", "notices"].map((name) => `element/${name}.js`),
    style: "element/style.css",
  },
  {
    module: "files.js",
    name: "PartwayFiles",
    tagName: "partway-files",
    events: FILES_EVENTS,
    tellers: ["files/view.js", "files/saves.js"],
    slots: {},
    views: ["files/view.js"],
    style: "files/style.css",
  },
];

// Of the package in a folder, and the scripts that it was built of.
export async function manifest(folder, scripts) {
  const source = (name) => readFileSync(join(scripts, name), "utf8");
  const modules = [];
  for (const element of ELEMENTS) modules.push(await describe(element, folder, source));
  return { schemaVersion: "2.1.0", readme: "README.md", modules };
}

async function describe({ module: path, name, tagName, ...element }, folder, source) {
  const { [name]: made } = await import(pathToFileURL(join(folder, path)));
  const told = [...element.tellers.map(source).join("").matchAll(/(?:#tell\(|=> \[|tell\()"([a-z-]+)"/g)];
  same("events", Object.keys(element.events), told.map(([, name]) => name));
  const slots = [...element.views.map(source).join("").matchAll(/(?:\bslot\(|"slot", "", \{ name: )"([a-z-]+)"/g)].map(([, name]) => name);
  same("slots", Object.keys(element.slots), slots);
  const sheets = [...source(element.style).matchAll(/@import "(.*?)"/g)].map(([, sheet]) => join(dirname(element.style), sheet));
  const properties = new Set(sheets.map(source).join("").match(/--partway-[a-z-]+(?=[,)])/g));
  // "- Parts, for `::part()`: `root`, …" in the declarations.
  const [, sentence] = source(path.replace(".js", ".d.ts")).match(/- Parts[^:]*::part\(\)`:(.*?)\n \* - /s);
  const parts = [...sentence.matchAll(/`([a-z-]+)`/g)].map(([, name]) => ({ name }));
  const described = (table) => Object.entries(table).map(([name, description]) => ({ name, description }));
  const declaration = {
    kind: "class",
    customElement: true,
    name,
    tagName,
    superclass: { name: "HTMLElement" },
    attributes: made.observedAttributes.map((name) => ({ name })),
    members: members(made.prototype),
    events: described(element.events).map((event) => ({ ...event, type: { text: "CustomEvent" } })),
    slots: described(element.slots),
    cssParts: parts,
    cssProperties: [...properties].sort().map((name) => ({ name })),
  };
  const reference = { name, module: path };
  const exports = [
    { kind: "js", name, declaration: reference },
    { kind: "custom-element-definition", name: tagName, declaration: reference },
  ];
  return { kind: "javascript-module", path, declarations: [declaration], exports };
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
  throw new Error(`The manifest's ${what} are not an element's: it lacks ${unknown}, and has ${gone} too many`);
}
