// The list of downloads, and their one connection to the engine.
//
// As with uploads, a command on a download shows at once what it is likely to come to; until its answer is here, whatever else
// the engine says of that download is older than it, and left aside.

import { Connection } from "./connection.js";
import { PartwayError } from "./errors.js";
import { StreamTarget, handOver, nameOf, readTarget } from "./targets.js";
import { SET_STATUS, Transfer, isUnderWay } from "./transfer.js";

/** @typedef {import("./host.js").Host<import("./partway_web_download.js").Engine>} Host */
/** @typedef {Exclude<import("./partway_web_download.js").EngineEvent, { type: "headers" }>} HostEvent */
/** @typedef {{ [Event in HostEvent as Event["type"]]: (event: any) => void }} Hears */

// Bundlers look for exactly these expressions.
/** @type {import("./host.js").Place} */
const ENGINE = {
  startWorker: () => new Worker(new URL("./download-worker.js", import.meta.url), { type: "module" }),
  script: new URL("./download-worker.js", import.meta.url),
  load: () => import("./download-engine.js"),
};

// One object on its way from the store. A Downloader makes these; what they do, it does.
export class Download extends Transfer {
  #entry;

  constructor(host, id, entry) {
    const nothing = { size: null, downloaded: 0, bytesPerSecond: null, secondsLeft: null };
    super(host, id, { state: "waiting", ...nothing }, "downloaded");
    this.#entry = entry;
  }

  get key() {
    return this.#entry.key;
  }

  get destination() {
    return this.#entry.destination;
  }

  get versionId() {
    return this.#entry.versionId;
  }

  get filename() {
    return this.#entry.filename;
  }

  // The file that it goes to, once that is known.
  get handle() {
    return this.#entry.handle;
  }
}

// A download that was begun before this page was loaded, and can go on.
export class ResumableDownload {
  #downloader;
  #entry;

  constructor(downloader, entry) {
    this.#downloader = downloader;
    this.#entry = entry;
  }

  get id() {
    return this.#entry.id;
  }

  get key() {
    return this.#entry.key;
  }

  get destination() {
    return this.#entry.destination;
  }

  get versionId() {
    return this.#entry.versionId;
  }

  get filename() {
    return this.#entry.filename;
  }

  get size() {
    return this.#entry.size;
  }

  // Bytes that are there.
  get downloaded() {
    return this.#entry.downloaded;
  }

  get updatedAt() {
    return new Date(this.#entry.updatedAt);
  }

  // The file that it was going to.
  get handle() {
    return this.#entry.handle;
  }

  resume(options) {
    const { key, destination, versionId, filename, handle } = this.#entry;
    return this.#downloader.add(key, { destination, versionId, filename, to: handle, ...options });
  }

  discard() {
    this.#downloader.discard(this);
  }
}

export class Downloader extends EventTarget {
  #connection;
  #downloads = new Map();
  // What each is about, for the engine and for the page.
  #entries = new Map();
  // What the engine knows of, and how many answers about each are to come.
  #given = new Map();
  #streams = new Map();
  // Those who wait for the list of what can be resumed.
  #listing = [];
  #nextId = 1;
  #active = 0;
  #closed = false;

  constructor(options) {
    super();
    this.#connection = new Connection(options, ENGINE, (event) => this.#hears[event.type]?.(event));
  }

  // Fetches the engine ahead of the first download.
  async load() {
    this.#requireOpen();
    await this.#connection.start();
    this.#requireOpen();
  }

