// Which files are selected. Folders cannot be: there is nothing that can be done to them.

export class Selection {
  #files = new Map();
  // Where a range begins.
  #anchor;

  get count() {
    return this.#files.size;
  }

  get files() {
    return [...this.#files.values()];
  }

  get size() {
    return this.files.reduce((sum, { size }) => sum + size, 0);
  }

  has(key) {
    return this.#files.has(key);
  }

  only(entry) {
    this.#files.clear();
    this.#add(entry);
    this.#anchor = entry.key;
  }

  toggle(entry) {
    if (this.has(entry.key)) this.#files.delete(entry.key);
    else this.#add(entry);
    this.#anchor = entry.key;
  }

  // From where the last one began to an entry, in the place of what was selected.
  extend(rows, entry) {
    const from = Math.max(0, rows.indexOf(this.#anchor ?? entry.key));
    this.#anchor = rows.at(from)?.key;
    this.#files.clear();
    const to = rows.indexOf(entry.key);
    for (let i = Math.min(from, to); i <= Math.max(from, to); i += 1) this.#add(rows.at(i));
  }

  // A range may begin where nothing was selected.
  begin(entry) {
    if (this.#anchor === undefined || this.count === 0) this.#anchor = entry.key;
  }

  all(rows) {
    this.#files.clear();
    for (const file of rows.files()) this.#add(file);
  }

  clear() {
    this.#files.clear();
    this.#anchor = undefined;
  }

  // Only what can be seen stays selected, and as it is now.
  keep(rows) {
    const kept = [...this.#files.keys()].map((key) => rows.at(rows.indexOf(key))).filter((entry) => entry && !entry.isFolder);
    this.#files = new Map(kept.map((entry) => [entry.key, entry]));
  }

  #add(entry) {
    if (!entry.isFolder) this.#files.set(entry.key, entry);
  }
}
