// A file of the page: its slices, and whether it can still be read.

export class Source {
  #file;
  // It could be read once, so that a later failure means that it changed.
  #wasRead = false;

  constructor({ file, handle }) {
    this.#file = file;
    // With which the browser opens it again after a reload, where it came with one.
    this.handle = handle;
  }

  // Of which nothing is read yet.
  slice(start, end) {
    return this.#file.slice(start, end);
  }

  // The bytes of a slice. Throws `{ failure }`.
  async read(start, end) {
    let bytes;
    try {
      bytes = new Uint8Array(await this.slice(start, end).arrayBuffer());
    } catch (error) {
      throw { failure: this.#wasRead || error.name === "NotFoundError" ? "changed" : "unreadable" };
    }
    if (bytes.length !== end - start) throw { failure: "changed" };
    this.noteRead();
    return bytes;
  }

  noteRead() {
    this.#wasRead = true;
  }

  // Whether it is still what it was: browsers refuse to read one that changed on disk.
  async check(start, end) {
    await this.read(start, Math.min(end, start + 1));
  }
}
