// The engine's side of a host: loads the wasm module, hands commands to the
// engine, and passes on what it tells. Runs in a worker or in the page, and does
// not know in which; what it tells is made of plain objects, which can travel.

import start, { Engine } from "./partway_web.js";

let loading;

export class Session {
  #tell;
  #engine;

  constructor(tell) {
    this.#tell = tell;
  }

  // Takes a message of the page's: the name of a command, and its arguments. All
  // but the first and the last are methods of the engine; those about one upload
  // begin with its id, and are answered with what came of it.
  handle([command, ...args]) {
    if (command === "open") this.#open(...args);
    else if (command === "close") this.#close();
    else this.#run(command, args);
  }

  async #open(options) {
    try {
      await load();
      this.#engine = new Engine(options, this.#tell);
      this.#tell({ type: "opened" });
    } catch (thrown) {
      this.#tell({ type: "broken", error: plain(thrown) });
    }
  }

  #close() {
    try {
      this.#engine?.close();
      this.#engine?.free();
    } catch {
      // A broken one cannot even be closed.
    }
    this.#engine = undefined;
  }

  #run(command, args) {
    const [subject] = args;
    try {
      this.#engine[command](...args);
      if (typeof subject === "number") {
        this.#tell({ type: "done", id: subject, status: this.#engine.status(subject) });
      }
    } catch (thrown) {
      const error = plain(thrown);
      // Entries can be refused. Anything else that throws has lost its mind, and answers no more.
      if (error.code && Array.isArray(subject)) {
        this.#tell({ type: "refused", ids: subject.map(({ id }) => id), error });
      } else {
        this.#tell({ type: "broken", error });
      }
    }
  }
}

function plain(thrown) {
  return typeof thrown?.code === "string" ? thrown : { message: `${thrown?.message ?? thrown}` };
}

// A failure is not kept, so that a later call can succeed when the network is back.
function load() {
  // Bundlers look for exactly this expression.
  const module = new URL("./partway_web_bg.wasm", import.meta.url);
  loading ??= start({ module_or_path: fetch(module) }).catch((cause) => {
    loading = undefined;
    throw { code: "engine_unavailable", message: explain(cause), retryable: true };
  });
  return loading;
}

function explain(cause) {
  const reason = `Partway's engine could not be loaded (${cause?.message ?? cause}).`;
  if (typeof WebAssembly === "undefined") {
    return `${reason} This browser has no WebAssembly, or it is switched off.`;
  }
  if (/content security policy|unsafe-eval/i.test(cause?.message)) {
    return `${reason} The Content-Security-Policy, the page's or that of worker.js, has to allow 'wasm-unsafe-eval' in script-src.`;
  }
  if (cause instanceof WebAssembly.CompileError) {
    return `${reason} Either partway_web_bg.wasm is not the file it should be, or the browser is too old for it.`;
  }
  return `${reason} Check that partway_web_bg.wasm is served from the folder of index.js, and that the page's Content-Security-Policy lets it be loaded (connect-src).`;
}
