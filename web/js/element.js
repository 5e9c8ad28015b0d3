// The custom element:
//
//   <script type="module" src="https://uploads.example/widget/element.js"></script>
//   <partway-uploader endpoint="https://uploads.example"></partway-uploader>
//
// It joins its attributes, an Uploader and a View, tells the page of what happens, and
// takes part in a form. Attributes, properties, events, slots and parts are described in element.d.ts.

import { PartwayError, Uploader } from "./index.js";
import { OBSERVED, reflectAll } from "./element/attributes.js";
import { relay } from "./element/events.js";
import { FormValue } from "./element/form.js";
import { wordingIn } from "./element/language.js";
import { languageOf } from "./element/locale.js";
import { problem } from "./element/notices.js";
import { adopt } from "./element/properties.js";
import { styleSheet } from "./element/style.js";
import { View } from "./element/view.js";
import { readEntries } from "./options.js";

// What changes the view as a whole.
const REBUILDING = ["lang", "details", "endpoint"];

// So that the module can be imported where there is no page, as when one is rendered on a server.
const Base = globalThis.HTMLElement ?? class {};

export class PartwayUploader extends Base {
  #internals;
  #form;
  #uploader;
  // Whether the uploader was made here, and so is closed here.
  #isOwn = false;
  // Ends what is heard of it.
  #hearing;
  #view;
  #wording;
  #options = {};
  #headers;
  #token;
  #texts;
  #rebuilding;
  #advised = new Set();

  static get formAssociated() {
    return true;
  }

