// An engine's side of a host: passes commands to it and its events to the page. Runs in a worker or in the page, and does not
// know in which, nor which engine it is.

/**
 * @template E
 * @typedef {(options: any, tell: (event: any) => void) => E} Make
 */

/** @template {{ free(): void }} E */
export class EngineHost {
  /** @type {(event: any) => void} */
  #tell;
  /** @type {() => Promise<void>} */
  #load;
  /** @type {Make<E>} */
  #make;
  /** @type {E | undefined} */
  #engine;

  /**
   * @param {(event: any) => void} tell
   * @param {() => Promise<void>} load
   * @param {Make<E>} make
   */
  constructor(tell, load, make) {
    this.#tell = tell;
    this.#load = load;
    this.#make = make;
  }

  // Takes a message of the page's: the name of a command, and its arguments.
  /** @param {[string, ...any[]]} message */
  handle([command, ...args]) {
    if (command === "open") this.#open(args[0]);
    else if (this.#engine) this.#run(() => /** @type {any} */ (this.#engine)[command](...args));
    if (command === "close") this.#close();
  }

  #close() {
    const engine = this.#engine;
    this.#engine = undefined;
    if (engine) this.#run(() => engine.free());
  }

  async #open(options) {
    try {
      await this.#load();
      this.#engine = this.#make(options, (event) => this.#hear(event));
      // In the same turn, so that nothing that the engine tells comes before it.
      this.#tell({ type: "opened" });
    } catch (thrown) {
      this.#tell({ type: "broken", error: plain(thrown) });
    }
  }

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

// Returns what loads a module once. A failure is not kept, so that a later call can succeed when the network is back.
/**
 * @param {URL} address
 * @param {(input: { module: WebAssembly.Module }) => unknown} initSync
 */
export function loader(address, initSync) {
  /** @type {Promise<void> | undefined} */
  let loading;
  return () => {
    loading ??= compile(address).then(
      (module) => void initSync({ module }),
      (cause) => {
        loading = undefined;
        throw unavailable(cause);
      },
    );
    return loading;
  };
}

async function compile(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status} for ${address}`);
  // While it comes, if the server knows what it is.
  const isKnown = response.headers.get("Content-Type") === "application/wasm";
  return isKnown ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}
