// What is stored below one prefix, as far as it is loaded: folders and files in the store's order, which is that of their keys'
// bytes. It is asked for page by page, and never knows how it is shown.

// The most of one page, and the server's bound.
const PAGE = 1000;
// Pages that are loaded in a row before somebody has to ask for more.
const RUN = 200;

export class Listing {
  #server;
  #destination;
  #prefix;
  #onPage;
  #entries;
  #next;
  // Pages that may still be loaded without a word.
  #left = 0;
  #loading;
  #ended = new AbortController();

  isComplete = false;
  // Why the last page did not come.
  error;

  // `onPage` hears of the entries that have come, and of errors. `prefix` is undefined for all that the caller may list.
  constructor(server, destination, prefix, onPage) {
    this.#server = server;
    this.#destination = destination;
    this.#prefix = prefix;
    this.#onPage = onPage;
    this.#entries = { folders: [], files: [] };
  }

  get prefix() {
    return this.#prefix;
  }

  get folders() {
    return this.#entries.folders;
  }

  get files() {
    return this.#entries.files;
  }

  get count() {
    return this.folders.length + this.files.length;
  }

  get isLoading() {
    return this.#loading !== undefined;
  }

  // Whether there is more, which is not loaded by itself.
  get isWaiting() {
    return !this.isComplete && !this.isLoading && this.#left <= 0;
  }

  // Loads a page.
  more() {
    this.#left = Math.max(this.#left, 1);
    return this.#load();
  }

  // Loads all, up to a bound.
  rest() {
    this.#left = RUN;
    return this.#load();
  }

  // After the page that is on its way.
  stop() {
    this.#left = 0;
  }

  // Forgets files that are gone.
  remove(keys) {
    this.#entries.files = this.files.filter(({ key }) => !keys.has(key));
  }

  close() {
    this.#ended.abort();
    this.stop();
  }

  #load() {
    this.#loading ??= this.#loadPages().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #loadPages() {
    const { signal } = this.#ended;
    this.error = undefined;
    while (this.#left > 0 && !this.isComplete) {
      this.#left -= 1;
      try {
        const page = await this.#server.get("/v1/objects", this.#query(), signal);
        if (signal.aborted) return;
        this.#take(page);
      } catch (error) {
        if (signal.aborted) return;
        this.error = error;
        this.#left = 0;
        this.#onPage([], []);
      }
    }
  }

  #query() {
    return { destination: this.#destination, prefix: this.#prefix, delimiter: "/", after: this.#next, limit: PAGE };
  }

  #take({ prefix, objects, prefixes, next }) {
    this.#prefix = prefix;
    this.#next = next;
    this.isComplete = !next;
    // What follows the last slash is the beginning of names.
    const start = prefix.lastIndexOf("/") + 1;
    let place = this.count;
    const name = (key) => ({ key, name: key.slice(start), place: place++ });
    const folders = prefixes.map((key) => ({ ...name(key), name: key.slice(start, -1), isFolder: true }));
    // Tools that show folders store an empty object in the place of each.
    const files = objects.filter(({ key }) => key !== prefix).map((object) => ({ ...object, ...name(object.key), isFolder: false }));
    // A spread of so many would be too many arguments.
    for (const folder of folders) this.folders.push(folder);
    for (const file of files) this.files.push(file);
    this.#onPage(folders, files);
  }
}
