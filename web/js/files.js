// The custom element that shows what is stored:
//
//   <script type="module" src="https://uploads.example/widget/files.js"></script>
//   <partway-files endpoint="https://uploads.example"></partway-files>
//
// It joins its attributes, a Server and a View, and tells the page of what happens. Attributes, properties, events and parts are
// described in files.d.ts.

import { languageOf } from "./element/locale.js";
import { problem } from "./element/notices.js";
import { adopt, reflect } from "./element/properties.js";
import { wordingIn } from "./files/language.js";
import { Saving } from "./files/saving.js";
import { Server } from "./files/server.js";
import { styleSheet } from "./files/style.js";
import { View } from "./files/view.js";

const TEXTS = { endpoint: "endpoint", destination: "destination", prefix: "prefix" };

// So that the module can be imported where there is no page, as when one is rendered on a server.
const Base = globalThis.HTMLElement ?? class {};

export class PartwayFiles extends Base {
  #internals;
  #view;
  #wording;
  #headers;
  #token;
  #credentials;
  #texts;
  #rebuilding;
  #isAsked = false;
  #saving;
  // What is shown, from the first page on.
  #started;
  #place;
  #advised = new Set();

  static get observedAttributes() {
    return ["lang", ...Object.values(TEXTS)];
  }

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styleSheet()];
    this.#internals = this.attachInternals();
    this.#internals.role = "group";
  }

  connectedCallback() {
    adopt(this, PartwayFiles);
    this.#rebuild();
  }

  // When it is moved within the page, it is connected again at once.
  disconnectedCallback() {
    setTimeout(() => {
      if (!this.isConnected) this.#close();
    });
  }

  attributeChangedCallback(_, before, after) {
    if (before !== after) this.#rebuild();
  }

  // Properties that no attribute can hold.

  get headers() {
    return this.#headers;
  }

  set headers(headers) {
    this.#headers = headers;
    this.#rebuild();
  }

  get token() {
    return this.#token;
  }

  set token(token) {
    this.#token = token;
    this.#rebuild();
  }

  get credentials() {
    return this.#credentials;
  }

  set credentials(credentials) {
    this.#credentials = credentials;
    this.#rebuild();
  }

  // Texts of the page's own, in the place of some of the language's.
  get texts() {
    return this.#texts;
  }

  set texts(texts) {
    this.#texts = texts;
    this.#rebuild();
  }

  // The prefix that is shown; undefined before anything is.
  get currentPrefix() {
    return this.#view?.prefix;
  }

  get selected() {
    return this.#view?.selected ?? [];
  }

  // What the caller may do at the destination.
  get allowed() {
    return this.#view?.allowed ?? [];
  }

  // What can be done from outside.

  async open(prefix) {
    await this.#rebuilding;
    await this.#started;
    return this.#view?.open(prefix);
  }

  async refresh() {
    await this.#rebuilding;
    await this.#started;
    return this.#view?.refresh();
  }

  focus() {
    this.#view?.focus();
  }

  // Building, once for all that changes in one moment.

  #rebuild() {
    if (!this.isConnected || this.#isAsked) return;
    this.#isAsked = true;
    this.#rebuilding = Promise.resolve().then(async () => {
      this.#isAsked = false;
      const wording = await wordingIn(languageOf(this), this.#texts);
      // Another one may have been asked for meanwhile.
      if (this.isConnected && !this.#isAsked) this.#show(wording);
    });
  }

  #show(wording) {
    this.#wording = wording;
    this.#internals.ariaLabel = wording.say("label");
    // Another language is no reason to go elsewhere.
    const place = JSON.stringify(Object.values(TEXTS).map((name) => this.getAttribute(name)));
    const { root, prefix } = (place === this.#place && this.#view) || {};
    this.#place = place;
    this.#view?.close();
    this.#view = undefined;
    let server;
    try {
      server = new Server({
        endpoint: this.getAttribute("endpoint") ?? undefined,
        headers: this.#headers,
        token: this.#token,
        credentials: this.#credentials,
      });
    } catch (error) {
      this.shadowRoot.replaceChildren(problem(wording.say("errorSetup")));
      this.#explain(error);
      return;
    }
    const { endpoint } = server;
    const tell = (type, detail, cancelable) => {
      if (detail.error) this.#explain(detail.error, endpoint);
      return this.#tell(type, detail, cancelable);
    };
    if (this.#saving?.endpoint !== endpoint) {
      this.#saving?.close();
      this.#saving = this.#save(endpoint, tell);
    }
    this.#view = new View(this, wording, server, this.#saving, tell);
    this.shadowRoot.replaceChildren(this.#view.node);
    this.#started = this.#view.start({ root, prefix });
  }

  // Headers and token are asked for as they are by then.
  #save(endpoint, tell) {
    const ask = (given) => (typeof given === "function" ? given() : given);
    const access = { headers: async () => ask(this.#headers), token: async () => ask(this.#token), credentials: this.#credentials };
    return new Saving({ ...access, endpoint, tell });
  }

  async #explain(error, endpoint) {
    if (!error.code || error.code === "cancelled" || this.#advised.has(error.code)) return;
    this.#advised.add(error.code);
    const { logAdvice } = await import("./element/advice.js");
    logAdvice(error, endpoint);
  }

  #close() {
    this.#view?.close();
    this.#view = undefined;
    this.#saving?.close();
    this.#saving = undefined;
    this.shadowRoot.replaceChildren();
  }

  // Whether nobody has objected. Errors do not bubble, because whatever hears of a page's errors would take them for its own.
  #tell(type, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(type, { detail, cancelable, bubbles: type !== "error", composed: type !== "error" }));
  }
}

reflect(PartwayFiles, TEXTS, (value) => value ?? "");
if (globalThis.customElements && !customElements.get("partway-files")) {
  customElements.define("partway-files", PartwayFiles);
}
