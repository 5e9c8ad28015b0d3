// The list of uploads, and their one connection to the engine.
//
// The engine may report at any time, even while it is being called. What it
// reports is therefore noted, and handled when its call has returned: listeners
// can call anything from anywhere.

import { loadEngine } from "./engine.js";
import { PartwayError } from "./errors.js";
import { readEntries, readOptions } from "./options.js";
import { overall } from "./overall.js";
import { Throttle } from "./throttle.js";
import { Upload, hasEnded, setStatus } from "./upload.js";

// Milliseconds between progress events. More often is not seen, and costs.
const PROGRESS_INTERVAL = 100;
// Milliseconds after which a speed is told again even if nothing moves, so that it is seen to sink.
const HEARTBEAT = 1000;

export class Uploader extends EventTarget {
  #options;
  #uploads = new Map();
  // From the engine's ids to uploads, and back.
  #byEngineId = new Map();
  #engineIds = new Map();
  #engine;
  #starting;
  #closed = false;
  #nextId = 1;
  // What was under way at the same time; the overall progress is about these.
  #run = new Set();
  #active = 0;
  #changed = new Set();
  #moved = new Set();
  #progress = new Throttle(() => this.#tellProgress(), PROGRESS_INTERVAL);
  #heartbeat;

  constructor(options) {
    super();
    this.#options = readOptions(options);
  }

  // Fetches the engine ahead of the first upload. Never needed, but it saves
  // time when an upload is likely.
  async load() {
    await this.#start();
  }

