// What callers pass in, made uniform. Only what the engine cannot check is
// checked here; it knows the bounds of the rest.

import { PartwayError } from "./errors.js";

export function readOptions(options) {
  const { endpoint, headers, ...rest } = options ?? {};
  const given = { ...rest, headers: typeof headers === "object" ? { ...headers } : headers };
  // What a worker can be sent: no functions, and of headers a copy, since a
  // framework may have made theirs a proxy.
  const entries = Object.entries(given).filter(([, value]) => !["undefined", "function"].includes(typeof value));
  return { ...Object.fromEntries(entries), endpoint: readEndpoint(endpoint) };
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
