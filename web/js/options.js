// What callers pass in, made uniform. Only what the engine cannot check is
// checked here; it knows the bounds of the rest.

import { PartwayError } from "./errors.js";

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

// Each file becomes `{ file, path, destination, handle }`.
export function readEntries(files, { path, destination }) {
  return Array.from(files, (item) => {
    const entry = item instanceof File ? { file: item } : item;
    if (!(entry?.file instanceof File)) {
      throw new TypeError(
        "add() takes a File, or several: a FileList, or an array of File or { file, path, destination, handle }",
      );
    }
    return {
      file: entry.file,
      // A file of a folder that was chosen brings its path along.
      path: entry.path ?? path ?? (entry.file.webkitRelativePath || undefined),
      destination: entry.destination ?? destination,
      handle: entry.handle,
    };
  });
}
