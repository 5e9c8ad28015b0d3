// What is saved, was, or can be gone on with, by one Downloader. It never knows how it is shown.

import { Downloader } from "../downloader.js";
import { InterruptionGuard } from "../element/interruption-guard.js";
import { isUnderWay } from "../transfer.js";

// Milliseconds for which the engine stays when nothing is under way.
const IDLE = 10_000;

// An object on its way into a file, or left on its way by an earlier page.
class Save {
  key;
  destination;
  handle;
  // What the page knows it as, if it was begun here.
  object;
  // The one that was left on its way, and the one that is.
  resumable;
  download;

  constructor(values) {
    Object.assign(this, values);
  }

  // What the file is called, which is the user's to say.
  get name() {
    return this.handle.name;
  }

  // A download's, or `interrupted`.
  get state() {
    return this.download?.state ?? "interrupted";
  }

  // With `size` and `downloaded` at least.
  get status() {
    return this.download?.status ?? this.resumable;
  }

  get error() {
    return this.download?.error;
  }
}

export class Saves {
  #downloader;
  #tell;
  #guard;
  // The latest first.
  #all = [];
  #listeners = new Set();
  #ended = new AbortController();
  #unloading;

  constructor({ tell, ...options }) {
    this.#tell = tell;
    this.#downloader = new Downloader(options);
    const { signal } = this.#ended;
    // Also about what could go on: it does so only when somebody comes back and says so. What is small, or has no room to be staged,
    // would be lost.
    this.#guard = new InterruptionGuard(() => this.#downloader.active > 0, signal);
    const hear = (type, heard) => this.#downloader.addEventListener(type, heard, { signal });
    hear("added", () => this.#guard.update());
    hear("progress", () => this.#changed());
    hear("statechange", ({ detail: { download } }) => this.#entered(download));
    hear("idle", () => this.#unloadSoon());
  }

  get all() {
    return [...this.#all];
  }

  // Calls back with each change, and with the one that has another state. Returns a function that ends it.
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  begin(object, destination, handle) {
    const { key } = object;
    // What was left of the object, the engine finds by itself.
    const isLeft = (save) => !save.download && save.key === key && save.destination === destination;
    const save = new Save({ key, destination, handle, object });
    this.#all = [save, ...this.#all.filter((other) => !isLeft(other))];
    this.#start(save);
  }

  // Offers what was interrupted and is `isOurs`, in the place of what was offered before.
  async offer(isOurs) {
    const resumables = await this.#downloader.resumables();
    if (this.#ended.signal.aborted) return;
    const begun = this.#all.filter(({ download }) => download);
    // One may have failed before the engine heard of it.
    const isKnown = ({ id }) => begun.some(({ resumable }) => resumable?.id === id);
    const offers = resumables
      .filter((resumable) => resumable.handle && isOurs(resumable) && !isKnown(resumable))
      .map((resumable) => {
        const { key, destination, handle } = resumable;
        return new Save({ key, destination, handle, resumable });
      });
    this.#all = [...offers, ...begun];
    this.#unloadSoon();
    this.#changed();
  }

  // Offers nothing any more.
  withdraw() {
    this.#all = this.#all.filter(({ download }) => download);
    this.#changed();
  }

  pause({ download }) {
    download.pause();
  }

  // By a click or a key, since the browser may ask whether the file may be written.
  resume(save) {
    if (save.download) save.download.resume();
    else this.#start(save);
  }

  retry(save) {
    const { download } = save;
    // Where the file may not be written, that has to be asked anew.
    if (download.handle) download.retry();
    else this.#start(save);
  }

  // Removes what has come, too.
  cancel(save) {
    save.download?.cancel();
    save.resumable?.discard();
    this.remove(save);
  }

  remove(save) {
    this.#all = this.#all.filter((other) => other !== save);
    save.download?.remove();
    this.#unloadSoon();
    this.#changed();
  }

  clear() {
    for (const save of this.#all.filter(({ state }) => state === "completed")) this.remove(save);
  }

  close() {
    this.#ended.abort();
    clearTimeout(this.#unloading);
    this.#listeners.clear();
    this.#downloader.close();
  }

  #start(save) {
    save.download?.remove();
    const { key, destination, handle, object, resumable } = save;
    const filename = resumable?.filename ?? object?.name;
    save.download = this.#downloader.add(key, { destination, versionId: resumable?.versionId, filename, to: handle });
    this.#changed(save);
  }

  #entered(download) {
    this.#guard.update();
    const save = this.#all.find((other) => other.download === download);
    if (!save) return;
    const { state, object } = save;
    if (state === "completed") this.#tell("saved", { result: download.result, object });
    if (state === "failed") this.#tell("error", { error: download.error, object });
    this.#changed(save);
  }

  // What has failed can go on only with the engine that knows it.
  #unloadSoon() {
    clearTimeout(this.#unloading);
    this.#unloading = setTimeout(() => {
      if (!this.#all.some(({ state }) => state === "failed" || isUnderWay(state))) this.#downloader.unload();
    }, IDLE);
  }

  #changed(save) {
    for (const listener of this.#listeners) listener(save);
  }
}
