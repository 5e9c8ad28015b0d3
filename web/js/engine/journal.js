// The journal, in IndexedDB: what has to be kept of each upload so that it can go on after a
// reload, a crash or a reboot. What an entry is, the engine knows; file handles, which IndexedDB
// alone can keep, and dates, which outlive the page, are joined to it here.

const DATABASE = "partway";
const VERSION = 1;
const UPLOADS = "uploads";

export class Journal {
  #database;
  // As they were found last, by their names in the engine's messages.
  #keys = new Map();
  #handles = new Map();

  constructor(database) {
    this.#database = database;
    // A later version in another tab shall not have to wait for this one.
    database.onversionchange = () => database.close();
  }

  // Rejects when storage is denied, as in some private windows, or was written by a later version.
  static async open() {
    const request = indexedDB.open(DATABASE, VERSION);
    request.onupgradeneeded = () => request.result.createObjectStore(UPLOADS);
    return new Journal(await settled(request));
  }

  // Everything there is, as `[key, entry]`. Other programs write to it too, so what is passed on
  // of an entry is texts and numbers.
  async read() {
    const store = this.#store("readonly");
    const [keys, values] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
    const today = Date.now();
    this.#keys = new Map(keys.map((key) => [String(key), key]));
    this.#handles = new Map(values.map((value, place) => [String(keys[place]), value?.handle]));
    return [...this.#keys.keys()].map((key, place) => {
      const fields = Object.entries(Object(values[place]));
      const plain = fields.filter(([, field]) => ["string", "number"].includes(typeof field));
      return [key, { ...Object.fromEntries(plain), expiresIn: values[place]?.expiresAt - today }];
    });
  }

  // Adds an entry, or takes the place of the one with the same key.
  async write(key, { expiresIn, ...entry }, handle) {
    const kept = { ...entry, expiresAt: Date.now() + expiresIn };
    if (handle) kept.handle = handle;
    await this.#change((store) => store.put(kept, key));
  }

  async forget(names) {
    await this.#change((store) => names.forEach((name) => store.delete(this.#keys.get(name) ?? name)));
  }

  // An entry as the page has it, with what is kept of it here.
  complete({ expiresIn, ...entry }, key) {
    return { ...entry, expiresAt: Date.now() + expiresIn, handle: this.#handles.get(key) };
  }

  close() {
    this.#database.close();
  }

  #store(mode) {
    return this.#database.transaction(UPLOADS, mode).objectStore(UPLOADS);
  }

  async #change(change) {
    const store = this.#store("readwrite");
    change(store);
    await new Promise((resolve, reject) => {
      store.transaction.oncomplete = resolve;
      store.transaction.onabort = () => reject(store.transaction.error);
    });
  }
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
