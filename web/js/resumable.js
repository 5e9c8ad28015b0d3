// An upload that was begun before this page was loaded, and can go on. An Uploader
// finds these in the journal.

import { PartwayError } from "./errors.js";

export class ResumableUpload {
  #host;
  #entry;

  constructor(host, entry) {
    this.#host = host;
    this.#entry = entry;
  }

  get id() {
    return this.#entry.id;
  }

  get key() {
    return this.#entry.key;
  }

  get name() {
    return this.#entry.name;
  }

  get size() {
    return this.#entry.size;
  }

  get type() {
    return this.#entry.type ?? "";
  }

  get path() {
    return this.#entry.path;
  }

  get destination() {
    return this.#entry.destination;
  }

  get lastModified() {
    return this.#entry.lastModified;
  }

  // Bytes that were stored when it was interrupted.
  get uploaded() {
    return this.#entry.uploaded;
  }

  get expiresAt() {
    return new Date(this.#entry.expiresAt);
  }

  // Whether it goes on without the file being chosen again.
  get hasFile() {
    return this.#entry.handle !== undefined;
  }

  // Whether a file looks like its own. The engine compares some of the bytes, too.
  fits(file) {
    const { name, size, lastModified } = this.#entry;
    return file.name === name && file.size === size && file.lastModified === lastModified;
  }

  async resume(file) {
    return this.#host.resume(this, file ?? (await this.#open()), this.#entry.handle);
  }

  discard() {
    this.#host.discard(this);
  }

  // The browser asks for permission, for which it wants a click or a key.
  async #open() {
    const { handle, name } = this.#entry;
    if (!handle) throw new PartwayError("file_needed", `Choose ${name} again to go on with it`);
    try {
      const permission = await handle.requestPermission({ mode: "read" });
      if (permission === "granted") return await handle.getFile();
    } catch (cause) {
      if (cause.name === "NotFoundError") {
        throw new PartwayError("file_changed", `${name} is no longer where it was`, { cause });
      }
    }
    throw new PartwayError("file_needed", `${name} may not be read. Choose it again to go on with it`);
  }
}
