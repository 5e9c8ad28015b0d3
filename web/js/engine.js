// The engine's side of a host: loads the wasm module, does what the engine says, and
// tells it what came of that. Runs in a worker or in the page, and does not know in which; what it
// tells the page is made of plain objects, which can travel.
//
// The engine decides, and takes and gives nothing but texts and numbers. What is done here is what
// a browser alone can do: reading, sending, keeping.

import { now } from "./engine/clock.js";
import { Journal } from "./engine/journal.js";
import { Lock, heldLocks } from "./engine/locks.js";
import { Put } from "./engine/put.js";
import { Reading } from "./engine/reading.js";
import { Server } from "./engine/server.js";
import { Source } from "./engine/source.js";
import { isFile } from "./options.js";
import { Engine, initSync } from "./partway_web.js";

// The longest that a timer can wait.
const LONGEST = 2 ** 31 - 1;

let loading;

export class Session {
  #tell;
  #engine;
  #server;
  #journal;
  // By the ids of their uploads.
  #sources = new Map();
  // By what they are held for.
  #locks = new Map();
  // Whatever is under way, each with a method `stop`.
  #jobs = new Map();
  #timer;
  #due;

  constructor(tell) {
    this.#tell = tell;
  }

  // Takes a message of the page's: the name of a command, and its arguments. Those that are not about
  // the connection are the engine's; but files stay here, and the engine gets a description.
  handle([command, ...args]) {
    if (command === "open") this.#open(...args);
    else if (command === "close") this.#close();
    else if (command === "provide") this.#server?.answer(args[0], "");
    else if (command === "deny") this.#server?.answer(undefined, args[0]);
    else this.#send(command, ...args.map((arg) => (Array.isArray(arg) ? arg.map((entry) => this.#take(entry)) : arg)));
  }

  async #open(options) {
    try {
      await load();
      const { endpoint, credentials, headers, asksForHeaders } = options;
      const ask = asksForHeaders && (() => this.#tell({ type: "headers" }));
      this.#server = new Server(endpoint, credentials, ask ? undefined : { ...headers }, ask);
      this.#engine = new Engine(JSON.stringify({ ...options, epoch: Math.round(Date.now() - now()) }, readably), seed(), navigator.onLine !== false);
      this.#drive();
    } catch (thrown) {
      this.#break(thrown);
    }
  }

