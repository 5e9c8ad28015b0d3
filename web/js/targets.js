// Where a download goes, as a page says it: made uniform, asked for, and fed.

import { PartwayError } from "./errors.js";

const TAKES = '"browser", "file", "memory", a FileSystemFileHandle or a WritableStream';

// Becomes `{ to }`, with `handle` (a promise) or `stream`. Throws a PartwayError that says what is wrong. The picker opens at
// once, as long as the click counts for which the browser lets it.
export function readTarget(to, filename) {
  if (to === "browser" || to === "memory") return { to };
  if (to === "file") return { to, handle: choose(filename) };
  const kind = Object.prototype.toString.call(to).slice(8, -1);
  if (kind === "FileSystemFileHandle") return { to: "file", handle: permitted(to) };
  if (kind === "WritableStream") {
    if (to.locked) throw invalid("the WritableStream is locked: somebody else writes to it");
    return { to: "stream", stream: to };
  }
  throw invalid(`it takes ${TAKES}; this is ${typeof to === "string" ? `"${to}"` : kind}`);
}

function choose(filename) {
  const { showSaveFilePicker } = /** @type {any} */ (globalThis);
  if (!showSaveFilePicker) {
    throw invalid('this browser lets no page choose where to save a file; use "browser", "memory" or a WritableStream');
  }
  const chosen = showSaveFilePicker.call(globalThis, { suggestedName: filename }).catch((cause) => {
    if (cause.name === "AbortError") throw new PartwayError("cancelled", "No file was chosen", { cause });
    throw invalid(`the browser asks for a file only within a click or a key (${cause.message})`, cause);
  });
  chosen.catch(() => {});
  return chosen;
}

// The permission for a handle that was kept from an earlier page has to be asked for again, for which the browser wants a
// click or a key.
async function permitted(handle) {
  const mode = { mode: "readwrite" };
  try {
    const state = (await handle.queryPermission?.(mode)) ?? "granted";
    if (state === "granted" || (await handle.requestPermission(mode)) === "granted") return handle;
  } catch (cause) {
    throw unwritable(`the browser asks for it only within a click or a key (${cause.message})`, cause);
  }
  throw unwritable("allow it, or choose another file");
}

function unwritable(why, cause) {
  return new PartwayError("file_unwritable", `The file may not be written: ${why}`, { retryable: true, cause });
}

function invalid(why, cause) {
  return new PartwayError("invalid_option", `An option is not valid: to: ${why}`, { field: "to", cause });
}

// What is shown of a key: all after its last slash.
export function nameOf(key) {
  return key.split("/").filter(Boolean).at(-1) ?? "download";
}

// Milliseconds between two: a browser gives up a navigation that has not become a download when the next one begins.
const INTERVAL = 1_200;

let busyUntil = 0;

// Has the browser download something by itself, one after the other. The page stays where it is, as the answer is an attachment.
export function handOver(url) {
  const wait = Math.max(0, busyUntil - performance.now());
  busyUntil = performance.now() + wait + INTERVAL;
  if (wait > 0) setTimeout(() => click(url), wait);
  else click(url);
}

function click(url) {
  const link = document.createElement("a");
  link.href = url;
  link.rel = "noreferrer";
  link.hidden = true;
  document.body.append(link);
  link.click();
  link.remove();
}

// Writes chunks to a stream, as many at once as it says that it has room for, and tells how far it is.
export class StreamTarget {
  #writer;
  #tell;
  #chain = Promise.resolve();
  #taken = 0;
  #failed = false;

  // `tell` has `taken(upTo)`, `saved(whyNot)` and `failed(why)`.
  constructor(stream, tell) {
    this.#writer = stream.getWriter();
    this.#tell = tell;
    // It may fail while nothing is written to it.
    this.#writer.closed.catch((cause) => this.#fail(cause));
  }

  write(bytes) {
    this.#chain = this.#chain.then(async () => {
      if (this.#failed) return;
      await this.#writer.ready;
      const written = this.#writer.write(bytes);
      written.then(() => this.#tell.taken((this.#taken += bytes.byteLength)), (cause) => this.#fail(cause));
    });
    this.#chain = this.#chain.catch((cause) => this.#fail(cause));
  }

  close() {
    this.#chain.then(() => this.#writer.close()).then(
      () => this.#tell.saved(undefined),
      (cause) => this.#tell.saved(`the stream could not be closed: ${cause?.message ?? cause}`),
    );
  }

  abort(reason) {
    this.#failed = true;
    this.#writer.abort(reason).catch(() => {});
  }

  #fail(cause) {
    if (this.#failed) return;
    this.#failed = true;
    this.#tell.failed(`the stream takes no more bytes: ${cause?.message ?? cause}`);
  }
}
