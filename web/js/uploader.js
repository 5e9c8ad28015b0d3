// The list of uploads, and their one connection to the engine.
//
// The engine is elsewhere: it is sent commands, and tells events. A command on an
// upload shows at once what it is likely to come to; until its answer is here,
// whatever else the engine says of that upload is older than it, and left aside.

import { Connection } from "./connection.js";
import { PartwayError } from "./errors.js";
import { ACCESS, isSingle, readCopy, readEntries } from "./options.js";
import { overall } from "./overall.js";
import { ResumableUpload } from "./resumable.js";
import { SET_STATUS, isUnderWay } from "./transfer.js";
import { updates } from "./updates.js";
import { Upload } from "./upload.js";

/** @typedef {import("./host.js").Host<import("./partway_web.js").Engine>} Host */
/** @typedef {Exclude<import("./partway_web.js").EngineEvent, { type: "headers" }>} HostEvent */
/** @typedef {{ [Event in HostEvent as Event["type"]]: (event: Event) => void }} Hears */

const CHANGES = ["added", "progress", "statechange", "removed", "resumables"];

// Bundlers look for exactly these expressions.
/** @type {import("./host.js").Place} */
const ENGINE = {
  startWorker: () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
  script: new URL("./worker.js", import.meta.url),
  load: () => import("./engine.js"),
};

export class Uploader extends EventTarget {
  #connection;
  #uploads = new Map();
  // What the engine knows of, and how many answers about each are to come.
  #given = new Map();
  #closed = false;
  #nextId = 1;
  // What was under way at the same time; the overall progress is about these.
  #run = new Set();
  #active = 0;
  #resumables = [];
  #snapshot;
  // Those being taken up, with who waits for that.
  #takenUp = new Map();

  constructor(options) {
    super();
    this.#connection = new Connection(options, ENGINE, (event) => this.#hears[event.type]?.(event));
  }

