// Where an uploader's engine runs: in a worker of its own, or in the page where
// there can be no worker.
//
// A host is given commands by name, `command("cancel", id)`, which keep their
// order and return nothing. What comes of them, and what happens by itself, is told
// as `{ type, ... }`, never before the command has returned. Which commands and
// events there are, it does not know: commands are the methods of the engine's class, and events are the
// engine's, both declared in Rust.

import { PartwayError } from "./errors.js";

/** @typedef {import("./partway_web.js").Engine} Engine */
/** @typedef {import("./partway_web.js").EngineOptions} EngineOptions */
/** @typedef {import("./partway_web.js").EngineEvent} EngineEvent */
/** @typedef {{ type: "opened" } | { type: "broken", error: object } | EngineEvent} HostEvent */
/** @typedef {{ [Name in keyof Engine]: [Name, ...Parameters<Engine[Name]>] }[Exclude<keyof Engine, "free" | symbol>]} Command */
/** @typedef {["open", EngineOptions] | Command} Message */
/** @typedef {{ command(...message: Message): void, close(): void }} Host */

let warned = false;

// Resolves to a host whose engine is ready. Rejects with a PartwayError.
/**
 * @param {any} options
 * @param {(event: any) => void} tell
 * @returns {Promise<Host>}
 */
export async function openHost({ worker, ...options }, tell) {
  if (worker !== false) {
    try {
      return await open(WorkerHost, options, tell);
    } catch (error) {
      if (error.code === "invalid_option") throw error;
      warn(error);
    }
  }
  return open(PageHost, options, tell);
}

async function open(Host, options, tell) {
  /** @type {Host | undefined} */
  let host;
  let hear;
  try {
    await Host.prepare?.();
    await new Promise((resolve, reject) => {
      hear = ({ type, error }) => {
        if (type !== "opened") return reject(error);
        // At once: what it tells next may come before this promise is heard of.
        hear = tell;
        return resolve();
      };
      host = /** @type {Host} */ (new Host((event) => hear(event)));
      host.command("open", options);
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

  constructor(tell) {
    const worker = startWorker();
    worker.onmessage = ({ data }) => tell(data);
    worker.onerror = ({ message }) => {
      tell({ type: "broken", error: { message: message ?? "worker.js could not be loaded" } });
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
let EngineHost;

class PageHost {
  #host;
  #tell;

  static async prepare() {
    try {
      EngineHost ??= (await import("./engine.js")).EngineHost;
    } catch (cause) {
      throw { code: "engine_unavailable", message: cause.message, retryable: true, cause };
    }
  }

  constructor(tell) {
    this.#tell = tell;
    this.#host = new EngineHost((event) => queueMicrotask(() => this.#tell?.(event)));
  }

  command(...message) {
    this.#host.handle(message);
  }

  close() {
    this.#tell = undefined;
    this.command("close");
  }
}

function startWorker() {
  // Bundlers look for exactly this expression.
  if (isHome()) return new Worker(new URL("./worker.js", import.meta.url), { type: "module" });

  // A worker has to be of the page's own origin, as a blob is. What it imports need not be.
  const home = import.meta.url;
  const script = `import ${JSON.stringify(new URL("./worker.js", home))};`;
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
