// Reading a slice for its checksum, a chunk at a time, so that its thread stays
// responsive and memory flat.
//
// By one stream, into a buffer that goes to and fro, where the browser has such streams.
// A slice for each chunk would be a Blob of its own each time, at four times the CPU seconds.

const CHUNK = 2 ** 20;
// Bytes taken in a row, in some 4 ms. From a fast disk one chunk can follow the other
// without the thread's other tasks having had a turn.
const RUN = 4 * CHUNK;

export class Reading {
  // Kept while it reads: Chromium would collect one that nobody holds, and the read would never end.
  #reader;
  #buffer;
  #source;
  #stopped = false;

  constructor(source) {
    this.#source = source;
  }

  // Calls `take` with all bytes, a chunk after the other. Throws `{ failure }`.
  async run(start, end, take) {
    this.#open(start, end);
    let run = 0;
    for (let at = start; at < end; ) {
      // Either there are no such streams here, or this one broke off. It would not tell why,
      // but reading a slice does.
      const bytes = (await this.#next()) ?? (await this.#source.read(at, Math.min(end, at + CHUNK)));
      if (this.#stopped) return;
      take(bytes);
      at += bytes.length;
      run += bytes.length;
      if (run >= RUN) {
        await giveWay();
        run = 0;
      }
    }
  }

  stop() {
    this.#stopped = true;
    this.#reader?.cancel().catch(() => {});
  }

  #open(start, end) {
    try {
      this.#reader = this.#source.slice(start, end).stream().getReader({ mode: "byob" });
      this.#buffer = new ArrayBuffer(Math.min(end - start, CHUNK));
    } catch {
      // Slice by slice, then.
    }
  }

  async #next() {
    try {
      const { value } = await this.#reader.read(new Uint8Array(this.#buffer));
      if (value.length > 0) {
        // The buffer was given away, and comes back with the bytes.
        this.#buffer = value.buffer;
        this.#source.noteRead();
        return value;
      }
    } catch {
      // Told by its absence.
    }
    this.#reader = undefined;
    return undefined;
  }
}

// Gives the thread's other tasks a turn. Not by a timer, which in a tab behind others may take
// a second, or a minute.
function giveWay() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