  add(key, { destination, versionId, filename, to = "browser", resumable, signal } = /** @type {any} */ ({})) {
    this.#requireOpen();
    if (typeof key !== "string" || key === "") throw new TypeError(`Partway downloads an object by its key, not ${key}`);
    const target = readTarget(to, filename ?? nameOf(key));
    const id = this.#nextId++;
    const entry = { id, key, destination, versionId, filename, to: target.to, resumable, handle: undefined };
    const download = new Download(this.#host, id, entry);
    this.#downloads.set(id, download);
    this.#entries.set(download, { entry, handle: target.handle });
    if (target.stream) this.#streams.set(id, new StreamTarget(target.stream, this.#tellOf(id)));
    this.#active += 1;
    this.#tell("added", { download });
    this.#obey(signal, download);
    this.#handOver(download);
    return download;
  }

  async download(key, { onProgress, ...options } = /** @type {any} */ ({})) {
    const download = this.add(key, options);
    if (onProgress) download.addEventListener("progress", () => onProgress(download.status));
    return download.finished;
  }

  // Addresses are made uniform: without a slash at the end.
  get endpoint() {
    return this.#connection.endpoint;
  }

  get downloads() {
    return [...this.#downloads.values()];
  }

  // How many are under way: begun, and not ended.
  get active() {
    return this.#active;
  }

  // What was interrupted and can go on, but for what is under way in this or another tab.
  async resumables() {
    await this.load();
    const entries = await new Promise((resolve, reject) => {
      this.#listing.push({ resolve, reject });
      this.#engine?.command("list");
    });
    return entries.map((entry) => new ResumableDownload(this, entry));
  }

  // Removes what is there of one of these, and forgets it.
  async discard({ id }) {
    await this.load();
    this.#engine?.command("discard", id);
  }

  // Ends the engine while nothing is under way, until it is needed again. Whether nothing was.
  unload() {
    if (this.#active > 0 || this.#listing.length > 0) return false;
    this.#letGo(new PartwayError("closed", "This downloader was unloaded"));
    return true;
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    const error = new PartwayError("cancelled", "The downloader was closed");
    this.#connection.close();
    this.#letGo(error);
    for (const download of this.downloads) {
      if (!download.ended) this.#update(download, { ...download.status, state: "cancelled", error });
    }
  }

  // What a Download asks for.

  #host = {
    cancel: (download) => {
      const failed = download.state === "failed";
      if (this.#closed || (download.ended && !failed)) return false;
      if (this.#given.has(download)) this.#command(download, "cancelled", (engine) => engine.command("cancel", download.id));
      else {
        this.#update(download, { ...download.status, state: "cancelled", error: undefined });
        if (failed) this.#forget(download);
      }
      return true;
    },
    pause: (download) => {
      if (this.#closed || !["waiting", "downloading"].includes(download.state)) return false;
      if (this.#given.has(download)) this.#command(download, "paused", (engine) => engine.command("pause", download.id));
      else this.#update(download, { ...download.status, state: "paused" });
      return true;
    },
    resume: (download) => {
      if (this.#closed || download.state !== "paused") return false;
      this.#goOn(download, "resume");
      return true;
    },
    retry: (download) => {
      // What a stream was given cannot be taken back.
      if (this.#closed || download.state !== "failed" || this.#entries.get(download)?.entry.to === "stream") return false;
      this.#goOn(download, "retry");
      return true;
    },
    remove: (download) => {
      if (!download.ended || !this.#downloads.delete(download.id)) return false;
      this.#entries.delete(download);
      if (this.#given.delete(download)) this.#engine?.command("remove", download.id);
      this.#tell("removed", { download });
      return true;
    },
  };

  #goOn(download, command) {
    if (this.#given.has(download)) {
      this.#command(download, "waiting", (engine) => engine.command(command, download.id));
    } else {
      // It never got as far as the engine, or the engine has ended.
      this.#update(download, { ...download.status, state: "waiting", error: undefined });
      this.#handOver(download);
    }
  }

  // Removes what an engine has kept of it that has ended since.
  async #forget(download) {
    const { entry: { key }, handle } = this.#entries.get(download);
    try {
      const target = await handle;
      for (const kept of target ? await this.resumables() : []) {
        if (kept.key === key && (await target.isSameEntry(kept.handle))) kept.discard();
      }
    } catch {
      // It stays among what can be resumed, where it can be discarded.
    }
  }

  #obey(signal, download) {
    if (!signal) return;
    const cancel = () => download.cancel();
    if (signal.aborted) {
      cancel();
      return;
    }
    signal.addEventListener("abort", cancel, { once: true });
    const forget = () => signal.removeEventListener("abort", cancel);
    download.finished.then(forget, forget);
  }

  // The engine.

  /** @returns {Host | undefined} */
  get #engine() {
    return this.#connection.engine;
  }

  async #handOver(download) {
    const { entry, handle } = this.#entries.get(download);
    try {
      entry.handle = await handle;
      await this.load();
    } catch (thrown) {
      if (download.ended) return;
      const error = PartwayError.from(thrown);
      const state = error.code === "cancelled" ? "cancelled" : "failed";
      this.#update(download, { ...download.status, state, error });
      return;
    }
    // Meanwhile it may have been cancelled, or paused and resumed, and so given already.
    if (download.state !== "waiting" || this.#given.has(download)) return;
    this.#given.set(download, 0);
    this.#engine?.command("add", entry);
  }

  // `shown` is the state that it is likely to come to.
  /** @param {(engine: Host) => void} send */
  #command(download, shown, send) {
    this.#given.set(download, this.#given.get(download) + 1);
    send(/** @type {Host} */ (this.#engine));
    this.#update(download, { ...download.status, state: shown, error: undefined, waitingFor: undefined });
  }

  #letGo(error) {
    this.#connection.letGo();
    this.#given.clear();
    for (const { reject } of this.#listing.splice(0)) reject(error);
  }

  // What a stream tells.
  #tellOf(id) {
    return {
      taken: (upTo) => this.#engine?.command("taken", id, upTo),
      saved: (whyNot) => this.#engine?.command("saved", id, whyNot),
      failed: (why) => this.#engine?.command("unwritable", id, why),
    };
  }

  // What the engine tells, by the type of its events.

  /** @type {Hears} */
  #hears = {
    state: ({ statuses }) => statuses.forEach((status) => this.#show(status)),
    progress: ({ statuses }) => {
      const downloads = statuses.map((status) => this.#show(status)).filter(Boolean);
      this.#tell("progress", { downloads });
    },
    // A command on a download was carried out.
    done: ({ id, status }) => {
      const download = this.#downloads.get(id);
      const awaited = this.#given.get(download);
      if (awaited > 0) this.#given.set(download, awaited - 1);
      if (status) this.#show(status);
    },
    link: ({ id, url }) => {
      if (!this.#downloads.get(id)?.ended) handOver(url);
    },
    chunk: ({ id, bytes }) => this.#streams.get(id)?.write(bytes),
    close: ({ id }) => this.#streams.get(id)?.close(),
    resumable: ({ entries }) => {
      for (const { resolve } of this.#listing.splice(0)) resolve(entries);
    },
    warning: ({ code, message }) => {
      console.warn(`Partway: ${message} (${code})`);
      this.#tell("warning", { code, message });
    },
    // Nothing more will come. What is tried again begins anew, with another engine.
    broken: ({ error: thrown }) => {
      const lost = [...this.#given.keys()];
      const error = PartwayError.from(thrown);
      this.#letGo(error);
      for (const download of lost) {
        if (!download.ended) this.#update(download, { ...download.status, state: "failed", error });
      }
    },
  };

  #show(status) {
    const download = this.#downloads.get(status.id);
    if (this.#given.get(download) !== 0) return undefined;
    this.#update(download, status);
    return download;
  }

  #update(download, status) {
    const { state: before } = download;
    const was = isUnderWay(before);
    const is = isUnderWay(status.state);
    if (was !== is) this.#active += is ? 1 : -1;
    download[SET_STATUS](status);
    if (download.state === before) return;
    this.#tell("statechange", { download, state: download.state, previous: before });
    if (!download.ended) return;
    const { result, error } = download;
    if (download.state !== "completed") this.#streams.get(download.id)?.abort(error ?? new PartwayError("cancelled", "It was cancelled"));
    this.#streams.delete(download.id);
    this.#tell(download.state, { download, result, error });
    if (this.#active === 0) this.#tell("idle");
  }

  #requireOpen() {
    if (this.#closed) throw new PartwayError("closed", "This downloader was closed; make a new one");
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