  static get observedAttributes() {
    return OBSERVED;
  }

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    root.adoptedStyleSheets = [styleSheet()];
    this.#internals = this.attachInternals();
    this.#internals.role = "group";
    this.#form = new FormValue(this, this.#internals);
  }

  connectedCallback() {
    adopt(this, PartwayUploader);
    this.#rebuild();
  }

  // When it is moved within the page, it is connected again at once.
  disconnectedCallback() {
    setTimeout(() => {
      if (!this.isConnected) this.#close();
    });
  }

  attributeChangedCallback(name, before, after) {
    if (before === after || !this.isConnected) return;
    if (name === "endpoint") this.#letGo();
    if (REBUILDING.includes(name)) this.#rebuild();
    else this.#update();
  }

  formDisabledCallback() {
    this.#update();
  }

  // Nothing of a form that was reset should stay; what has arrived stays in the store.
  formResetCallback() {
    this.#uploader?.cancelAll();
    for (const upload of this.uploads) upload.remove();
  }

  // Properties that no attribute can hold.

  // Further options of the Uploader, such as `concurrency`. To be set before the first file comes in, as
  // are those below.
  get options() {
    return this.#options;
  }

  set options(options) {
    this.#options = options ?? {};
    this.#reopen();
  }

  get headers() {
    return this.#headers;
  }

  set headers(headers) {
    this.#headers = headers;
    this.#reopen();
  }

  get token() {
    return this.#token;
  }

  set token(token) {
    this.#token = token;
    this.#reopen();
  }

  // Texts of the page's own, in the place of some of the language's.
  get texts() {
    return this.#texts;
  }

  set texts(texts) {
    this.#texts = texts;
    if (this.isConnected) this.#rebuild();
  }

  // An Uploader of the page's own may take the place of the element's.
  get uploader() {
    return this.#uploader;
  }

  set uploader(uploader) {
    this.#letGo();
    this.#use(uploader, false);
    if (this.isConnected) this.#rebuild();
  }

  get uploads() {
    return this.#uploader?.uploads ?? [];
  }

  // What has arrived.
  get results() {
    return this.uploads.filter(({ state }) => state === "completed").map(({ result }) => result);
  }

  // The keys of what has arrived.
  get value() {
    return this.results.map(({ key }) => key);
  }

  // What can be done from outside.

  // Files, or `{ file, path, handle }`. They are checked as if they had been dropped.
  async add(files) {
    const entries = readEntries(files);
    await this.#rebuilding;
    if (!this.#view) throw new PartwayError("closed", "The element takes no files: it is not on the page, or not set up");
    return this.#view.take({ files: entries });
  }

  // Opens the picker, for which browsers want a click.
  choose() {
    this.#view?.open();
  }

  upload() {
    this.#uploader?.startAll();
  }

  pause() {
    this.#uploader?.pauseAll();
  }

  resume() {
    this.#uploader?.resumeAll();
  }

  cancel() {
    this.#uploader?.cancelAll();
  }

  clear() {
    this.#view?.clear();
  }

  // As a control of a form.

  get form() {
    return this.#internals.form;
  }

  get labels() {
    return this.#internals.labels;
  }

  get validity() {
    return this.#internals.validity;
  }

  get validationMessage() {
    return this.#internals.validationMessage;
  }

  get willValidate() {
    return this.#internals.willValidate;
  }

  checkValidity() {
    return this.#internals.checkValidity();
  }

  reportValidity() {
    return this.#internals.reportValidity();
  }

  setCustomValidity(message) {
    this.#form.custom = message;
    this.#update();
  }

  // Building.

  #rebuild() {
    const tag = languageOf(this);
    const wording = wordingIn(tag, this.#texts);
    if (!(wording instanceof Promise)) {
      this.#rebuilding = undefined;
      this.#show(wording);
      return;
    }
    const rebuilding = wording.then((loaded) => {
      // Another one may have been asked for meanwhile.
      if (this.#rebuilding === rebuilding && this.isConnected) this.#show(loaded);
    });
    this.#rebuilding = rebuilding;
  }

  #show(wording) {
    this.#wording = wording;
    this.#internals.ariaLabel = wording.say("label");
    this.#view?.close();
    this.#view = undefined;
    try {
      if (!this.#uploader) this.#use(this.#makeUploader(), true);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#view = new View(this, wording, this.#uploader, {
      ask: ({ file, path }) => this.#tell("before-file-added", { file, path }, true),
      onRefused: ({ file, path }, code, message) => this.#tell("file-refused", { file, path, code, message }),
      onDrawn: () => this.#submit(),
    });
    this.shadowRoot.replaceChildren(this.#view.node);
    this.#submit();
    this.#lookForUnfinished();
  }

  #makeUploader() {
    return new Uploader({
      ...this.#options,
      endpoint: this.getAttribute("endpoint") ?? undefined,
      headers: this.#headers ?? this.#options.headers,
      token: this.#token ?? this.#options.token,
    });
  }

  #use(uploader, isOwn) {
    this.#uploader = uploader;
    this.#isOwn = isOwn;
    if (!uploader) return;
    // One that comes back would else be heard twice.
    this.#hearing = new AbortController();
    const { signal } = this.#hearing;
    relay(uploader, signal, (type, detail) => this.#tell(type, detail));
    const follow = (type, heard) => uploader.addEventListener(type, heard, { signal });
    follow("failed", ({ detail }) => this.#explain(detail.error));
    follow("progress", ({ detail: { uploads } }) => {
      // Where nothing has ever arrived it may not be the connection. It is tried for minutes before it fails.
      const code = uploads.find(({ status }) => status.waitingFor)?.status.waitingFor;
      if (code && this.results.length === 0) this.#explain({ code, message: "An upload is waiting, and tried again" });
    });
  }

  // Nothing can be uploaded: people are told so, and developers why.
  #fail(error) {
    this.shadowRoot.replaceChildren(problem(this.#wording.say("errorSetup")));
    this.#explain(error);
  }

  async #explain(error) {
    if (!error.code || this.#advised.has(error.code)) return;
    this.#advised.add(error.code);
    const { logAdvice } = await import("./element/advice.js");
    logAdvice(error, this.#uploader?.endpoint);
  }

  async #lookForUnfinished() {
    const uploader = this.#uploader;
    const { hasUnfinished } = await import("./element/unfinished.js");
    const found = await hasUnfinished().catch(() => false);
    if (found && this.#uploader === uploader) uploader.load().catch(() => {});
  }

  // After an attribute has changed.
  #update() {
    this.#view?.update();
    this.#submit();
  }

  // To the form, if there is one.
  #submit() {
    if (!this.#view) return;
    if (this.#form.update(this.uploads, this.#wording, this.#view.anchor)) this.#tell("change");
  }

  // With other options, as long as there is nothing to lose.
  #reopen() {
    if (!this.isConnected || !this.#isOwn || this.uploads.length > 0) return;
    this.#letGo();
    this.#rebuild();
  }

  #close() {
    this.#view?.close();
    this.#view = undefined;
    this.#letGo();
  }

  // What its own tells when it closes is still heard.
  #letGo() {
    if (this.#isOwn) this.#uploader.close();
    if (this.#isOwn) this.#uploader = undefined;
    this.#isOwn = false;
    this.#hearing?.abort();
  }

  // Whether nobody has objected.
  #tell(type, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(type, { detail, cancelable, bubbles: true, composed: true }));
  }
}

reflectAll(PartwayUploader);
if (globalThis.customElements && !customElements.get("partway-uploader")) {
  customElements.define("partway-uploader", PartwayUploader);
}
