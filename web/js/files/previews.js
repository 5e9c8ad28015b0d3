// Small pictures of stored images, for the rows that are seen. Loaded with the first image. URLs for the rows of a moment are signed
// in one call.

import { thumbnailOf } from "../element/thumbnails.js";
import { sign } from "./signing.js";

// Milliseconds in which somebody who scrolls fast has passed by.
const PAUSE = 120;
const AT_ONCE = 4;
// Pictures that are kept for when their rows come back.
const MOST_KEPT = 500;

export class Previews {
  #server;
  #destination;
  #signal;
  // By key and ETag; undefined stands for one that could not be made.
  #made = new Map();
  #wanted = new Map();
  #timer;
  #running = 0;
  #queue = [];
  // Whether the store lets pages read what it answers.
  #canRead = true;

  constructor(server, destination, signal) {
    this.#server = server;
    this.#destination = destination;
    this.#signal = signal;
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  // `show` gets the picture, now or later; `isWanted` is asked before anything is done for it.
  want(entry, isWanted, show) {
    const id = `${entry.etag} ${entry.key}`;
    if (this.#made.has(id)) {
      const made = this.#made.get(id);
      if (made) show(made);
      return;
    }
    this.#wanted.set(id, { id, key: entry.key, isWanted, show });
    this.#timer ??= setTimeout(() => this.#sign(), PAUSE);
  }

  async #sign() {
    const wanted = [...this.#wanted.values()].filter(({ isWanted }) => isWanted());
    this.#wanted.clear();
    this.#timer = undefined;
    if (wanted.length === 0) return;
    const keys = wanted.map(({ key }) => key);
    const results = await sign(this.#server, this.#destination, keys, () => ({ disposition: "inline", look: false }), this.#signal).catch(() => []);
    results.forEach(({ url }, i) => url && this.#queue.push({ ...wanted[i], url }));
    while (this.#running < AT_ONCE && this.#queue.length > 0) this.#work();
  }

  async #work() {
    this.#running += 1;
    // The latest first: that is what is being looked at.
    for (let next = this.#queue.pop(); next && !this.#signal.aborted; next = this.#queue.pop()) {
      if (!next.isWanted() || this.#made.has(next.id)) continue;
      const picture = await this.#load(next).catch(() => undefined);
      if (!picture && !next.isWanted()) continue;
      this.#keep(next.id, picture);
      if (picture && next.isWanted()) next.show(picture);
    }
    this.#running -= 1;
  }

  async #load({ url, isWanted }) {
    if (this.#canRead) {
      try {
        const response = await fetch(url, { credentials: "omit", signal: this.#signal });
        if (!response.ok) return undefined;
        return await thumbnailOf(await response.blob(), isWanted);
      } catch {
        // The bucket's CORS rules may not name GET, and an image needs none.
        this.#canRead = false;
      }
    }
    const image = Object.assign(new Image(), { alt: "", referrerPolicy: "no-referrer", src: url });
    await image.decode();
    return image;
  }

  #keep(id, picture) {
    this.#made.set(id, picture);
    if (this.#made.size > MOST_KEPT) this.#made.delete(this.#made.keys().next().value);
  }
}
