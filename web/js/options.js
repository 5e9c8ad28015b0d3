// What callers pass in, made uniform. Only what the engine cannot check is
// checked here; it knows the bounds of the rest.

import { PartwayError } from "./errors.js";

// What an uploader's own modules ask it for: the endpoint, and what every call to the server brings along.
export const ACCESS = Symbol("access");

export function readOptions(options) {
  const { endpoint, headers, token, ...rest } = options ?? {};
  // What a worker can be sent: no functions, and of headers a copy, since a
  // framework may have made theirs a proxy.
  const entries = Object.entries(rest).filter(([, value]) => !["undefined", "function"].includes(typeof value));
  const given = { ...Object.fromEntries(entries), endpoint: readEndpoint(endpoint) };
  const asksForHeaders = typeof headers === "function" || typeof token === "function";
  if (asksForHeaders) return { ...given, asksForHeaders };
  if (token === undefined || token === null) return { ...given, headers: typeof headers === "object" ? { ...headers } : headers };
  return { ...given, headers: { ...headers, ...bearer(token) } };
}

// Resolves to the headers for the server, as the options have them at this moment. Rejects with whatever
// the callers' own functions throw.
export async function askForHeaders({ headers, token }) {
  const [given, bearing] = await Promise.all([
    typeof headers === "function" ? headers() : headers,
    typeof token === "function" ? token() : token,
  ]);
  const all = { ...given, ...bearer(bearing) };
  const wrong = Object.keys(all).find((name) => typeof all[name] !== "string");
  if (wrong !== undefined) throw new TypeError(`the header ${wrong} must be a string`);
  return all;
}

function bearer(token) {
  return token === undefined || token === null ? {} : { Authorization: `Bearer ${token}` };
}

// Absolute and without a slash at its end. A relative address counts from the page's.
function readEndpoint(endpoint) {
  let url;
  try {
    url = new URL(endpoint, globalThis.document?.baseURI);
  } catch {
    // Reported below.
  }
  if (endpoint === undefined || endpoint === null || !["http:", "https:"].includes(url?.protocol)) {
    const message = `endpoint must be the address of a Partway server, not ${endpoint}`;
    throw new PartwayError("invalid_option", message, { field: "endpoint" });
  }
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

// Also one of another realm, such as a frame's, of whose class this page's knows nothing.
export function isFile(value) {
  return isA(value, "File");
}

function isA(value, name) {
  return Object.prototype.toString.call(value) === `[object ${name}]`;
}

// What a Blob is called that was given no name, as a form calls it.
const NAMELESS = "blob";

// Whether it is one file and not several.
export function isSingle(files) {
  return isFile(files) || isA(files, "Blob") || Object(files).file !== undefined;
}

const OF_A_COPY = { "": ["from", "to", "metadata", "tags", "type"], from: ["key", "destination", "versionId", "etag"], to: ["key", "name", "destination"] };

// `{ from, to, metadata, tags, type }`. Throws a TypeError that says what is wrong.
export function readCopy(copy) {
  const { from, to = {} } = copy ?? {};
  if (typeof from?.key !== "string") throw new TypeError("copy() takes { from: { key }, to }: what is copied, and where to");
  for (const [place, names] of Object.entries(OF_A_COPY)) {
    const unknown = Object.keys({ "": copy, from, to }[place]).find((name) => !names.includes(name));
    if (unknown !== undefined) throw new TypeError(`copy() knows no ${unknown}; there are ${names.join(", ")}`);
  }
  for (const [name, value] of [...Object.entries({ ...copy.metadata }), ...Object.entries({ ...copy.tags })]) {
    if (typeof value !== "string") throw new TypeError(`copy() takes texts as metadata and tags, and ${name} is none`);
  }
  return { copy, name: to.name ?? (to.key ?? from.key).match(/[^/]*(?=\/*$)/)[0], destination: to.destination };
}

// A File, a Blob, or `{ file, name, path, destination, handle }`, several of them or one. Each becomes
// `{ file, path, destination, handle }`. Throws a TypeError that says what is wrong.
/**
 * @param {any} files
 * @param {{ name?: string, path?: string, destination?: string }} [options]
 */
export function readEntries(files, { name, path, destination } = {}) {
  const list = isSingle(files) ? [files] : files;
  const isList = typeof list === "object" && (typeof list?.[Symbol.iterator] === "function" || typeof list?.length === "number");
  if (!isList) throw notAFile(files);
  return Array.from(list, (item) => {
    const entry = isFile(item) || isA(item, "Blob") ? { file: item } : item;
    return {
      file: fileOf(entry?.file, entry?.name ?? name, item),
      // A file of a folder that was chosen brings its path along.
      path: entry.path ?? path ?? (entry.file.webkitRelativePath || undefined),
      destination: entry.destination ?? destination,
      handle: entry.handle,
    };
  });
}

function fileOf(file, name, given) {
  if (isFile(file)) return file;
  // The bytes stay where they are.
  if (isA(file, "Blob")) return new File([file], name ?? NAMELESS, { type: file.type });
  throw notAFile(given);
}

function notAFile(given) {
  const what = isA(given, "FileSystemFileHandle") ? "a file handle (pass { file: await handle.getFile(), handle })" : Object.prototype.toString.call(given).slice(8, -1);
  return new TypeError(`Partway takes a File or Blob, { file, name, path, destination, handle }, or several of these in a list; this is ${what}`);
}
