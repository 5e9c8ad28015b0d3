// One file on its way to the store. An Uploader makes these; what they do, it does.

import { Transfer } from "./transfer.js";

export class Upload extends Transfer {
  #host;
  #entry;

  constructor(host, id, entry, state = "waiting") {
    const { size } = entry.file;
    const nothing = { uploaded: 0, partCount: 0, partsStored: 0, bytesPerSecond: null, secondsLeft: null };
    super(host, id, { state, size, ...nothing }, "uploaded");
    this.#host = host;
    this.#entry = entry;
  }

  get file() {
    return this.#entry.file;
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
