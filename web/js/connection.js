// The one connection of a list of transfers to its engine, which is started when it is first needed. It tells the engine
// what only the page knows: whether there is a network, whether somebody looks, and the headers for the server.

import { openHost } from "./host.js";
import { askForHeaders, readOptions } from "./options.js";

export class Connection {
  /** @type {any} */
  #options;
  // Values, or functions that are called for them.
  #credentials;
  #place;
  #hear;
  #starting;
  #watching;
  #closed = false;
  // A host of whichever engine it is.
  /** @type {any} */
  engine;

  /**
   * @param {any} options
   * @param {import("./host.js").Place} place
   * @param {(event: any) => void} hear
   */
  constructor(options, place, hear) {
    this.#options = readOptions(options);
    this.#credentials = { headers: options.headers, token: options.token, credentials: options.credentials };
    this.#place = place;
    this.#hear = hear;
  }

  // Addresses are made uniform: without a slash at the end.
  get endpoint() {
    return this.#options.endpoint;
  }

  // What calls to the server need besides what they say.
  get access() {
    return { ...this.#credentials, endpoint: this.endpoint };
  }

  // Resolves once the engine is there.
  async start() {
    if (this.engine) return;
    this.#starting ??= this.#open().finally(() => {
      this.#starting = undefined;
    });
    await this.#starting;
  }

  // Ends the engine. It can be started again, unless it is closed for good.
  letGo() {
    this.#watching?.abort();
    this.engine?.close();
    this.engine = undefined;
  }

  close() {
    this.#closed = true;
    this.letGo();
  }

  async #open() {
    const engine = await openHost(this.#options, (event) => this.#heard(event), this.#place);
    if (this.#closed) {
      engine.close();
      return;
    }
    this.engine = engine;
    this.#watch();
  }

  // What a worker is not told of: it has no visibility, and in Chromium none of
  // the events of the network.
  #watch() {
    this.#watching = new AbortController();
    const { signal } = this.#watching;
    const watch = (target, type, heard) => target?.addEventListener(type, heard, { signal });
    const { document } = globalThis;
    watch(globalThis, "online", () => this.engine?.command("connectivity", true));
    watch(globalThis, "offline", () => this.engine?.command("connectivity", false));
    // Perhaps after a sleep.
    watch(document, "visibilitychange", () => {
      if (document.visibilityState === "visible") this.engine?.command("wake", navigator.onLine !== false);
    });
  }

  #heard(event) {
    if (event.type === "headers") this.#answer();
    else this.#hear(event);
  }

  // At first, and when the server has refused those that it had.
  async #answer() {
    const answer = await askForHeaders(this.#credentials).then(
      (headers) => ["provide", headers],
      (thrown) => ["deny", `${thrown?.message ?? thrown}`],
    );
    this.engine?.command(...answer);
  }
}