  // Fetches the engine ahead of the first upload. Never needed, but it saves
  // time when an upload is likely. Once it is there, it looks anew what can be resumed, and by whom.
  async load() {
    if (this.#engine) this.#engine.command("wake", false);
    else await this.#start();
  }

  add(files, options = {}) {
    this.#requireOpen();
    const single = isSingle(files);
    const entries = readEntries(files, options);
    const state = options.start === false ? "ready" : "waiting";
    const batch = entries.map((entry) => this.#register(entry, state));
    if (batch.length > 0) {
      this.#tell("added", { uploads: batch });
      this.#obey(options.signal, batch);
      if (state === "waiting") this.#handOver(batch);
    }
    return single ? batch[0] : batch;
  }

  /**
   * @param {File | Blob} file
   * @param {any} [options]
   */
  async upload(file, { onProgress, ...options } = {}) {
    if (!isSingle(file)) throw new TypeError("upload() takes one File or Blob; add() takes several");
    const upload = /** @type {Upload} */ (this.add(file, options));
    if (onProgress) upload.addEventListener("progress", () => onProgress(upload.status));
    return upload.finished;
  }

  // An object that is there already; none of its bytes come here.
  copy(copy, options = {}) {
    this.#requireOpen();
    const upload = this.#register(readCopy(copy), "waiting");
    this.#tell("added", { uploads: [upload] });
    this.#obey(options.signal, [upload]);
    this.#handOver([upload]);
    return upload;
  }

  // Addresses are made uniform: without a slash at the end.
  get endpoint() {
    return this.#connection.endpoint;
  }

  get [ACCESS]() {
    return this.#connection.access;
  }

  get uploads() {
    return [...this.#uploads.values()];
  }

  // How many are under way: begun, and not ended.
  get active() {
    return this.#active;
  }

  get progress() {
    return overall(this.#run, this.#active);
  }

  // What was interrupted and can go on, once the engine is there: see load().
  get resumables() {
    return [...this.#resumables];
  }

  // Begins all that are ready, in one request.
  startAll() {
    this.#begin(this.uploads.filter(({ state }) => state === "ready"));
  }

  retryAll() {
    for (const upload of this.uploads) upload.retry();
  }

  pauseAll(options) {
    for (const upload of this.uploads) upload.pause(options);
  }

  resumeAll() {
    for (const upload of this.uploads) upload.resume();
  }

  cancelAll() {
    for (const upload of this.uploads) if (isUnderWay(upload.state)) upload.cancel();
  }

  // Calls back with a snapshot whenever something has changed, and once at the beginning. Returns a
  // function that ends it.
  subscribe(listener) {
    const ended = new AbortController();
    const tell = () => listener(this.snapshot);
    for (const type of CHANGES) this.addEventListener(type, tell, { signal: ended.signal });
    tell();
    return () => ended.abort();
  }

  // All there is to show, frozen. The same object until something changes.
  get snapshot() {
    const { uploads, progress, resumables } = this;
    this.#snapshot ??= Object.freeze({ uploads: Object.freeze(uploads), progress, resumables: Object.freeze(resumables) });
    return this.#snapshot;
  }

  // The progress of all until nothing is under way.
  async *[Symbol.asyncIterator]() {
    yield* updates(this, ["progress", "idle", "added"], () => this.progress, () => this.#active === 0);
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
    this.#letGo();
    const error = new PartwayError("cancelled", "The uploader was closed");
    for (const upload of this.uploads) {
      if (!upload.ended) this.#update(upload, { ...upload.status, state: "cancelled", error });
    }
  }

  // What an Upload asks for.

  #host = {
    start: (upload) => this.#begin(upload.state === "ready" ? [upload] : []),
    cancel: (upload) => {
      const failed = upload.state === "failed";
      if (this.#closed || (upload.ended && !failed)) return false;
      if (this.#given.has(upload)) this.#command(upload, "cancelling", (engine) => engine.command("cancel", upload.id));
      else this.#update(upload, { ...upload.status, state: "cancelled", error: undefined });
      return true;
    },
    pause: (upload, { finishParts = false } = {}) => {
      if (this.#closed || !["waiting", "uploading"].includes(upload.state)) return false;
      if (this.#given.has(upload)) this.#command(upload, "paused", (engine) => engine.command("pause", upload.id, finishParts));
      else this.#update(upload, { ...upload.status, state: "paused" });
      return true;
    },
    resume: (upload) => {
      if (this.#closed || upload.state !== "paused") return false;
      if (this.#given.has(upload)) {
        this.#command(upload, "waiting", (engine) => engine.command("resume", upload.id));
      } else {
        this.#update(upload, { ...upload.status, state: "waiting" });
        this.#handOver([upload]);
      }
      return true;
    },
    retry: (upload) => {
      if (this.#closed || upload.state !== "failed") return false;
      if (this.#given.has(upload)) {
        this.#command(upload, "waiting", (engine) => engine.command("retry", upload.id));
      } else {
        // It never got as far as the engine.
        this.#update(upload, { ...upload.status, state: "waiting", error: undefined });
        this.#handOver([upload]);
      }
      return true;
    },
    remove: (upload) => {
      if (isUnderWay(upload.state) || !this.#uploads.delete(upload.id)) return false;
      this.#run.delete(upload);
      if (this.#given.delete(upload)) this.#engine.command("remove", upload.id);
      this.#tell("removed", { upload });
      return true;
    },
  };

  // What a ResumableUpload asks for.

  #resumer = {
    // Resolves once the file is taken for the right one, as far as can be seen without reading all of it.
    resume: (resumable, chosen, handle) =>
      new Promise((resolve, reject) => {
        this.#requireOpen();
        const [{ file }] = readEntries([chosen]);
        const { id, path, destination } = resumable;
        const upload = new Upload(this.#host, this.#nextId++, { file, path, destination, handle });
        this.#takenUp.set(upload.id, { upload, resumable, resolve, reject });
        this.#engine.command("takeUp", { id: upload.id, file, handle }, id);
      }),
    discard: (resumable) => {
      this.#engine?.command("discard", resumable.id);
      this.#offer(this.#resumables.filter((other) => other !== resumable));
    },
  };

  #offer(resumables) {
    this.#resumables = resumables;
    this.#tell("resumables", { resumables: this.resumables });
  }

  // The engine has taken it: from here on it is an upload like any other.
  #admit(id) {
    const { upload, resumable, resolve } = this.#takenUp.get(id);
    this.#takenUp.delete(id);
    this.#given.set(upload, 0);
    this.#uploads.set(id, upload);
    this.#count(upload);
    this.#offer(this.#resumables.filter((other) => other !== resumable));
    this.#tell("added", { uploads: [upload] });
    resolve(upload);
  }

  #register(entry, state) {
    const upload = new Upload(this.#host, this.#nextId++, entry, state);
    this.#uploads.set(upload.id, upload);
    if (state !== "ready") this.#count(upload);
    return upload;
  }

  #begin(batch) {
    if (this.#closed || batch.length === 0) return false;
    for (const upload of batch) this.#update(upload, { ...upload.status, state: "waiting" });
    this.#handOver(batch);
    return true;
  }

  // The entry into a run. When nothing is under way, this begins a new one.
  #count(upload) {
    if (this.#active === 0) this.#run.clear();
    this.#run.add(upload);
    this.#active += 1;
  }

  #obey(signal, batch) {
    if (!signal) return;
    const cancel = () => batch.forEach((upload) => upload.cancel());
    if (signal.aborted) {
      cancel();
      return;
    }
    signal.addEventListener("abort", cancel, { once: true });
    // A signal may live as long as the page; it should not hold on to the files.
    const settled = Promise.allSettled(batch.map((upload) => upload.finished));
    settled.then(() => signal.removeEventListener("abort", cancel));
  }

  // The engine.

  /** @returns {Host | undefined} */
  get #engine() {
    return this.#connection.engine;
  }

  async #start() {
    this.#requireOpen();
    await this.#connection.start();
    this.#requireOpen();
  }

  #letGo() {
    this.#connection.letGo();
    this.#given.clear();
    this.#takenUp.clear();
  }

  // Without waiting when the engine is there: the first byte should leave as
  // soon as it can.
  #handOver(batch) {
    if (this.#engine) {
      this.#give(batch);
    } else {
      this.#start().then(
        () => this.#give(batch),
        (error) => this.#fail(batch, error),
      );
    }
  }

  #give(batch) {
    // While the engine was on its way, some may have been cancelled, or paused and resumed, and so given already.
    const waiting = batch.filter((upload) => upload.state === "waiting" && !this.#given.has(upload));
    if (waiting.length === 0 || !this.#engine) return;
    const files = waiting.filter(({ file }) => file);
    const entries = files.map(({ id, file, path, destination, handle }) => ({ id, file, path, destination, handle }));
    try {
      if (files.length > 0) this.#engine.command("add", entries);
      for (const { id, copy } of waiting) if (copy) this.#engine.command("copy", id, copy);
    } catch (thrown) {
      this.#fail(waiting, thrown);
      return;
    }
    for (const upload of waiting) this.#given.set(upload, 0);
  }

  // `shown` is the state that it is likely to come to.
  /** @param {(engine: Host) => void} send */
  #command(upload, shown, send) {
    this.#given.set(upload, this.#given.get(upload) + 1);
    send(/** @type {Host} */ (this.#engine));
    this.#update(upload, { ...upload.status, state: shown, error: undefined, waitingFor: undefined });
  }

  #fail(batch, thrown) {
    const error = PartwayError.from(thrown);
    for (const upload of batch) {
      if (!upload.ended) this.#update(upload, { ...upload.status, state: "failed", error });
    }
  }

  // What the engine tells, by the type of its events.

  /** @type {Hears} */
  #hears = {
    state: ({ statuses }) => statuses.forEach((status) => this.#show(status)),
    progress: ({ statuses }) => {
      const uploads = statuses.map((status) => this.#show(status)).filter(Boolean);
      this.#tell("progress", { uploads, progress: this.progress });
    },
    // A command on an upload was carried out.
    done: ({ id, status }) => {
      const upload = this.#uploads.get(id);
      const awaited = this.#given.get(upload);
      if (awaited > 0) this.#given.set(upload, awaited - 1);
      if (status) this.#show(status);
    },
    // The engine has not taken these.
    refused: ({ ids, error }) => {
      for (const id of ids) {
        this.#takenUp.get(id)?.reject(PartwayError.from(error));
        this.#takenUp.delete(id);
      }
      const uploads = ids.map((id) => this.#uploads.get(id)).filter(Boolean);
      uploads.forEach((upload) => this.#given.delete(upload));
      this.#fail(uploads, error);
    },
    resumable: ({ entries, skipped }) => {
      if (skipped > 0) {
        this.#warn("journal_skipped", `${skipped} of the uploads that could have been resumed were unreadable, and are left out`);
      }
      this.#offer(entries.map((entry) => new ResumableUpload(this.#resumer, entry)));
    },
    warning: ({ code, message }) => this.#warn(code, message),
    // Nothing more will come. What is tried again begins anew, with another engine.
    broken: ({ error }) => {
      const lost = [...this.#given.keys()];
      for (const { reject } of this.#takenUp.values()) reject(PartwayError.from(error));
      this.#letGo();
      this.#fail(lost, error);
    },
  };

  #show(status) {
    if (this.#takenUp.has(status.id)) this.#admit(status.id);
    const upload = this.#uploads.get(status.id);
    if (this.#given.get(upload) !== 0) return undefined;
    this.#update(upload, status);
    return upload;
  }

  #update(upload, status) {
    const { state: before } = upload;
    const was = isUnderWay(before);
    // Counted before anyone is told, so that a listener finds it counted.
    const is = isUnderWay(status.state);
    if (!was && is) this.#count(upload);
    if (was && !is) this.#active -= 1;
    this.#snapshot = undefined;
    upload[SET_STATUS](status);

    if (upload.state === before) return;
    this.#tell("statechange", { upload, state: upload.state, previous: before });
    if (upload.ended) {
      const { result, error } = upload;
      this.#tell(upload.state, { upload, result, error });
      if (was) this.#rest();
    }
  }

  #rest() {
    if (this.#active > 0) return;
    this.#tell("idle");
  }

  #requireOpen() {
    if (this.#closed) throw new PartwayError("closed", "This uploader was closed; make a new one");
  }

  // Nothing stops for these, but somebody should know.
  #warn(code, message) {
    console.warn(`Partway: ${message} (${code})`);
    this.#tell("warning", { code, message });
  }

  #tell(type, detail) {
    this.#snapshot = undefined;
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
