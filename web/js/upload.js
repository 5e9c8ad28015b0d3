// One file on its way to the store, or one object that the store copies. An Uploader makes these; what they do, it does.

import { Transfer } from "./transfer.js";

export class Upload extends Transfer {
  #host;
  #entry;

  constructor(host, id, entry, state = "waiting") {
    // Of a copy the server says it.
    const size = entry.file?.size ?? 0;
    const nothing = { uploaded: 0, partCount: 0, partsStored: 0, bytesPerSecond: null, secondsLeft: null };
    super(host, id, { state, size, ...nothing }, "uploaded");
    this.#host = host;
    this.#entry = entry;
  }

  get file() {
    return this.#entry.file;
  }

  // What is copied, and where to.
  get copy() {
    return this.#entry.copy;
  }

  get name() {
    return this.#entry.name ?? this.file.name;
  }

  get path() {
    return this.#entry.path;
  }

  get destination() {
    return this.#entry.destination;
  }

  // Lets the browser open the file again after a reload, where it came with one.
  get handle() {
    return this.#entry.handle;
  }

  start() {
    return this.#host.start(this);
  }
}
