// What is shown of a listing, in which order: folders first, then files, without what is filtered out or hidden. What comes later is
// merged in, several pages at once, so that a hundred of them cost no hundred sorts.

const COMPARE = {
  name: () => 0,
  size: (a, b) => a.size - b.size,
  modified: (a, b) => (a.last_modified ?? 0) - (b.last_modified ?? 0),
};

export class Rows {
  #order = { by: "name", isDown: false };
  #needle = "";
  #hidden = new Set();
  #folders = [];
  #files = [];
  // All that are not filtered out, by key.
  #entries = new Map();
  #size = 0;
  // What has come, and is not merged in.
  #fresh = { folders: [], files: [] };

  get order() {
    return this.#order;
  }

  get needle() {
    return this.#needle;
  }

  get length() {
    return this.#folders.length + this.#files.length;
  }

  get fileCount() {
    return this.#files.length;
  }

  get folderCount() {
    return this.#folders.length;
  }

  // Bytes of all files.
  get size() {
    return this.#size;
  }

  // Whether they are right only when all is loaded: the store lists in one order, and filters nothing.
  get needsAll() {
    return this.#needle !== "" || this.#order.by !== "name" || this.#order.isDown;
  }

  at(index) {
    const { length } = this.#folders;
    return index < length ? this.#folders[index] : this.#files[index - length];
  }

  // −1 for what is not there. No two entries compare as equal.
  indexOf(key) {
    const entry = this.#entries.get(key);
    if (!entry) return -1;
    const [sorted, compare, before] = entry.isFolder ? [this.#folders, this.#compareNames, 0] : [this.#files, this.#compare, this.folderCount];
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(sorted[middle], entry) < 0) low = middle + 1;
      else high = middle;
    }
    return before + low;
  }

  *files() {
    yield* this.#files;
  }

  sort(order, listing) {
    this.#order = order;
    this.rebuild(listing);
  }

  filter(text, listing) {
    this.#needle = fold(text.trim());
    this.rebuild(listing);
  }

  hide(keys, listing) {
    for (const key of keys) this.#hidden.add(key);
    this.rebuild(listing);
  }

  reveal(keys, listing) {
    for (const key of keys) this.#hidden.delete(key);
    this.rebuild(listing);
  }

  rebuild({ folders, files }) {
    this.#folders = [];
    this.#files = [];
    this.#entries = new Map();
    this.#size = 0;
    this.#fresh = { folders, files };
    this.settle();
  }

  // What has come with a page, in the store's order.
  add(folders, files) {
    this.#fresh = { folders: this.#fresh.folders.concat(folders), files: this.#fresh.files.concat(files) };
  }

  // Shows what has come.
  settle() {
    const { folders, files } = this.#fresh;
    this.#fresh = { folders: [], files: [] };
    const fitting = [folders, files].map((entries) => this.#fitting(entries));
    this.#folders = merge(this.#folders, fitting[0], this.#compareNames);
    this.#files = merge(this.#files, fitting[1], this.#compare);
    for (const entry of fitting.flat()) this.#entries.set(entry.key, entry);
    for (const { size } of fitting[1]) this.#size += size;
  }

  #fitting(entries) {
    if (this.#needle === "" && this.#hidden.size === 0) return entries;
    return entries.filter((entry) => {
      if (this.#hidden.has(entry.key)) return false;
      entry.folded ??= fold(entry.name);
      return entry.folded.includes(this.#needle);
    });
  }

  #compareNames = (a, b) => (this.#order.by === "name" && this.#order.isDown ? b.place - a.place : a.place - b.place);

  #compare = (a, b) => {
    const { by, isDown } = this.#order;
    const difference = COMPARE[by](a, b);
    return (isDown ? -difference : difference) || this.#compareNames(a, b);
  };
}

// Of sorted entries, and of others that may be few.
function merge(sorted, others, compare) {
  const fresh = [...others].sort(compare);
  if (sorted.length === 0) return fresh;
  if (fresh.length === 0) return sorted;
  if (compare(sorted.at(-1), fresh[0]) <= 0) return sorted.concat(fresh);
  const merged = [];
  let at = 0;
  for (const entry of sorted) {
    while (at < fresh.length && compare(fresh[at], entry) < 0) merged.push(fresh[at++]);
    merged.push(entry);
  }
  return merged.concat(fresh.slice(at));
}

// Two spellings of a letter, and capitals, are one to somebody who looks for a name.
function fold(text) {
  return text.normalize("NFC").toLocaleLowerCase();
}