  #close() {
    clearTimeout(this.#timer);
    for (const job of this.#jobs.values()) job.stop();
    for (const lock of this.#locks.values()) lock.release();
    this.#journal?.close();
    for (const kept of [this.#jobs, this.#locks, this.#sources]) kept.clear();
    try {
      this.#engine?.free();
    } catch {
      // A broken one cannot even be freed.
    }
    this.#engine = this.#journal = undefined;
  }

  #take({ file, handle, ...entry }) {
    if (!isFile(file)) return entry;
    this.#sources.set(entry.id, new Source({ file, handle }));
    const { name, size, type, lastModified } = file;
    return { ...entry, name, size, type, lastModified };
  }

  #send(...message) {
    this.#run((engine) => engine.handle(JSON.stringify(message), now()));
  }

  // Whatever throws has lost its mind, and answers no more.
  #run(call) {
    if (!this.#engine) return;
    try {
      call(this.#engine);
      this.#drive();
    } catch (thrown) {
      this.#break(thrown);
    }
  }

  #break(thrown) {
    this.#close();
    this.#tell({ type: "broken", error: plain(thrown) });
  }

  // Does all that the engine asks for, then waits until it wants to be asked again.
  #drive() {
    for (let text; (text = this.#engine?.poll(now())); ) {
      const message = JSON.parse(text);
      if (message.do) this.#does[message.do](message);
      else this.#tell(message);
    }
    const due = this.#engine?.timeout();
    if (!this.#engine || due === this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    if (due === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#due = undefined;
      this.#run(() => {});
    }, Math.min(Math.ceil(due - now()), LONGEST));
  }

  // What the engine asks for, by the name of the work.

  #does = {
    hash: ({ job, file, start, end }) => {
      const reading = new Reading(this.#sources.get(file));
      this.#jobs.set(job, reading);
      reading.run(start, end, (bytes) => this.#engine.hash(job, bytes)).then(
        () => this.#end("hashed", job, { whole: true }),
        (thrown) => this.#end("hashed", job, failureOf(thrown)),
      );
    },
    call: ({ job, ...request }) => {
      const controller = new AbortController();
      this.#jobs.set(job, { stop: () => controller.abort() });
      this.#server.call(request, controller.signal).then((answer) => this.#end("called", job, answer));
    },
    put: ({ job, file, start, end, ...request }) => {
      const source = this.#sources.get(file);
      const moved = (sent) => this.#run((engine) => engine.progress(job, sent, now()));
      // One without an answer may be the file's fault: browsers break off when it changed on disk.
      const ended = async (outcome) => {
        const checked = outcome.failure ? await source.check(start, end).catch(failureOf) : undefined;
        this.#end("sent", job, checked ?? outcome);
      };
      try {
        this.#jobs.set(job, new Put(request, source.slice(start, end), moved, ended));
      } catch ({ message }) {
        this.#send("sent", job, { failure: "unusable", detail: message });
      }
    },
    stop: ({ job }) => {
      this.#jobs.get(job)?.stop();
      this.#jobs.delete(job);
    },
    drop: ({ file }) => {
      this.#sources.delete(file);
      this.#unlock(file);
    },
    lock: ({ holder, name }) => {
      const lock = new Lock(name);
      this.#locks.set(holder, lock);
      lock.granted.then((isGranted) => this.#send("locked", holder, isGranted));
    },
    unlock: ({ holder }) => this.#unlock(holder),
    // A question of the engine's own, which belongs to no upload of the machine's.
    ask: ({ as, about, ...request }) => this.#server.call(request).then((answer) => this.#send(as, about, answer)),
    openJournal: async () => {
      const journal = await Journal.open().catch(() => undefined);
      if (this.#engine) this.#journal = journal;
      else journal?.close();
      this.#send("journal", journal !== undefined);
    },
    read: async () => {
      try {
        const found = await this.#journal.read();
        this.#send("found", found, await heldLocks());
      } catch {
        this.#send("journal", false);
      }
    },
    offer: ({ entries, keys, skipped }) => {
      const whole = entries.map((entry, place) => this.#journal.complete(entry, keys[place]));
      this.#tell({ type: "resumable", entries: whole, skipped });
    },
    write: ({ file, key, entry }) => this.#write((journal) => journal.write(key, entry, this.#sources.get(file)?.handle)),
    remove: ({ key }) => this.#write((journal) => journal.forget([key])),
    forget: ({ keys, holder }) => {
      const forgotten = this.#journal.forget(keys).catch(() => this.#send("journal", false));
      if (holder) forgotten.then(() => this.#unlock(holder));
    },
  };

  // What came of work, unless it was stopped.
  #end(name, job, outcome) {
    if (this.#jobs.delete(job)) this.#send(name, job, outcome);
  }

  #write(write) {
    write(this.#journal).then(
      () => this.#send("written", true),
      () => this.#send("written", false),
    );
  }

  #unlock(holder) {
    this.#locks.get(holder)?.release();
    this.#locks.delete(holder);
  }
}

// What a reading has thrown. What it does not say itself is a file that cannot be read.
function failureOf(thrown) {
  return { failure: typeof thrown?.failure === "string" ? thrown.failure : "unreadable", detail: `${thrown?.message ?? ""}` };
}

// As much as a number holds.
function seed() {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (high % 2 ** 21) * 2 ** 32 + low;
}

// What is no JSON would be left out as if it had not been given.
function readably(name, value) {
  return ["number", "bigint"].includes(typeof value) && !Number.isFinite(value) ? String(value) : value;
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
    (module) => initSync({ module }),
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
