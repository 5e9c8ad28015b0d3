// Saving files where the user chooses: what has to be there before the first one. The rest is loaded when something is saved, or can
// go on. It outlives the view, so that another language or a fresh token ends nothing.

export class Saving {
  #options;
  #saves;

  // `options` are a Downloader's, with `tell`, which tells the page of an event.
  constructor(options) {
    this.#options = options;
  }

  // Chromium's browsers alone let a page write to a file.
  static get isPossible() {
    return typeof globalThis.showSaveFilePicker === "function";
  }

  get endpoint() {
    return this.#options.endpoint;
  }

  get isLoaded() {
    return this.#saves !== undefined;
  }

  // Resolves to `{ saves, SavesPanel }`.
  load() {
    this.#saves ??= import("./saves-panel.js").then(
      ({ Saves, SavesPanel }) => ({ saves: new Saves(this.#options), SavesPanel }),
      (cause) => {
        this.#saves = undefined;
        throw cause;
      },
    );
    return this.#saves;
  }

  async hasInterrupted(isOurs) {
    const { hasInterrupted } = await import("./interrupted.js");
    return hasInterrupted(this.endpoint, isOurs);
  }

  // What can go on later stays.
  close() {
    this.#saves?.then(({ saves }) => saves.close(), () => {});
  }
}
