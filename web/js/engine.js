// The engine's side of a host: loads the wasm module, and passes commands to it and its events to the page. Runs in a
// worker or in the page, and does not know in which.

import { Engine, initSync } from "./partway_web.js";

/** @typedef {import("./partway_web.js").EngineEvent} EngineEvent */
/** @typedef {import("./partway_web.js").EngineOptions} EngineOptions */
/** @typedef {import("./host.js").HostEvent} HostEvent */

/** @type {Promise<void> | undefined} */
let loading;

export class EngineHost {
  /** @type {(event: HostEvent) => void} */
  #tell;
  /** @type {Engine | undefined} */
  #engine;

  /** @param {(event: HostEvent) => void} tell */
  constructor(tell) {
    this.#tell = tell;
  }

  // Takes a message of the page's: the name of a command, and its arguments.
  /** @param {import("./host.js").Message} message */
  handle([command, ...args]) {
    if (command === "open") this.#open(/** @type {EngineOptions} */ (args[0]));
    else if (this.#engine) this.#run(() => /** @type {any} */ (this.#engine)[command](...args));
    if (command === "close") this.#close();
  }

  #close() {
    const engine = this.#engine;
    this.#engine = undefined;
    if (engine) this.#run(() => engine.free());
  }

  /** @param {EngineOptions} options */
  async #open(options) {
    try {
      await load();
      this.#engine = new Engine(options, (event) => this.#hear(event));
      this.#tell({ type: "opened" });
    } catch (thrown) {
      this.#tell({ type: "broken", error: plain(thrown) });
    }
  }

  /** @param {EngineEvent} event */
  #hear(event) {
    // A broken one cannot even be closed.
    if (event.type === "broken") this.#engine = undefined;
    this.#tell(event);
  }

  // What throws has panicked, which the engine has told by itself.
  /** @param {() => void} call */
  #run(call) {
    try {
      call();
    } catch (thrown) {
      if (this.#engine) this.#hear({ type: "broken", error: plain(thrown) });
    }
  }
}

function plain(thrown) {
  return typeof thrown?.code === "string" ? thrown : { message: `${thrown?.message ?? thrown}` };
}

// What it means, host.js says.
function unavailable(cause) {
  const { name, message } = cause ?? {};
  return { code: "engine_unavailable", name, message: message ?? `${cause}`, retryable: true };
}

// A failure is not kept, so that a later call can succeed when the network is back.
function load() {
  // Bundlers look for exactly this expression.
  const address = new URL("./partway_web_bg.wasm", import.meta.url);
  loading ??= compile(address).then(
    (module) => void initSync({ module }),
    (cause) => {
      loading = undefined;
      throw unavailable(cause);
    },
  );
  return loading;
}

async function compile(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status} for ${address}`);
  // While it comes, if the server knows what it is.
  const isKnown = response.headers.get("Content-Type") === "application/wasm";
  return isKnown ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}
