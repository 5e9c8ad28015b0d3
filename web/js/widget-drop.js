// The place where files come in: dropped, chosen or pasted.

import { element } from "./widget-dom.js";
import { icon } from "./widget-icons.js";

export class DropZone {
  #words;
  #handlers;
  #input;
  #button;
  // How many elements below the pointer were entered and not left.
  #depth = 0;

  // `root` takes drops as a whole: nobody aims when there is a list in the way.
  constructor(root, words, signal, handlers) {
    this.#words = words;
    this.#handlers = handlers;
    this.#input = element("input", {
      type: "file",
      multiple: true,
      class: "pw-input",
      tabindex: -1,
      "aria-hidden": "true",
      "data-testid": "input",
      onchange: () => this.#chosen(),
    });
    this.#button = element(
      "button",
      { type: "button", class: "pw-button pw-primary", "data-testid": "choose", onclick: () => this.#choose() },
      words.choose,
    );
    this.node = element(
      "div",
      { class: "pw-drop", role: "group", "aria-label": words.dropLabel, "data-testid": "drop" },
      element("span", { class: "pw-drop-icon" }, icon("upload")),
      element(
        "div",
        { class: "pw-drop-text" },
        element("p", { class: "pw-drop-title" }, words.dropTitle),
        element("p", { class: "pw-drop-hint" }, words.dropHint),
      ),
      this.#button,
      this.#input,
    );
    this.#listen(root, signal);
  }

  focus() {
    this.#button.focus();
  }

  #listen(root, signal) {
    const listen = (target, type, handle) => target.addEventListener(type, handle, { signal });
    listen(root, "dragenter", (event) => {
      if (!bringsFiles(event)) return;
      this.#depth += 1;
      root.dataset.drag = "over";
      this.#handlers.onInterest();
    });
    listen(root, "dragleave", (event) => {
      if (!bringsFiles(event)) return;
      this.#depth -= 1;
      if (this.#depth <= 0) this.#calm(root);
    });
    listen(root, "dragover", (event) => {
      if (!bringsFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      event.dataTransfer.dropEffect = "copy";
    });
    listen(root, "drop", (event) => {
      if (!bringsFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      this.#calm(root);
      this.#take(event.dataTransfer);
    });
    listen(root, "paste", (event) => {
      if (event.clipboardData?.files.length) this.#take(event.clipboardData);
    });

    // A near miss would otherwise replace the page by the file, and end all uploads.
    for (const type of ["dragover", "drop"]) {
      listen(window, type, (event) => {
        if (!bringsFiles(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "none";
      });
    }

    // The whole zone can be clicked; for the keyboard there is the button.
    listen(this.node, "click", (event) => {
      if (event.target !== this.#button && event.target !== this.#input) this.#choose();
    });
    listen(this.node, "pointerenter", () => this.#handlers.onInterest());
    listen(this.node, "focusin", () => this.#handlers.onInterest());
  }

  #calm(root) {
    this.#depth = 0;
    delete root.dataset.drag;
  }

  // By the picker that gives handles, where there is one: with a handle the upload can go on
  // after a reload without the file being chosen again.
  async #choose() {
    if (!globalThis.showOpenFilePicker) {
      this.#input.click();
      return;
    }
    try {
      this.#accept(await openAll(await showOpenFilePicker({ multiple: true })), []);
    } catch (error) {
      // Closed without a choice; or not allowed here, as in a frame of another origin.
      if (error.name !== "AbortError") this.#input.click();
    }
  }

  #chosen() {
    const entries = Array.from(this.#input.files, (file) => ({ file }));
    // So that the same file can be chosen again.
    this.#input.value = "";
    this.#accept(entries, []);
  }

  // The items are gone once the event is over, so this must not wait.
  #take(transfer) {
    const entries = [];
    const folders = [];
    for (const item of transfer.items) {
      if (item.kind !== "file") continue;
      const entry = item.webkitGetAsEntry?.();
      const file = item.getAsFile();
      // Without a handle it can be uploaded all the same.
      const handle = item.getAsFileSystemHandle?.().catch(() => null);
      if (entry?.isDirectory) folders.push(entry.name);
      else if (file) entries.push({ file, handle });
    }
    this.#accept(entries, folders);
  }

  async #accept(entries, folders) {
    const readable = await Promise.all(entries.map(({ file }) => !mayBeFolder(file) || isReadable(file)));
    const handles = await Promise.all(entries.map(({ handle }) => handle));
    const files = entries.map(({ file }, i) => ({ file, handle: handles[i] ?? undefined }));
    const accepted = files.filter((_, i) => readable[i]);
    const refused = [...folders, ...files.filter((_, i) => !readable[i]).map(({ file }) => file.name)];
    if (refused.length > 0) this.#handlers.onRefused(refused);
    if (accepted.length > 0) this.#handlers.onFiles(accepted);
  }
}

function openAll(handles) {
  return Promise.all(handles.map(async (handle) => ({ handle, file: await handle.getFile() })));
}

function bringsFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

// Without webkitGetAsEntry(), a folder arrives as a File that has no type and the
// size of its entry on the disk, and that cannot be read.
function mayBeFolder(file) {
  return file.type === "" && file.size % 4096 === 0 && file.size < 1024 * 1024;
}

async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
