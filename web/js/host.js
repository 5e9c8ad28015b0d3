// Where an engine runs: in a worker of its own, or in the page where
// there can be no worker.
//
// A host is given commands by name, `command("cancel", id)`, which keep their
// order and return nothing. What comes of them, and what happens by itself, is told
// as `{ type, ... }`, never before the command has returned. Which commands and
// events there are, it does not know: commands are the methods of the engine's class, and events are the
// engine's, both declared in Rust.

import { PartwayError } from "./errors.js";

/**
 * @template E
 * @typedef {{ [Name in keyof E]: E[Name] extends (...args: infer Arguments) => any ? [Name, ...Arguments] : never }[Exclude<keyof E, "free" | symbol>]} Command
 */
/**
 * @template E
 * @typedef {{ command(...message: Command<E>): void, close(): void }} Host
 */
/**
 * What starts an engine: in a worker, by the worker's script alone, and in the page.
 * @typedef {{ startWorker(): Worker, script: URL, load(): Promise<{ startEngine(tell: (event: any) => void): { handle(message: any): void } }> }} Place
 */

let warned = false;

// Resolves to a host whose engine is ready. Rejects with a PartwayError.
/**
 * @param {any} options
 * @param {(event: any) => void} tell
 * @param {Place} place
 * @returns {Promise<any>} a Host
 */
export async function openHost({ worker, ...options }, tell, place) {
  if (worker !== false) {
    try {
      return await open((hear) => new WorkerHost(place, hear), options, tell);
    } catch (error) {
      if (error.code === "invalid_option") throw error;
      warn(error);
    }
  }
  return open(await inPage(place), options, tell);
}

async function open(start, options, tell) {
  /** @type {any} */
  let host;
  let hear;
  try {
    await new Promise((resolve, reject) => {
      hear = ({ type, error }) => {
        if (type !== "opened") return reject(error);
        // At once: what it tells next may come before this promise is heard of.
        hear = tell;
        return resolve();
      };
      host = start((event) => hear(event));
      host?.command("open", options);
    });
  } catch (thrown) {
    host?.close();
    const error = PartwayError.from(thrown);
    if (error.code !== "engine_unavailable") throw error;
    throw new PartwayError(error.code, await describe(thrown, "describeEngineError"), { retryable: true, cause: thrown.cause });
  }
  return host;
}

// Once for all uploaders: they share the reason.
async function warn(error) {
  if (warned) return;
  warned = true;
  console.warn(await describe(error, "describeWorkerError", isHome()));
}

// In the words of a module that few pages ever need; in the browser's where that cannot be loaded either.
async function describe(error, name, ...args) {
  try {
    const texts = await import("./load-errors.js");
    return texts[name](error, ...args);
  } catch {
    return `Partway: ${error.message}`;
  }
}

class WorkerHost {
  #worker;

  constructor(place, tell) {
    const worker = startWorker(place);
    worker.onmessage = ({ data }) => tell(data);
    worker.onerror = ({ message }) => {
      tell({ type: "broken", error: { message: message ?? "the worker's script could not be loaded" } });
    };
    this.#worker = worker;
  }

  command(...message) {
    this.#worker.postMessage(message);
  }

  // The worker ends itself when the engine has closed.
  close() {
    this.#worker.onmessage = this.#worker.onerror = null;
    this.command("close");
  }
}

// What a worker loads, the page does not, unless there can be no worker.
async function inPage(place) {
  try {
    const { startEngine } = await place.load();
    return (tell) => new PageHost(startEngine, tell);
  } catch (cause) {
    return () => {
      throw { code: "engine_unavailable", message: cause.message, retryable: true, cause };
    };
  }
}

class PageHost {
  #host;
  #tell;

  constructor(startEngine, tell) {
    this.#tell = tell;
    this.#host = startEngine((event) => queueMicrotask(() => this.#tell?.(event)));
  }

  command(...message) {
    this.#host.handle(message);
  }

  close() {
    this.#tell = undefined;
    this.command("close");
  }
}

function startWorker(place) {
  if (isHome()) return place.startWorker();

  // A worker has to be of the page's own origin, as a blob is. What it imports need not be.
  const script = `import ${JSON.stringify(place.script)};`;
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const worker = new Worker(address, { type: "module" });
  const forget = () => URL.revokeObjectURL(address);
  worker.addEventListener("message", forget, { once: true });
  worker.addEventListener("error", forget, { once: true });
  return worker;
}

// A bundler that gives a file's address has put all into the page's own bundle.
function isHome() {
  const { protocol, origin } = new URL(import.meta.url);
  return protocol === "file:" || origin === location.origin;
}