  add(files, options = {}) {
    this.#requireOpen();
    const single = files instanceof File;
    const entries = readEntries(single ? [files] : files, options);
    const batch = entries.map((entry) => this.#register(entry));
    if (batch.length > 0) {
      this.#tell("added", { uploads: batch });
      this.#obey(options.signal, batch);
      this.#handOver(batch);
    }
    return single ? batch[0] : batch;
  }

  async upload(file, { onProgress, ...options } = {}) {
    if (!(file instanceof File)) throw new TypeError("upload() takes one File; add() takes several");
    const upload = this.add(file, options);
    if (onProgress) upload.addEventListener("progress", () => onProgress(upload.status));
    return upload.finished;
  }

  get uploads() {
    return [...this.#uploads.values()];
  }

  get progress() {
    return overall(this.#run, this.#active);
  }

  cancelAll() {
    for (const upload of this.uploads) if (!upload.ended) upload.cancel();
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#progress.cancel();
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
    this.#engine?.close();
    this.#engine?.free?.();
    this.#engine = undefined;
    const error = new PartwayError("cancelled", "The uploader was closed");
    for (const upload of this.uploads) {
      if (!upload.ended) this.#update(upload, { ...upload.status, state: "cancelled", error });
    }
  }

  // What an Upload asks for.

  #host = {
    cancel: (upload) => {
      const failed = upload.state === "failed";
      if (this.#closed || (upload.ended && !failed)) return false;
      if (this.#engineIds.has(upload)) this.#command(upload, (engine, id) => engine.cancel(id));
      else this.#update(upload, { ...upload.status, state: "cancelled", error: undefined });
      return true;
    },
    retry: (upload) => {
      if (this.#closed || upload.state !== "failed") return false;
      if (this.#engineIds.has(upload)) {
        this.#command(upload, (engine, id) => engine.retry(id));
      } else {
        // It never got as far as the engine.
        this.#update(upload, { ...upload.status, state: "waiting", error: undefined });
        this.#handOver([upload]);
      }
      return true;
    },
    remove: (upload) => {
      if (!upload.ended || !this.#uploads.delete(upload.id)) return false;
      this.#run.delete(upload);
      this.#forget(upload);
      this.#tell("removed", { upload });
      return true;
    },
  };

  #register(entry) {
    const upload = new Upload(this.#host, this.#nextId++, entry);
    this.#uploads.set(upload.id, upload);
    this.#count(upload);
    return upload;
  }

  // The entry into a run. When nothing is under way, this begins a new one.
  #count(upload) {
    if (this.#active === 0) this.#run.clear();
    this.#run.add(upload);
    this.#active += 1;
    this.#heartbeat ??= setInterval(() => this.#beat(), HEARTBEAT);
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

  async #start() {
    this.#requireOpen();
    if (this.#engine) return this.#engine;
    this.#starting ??= this.#build().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #build() {
    const Engine = await loadEngine();
    this.#requireOpen();
    try {
      this.#engine = new Engine(this.#options, (event) => this.#note(event));
    } catch (thrown) {
      throw PartwayError.from(thrown);
    }
    return this.#engine;
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
    // Some may have been cancelled while the engine was on its way.
    const waiting = batch.filter((upload) => upload.state === "waiting");
    if (waiting.length === 0 || !this.#engine) return;
    let ids;
    try {
      ids = this.#engine.add(
        waiting.map(({ file, path, destination }) => ({ file, path, destination })),
      );
    } catch (thrown) {
      this.#fail(waiting, PartwayError.from(thrown));
      return;
    }
    waiting.forEach((upload, i) => {
      this.#byEngineId.set(ids[i], upload);
      this.#engineIds.set(upload, ids[i]);
    });
  }

  #command(upload, call) {
    try {
      call(this.#engine, this.#engineIds.get(upload));
    } catch (thrown) {
      // An engine that fails here has lost its mind, and answers no more.
      this.#fail([upload], PartwayError.from(thrown));
      return;
    }
    this.#refresh(upload);
  }

  #forget(upload) {
    const id = this.#engineIds.get(upload);
    if (id === undefined) return;
    this.#engineIds.delete(upload);
    this.#byEngineId.delete(id);
    this.#engine?.remove(id);
  }

  #fail(batch, error) {
    for (const upload of batch) {
      if (!upload.ended) this.#update(upload, { ...upload.status, state: "failed", error });
    }
  }

  // What the engine reports.

  #note(event) {
    if (event.type === "state") {
      if (this.#changed.size === 0) queueMicrotask(() => this.#handleChanges());
      this.#changed.add(event.id);
    } else {
      this.#moved.add(event.id);
      this.#progress.schedule();
    }
  }

  #handleChanges() {
    const ids = [...this.#changed];
    this.#changed.clear();
    for (const id of ids) {
      const upload = this.#byEngineId.get(id);
      if (upload) this.#refresh(upload);
    }
  }

  #tellProgress() {
    const uploads = [...this.#moved].map((id) => this.#byEngineId.get(id)).filter(Boolean);
    this.#moved.clear();
    for (const upload of uploads) this.#refresh(upload);
    this.#tell("progress", { uploads, progress: this.progress });
  }

  #beat() {
    for (const [id, upload] of this.#byEngineId) {
      if (!upload.ended && upload.state !== "waiting") this.#moved.add(id);
    }
    if (this.#moved.size > 0) this.#progress.schedule();
  }

  #refresh(upload) {
    let status;
    try {
      status = this.#engine?.status(this.#engineIds.get(upload));
    } catch (thrown) {
      this.#fail([upload], PartwayError.from(thrown));
      return;
    }
    if (status) this.#update(upload, status);
  }

  #update(upload, status) {
    const { state: before } = upload;
    const hadEnded = upload.ended;
    // Counted before anyone is told, so that a listener finds it counted.
    const willEnd = hasEnded(status.state);
    if (hadEnded && !willEnd) this.#count(upload);
    if (!hadEnded && willEnd) this.#active -= 1;
    setStatus(upload, status);

    if (upload.state === before) return;
    this.#tell("statechange", { upload, state: upload.state, previous: before });
    if (willEnd) {
      const { result, error } = upload;
      this.#tell(upload.state, { upload, result, error });
      if (!hadEnded) this.#rest();
    }
  }

  #rest() {
    if (this.#active > 0) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
    this.#tell("idle");
  }

  #requireOpen() {
    if (this.#closed) throw new PartwayError("closed", "This uploader was closed; make a new one");
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
