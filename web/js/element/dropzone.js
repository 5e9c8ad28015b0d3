// The place where files come in: dropped, chosen, pasted, or taken by a camera.

import { button, make, setHidden, setText, slot } from "./dom.js";
import { icon } from "./icons.js";
import { describe } from "./restrictions.js";
import { bringsFiles, fromInput, fromPicker, fromTransfer } from "./transfer.js";

export class DropZone {
  #host;
  #wording;
  #handlers;
  #root;
  #title = make("span");
  #chooseText = make("span");
  #rules = make("p", "restrictions", { id: "rules" });
  #input;
  #folderInput;
  #cameraInput;
  #choose;
  #chooseFolder;
  #camera;
  #veil;

  // `root` takes drops as a whole: nobody aims when there is a list in the way.
  constructor(host, wording, root, signal, handlers) {
    this.#host = host;
    this.#wording = wording;
    this.#root = root;
    this.#handlers = handlers;
    this.#input = this.#hiddenInput("input");
    this.#folderInput = this.#hiddenInput("folder-input", { webkitdirectory: true });
    this.#cameraInput = this.#hiddenInput("camera-input");
    const onclick = () => this.#ask();
    this.#choose = button("choose", { onclick, "aria-describedby": "rules" }, slot("choose", this.#chooseText));
    this.#chooseFolder = button("choose-folder", { onclick: () => this.#folderInput.click() }, icon("folder"), wording.say("chooseFolder"));
    this.#camera = button("camera", { onclick: () => this.#cameraInput.click() }, icon("camera"), wording.say("takePhoto"));
    this.node = make(
      "div",
      "dropzone",
      {},
      make("span", "dropzone-icon", {}, slot("icon", icon("upload"))),
      make("div", "dropzone-text", {}, make("p", "title", {}, slot("title", this.#title)), slot("hint"), this.#rules),
      make("div", "ways", {}, this.#choose, this.#chooseFolder, this.#camera),
      this.#input,
      this.#folderInput,
      this.#cameraInput,
    );
    this.#veil = make("div", "veil", { hidden: true, "aria-hidden": "true" }, icon("upload"), make("span", "", {}, wording.say("dropAnywhere")));
    root.append(this.#veil);
    this.#listen(signal);
    this.draw();
  }

  // After an attribute of the host has changed.
  draw() {
    const { accept, maxFiles, capture, folders } = this.#host;
    const disabled = this.#isDisabled;
    const wording = this.#wording;
    const one = maxFiles === 1;
    setText(this.#title, wording.say(one ? "dropTitleOne" : "dropTitle"));
    setText(this.#chooseText, wording.say(one ? "chooseOne" : "choose"));
    setText(this.#rules, describe(this.#host, wording));
    setHidden(this.#rules, this.#rules.textContent === "");
    setHidden(this.#chooseFolder, !folders || one);
    setHidden(this.#camera, capture === null);
    this.#input.multiple = this.#cameraInput.multiple = !one;
    this.#input.accept = accept;
    this.#cameraInput.accept = accept || "image/*";
    this.#cameraInput.setAttribute("capture", capture || "environment");
    for (const control of [this.#choose, this.#chooseFolder, this.#camera]) control.disabled = disabled;
    this.node.toggleAttribute("data-disabled", disabled);
  }

  focus() {
    this.#choose.focus();
  }

  // What the button does, for pages that have one of their own.
  open() {
    if (!this.#isDisabled) this.#ask();
  }

  get anchor() {
    return this.#choose;
  }

  // By itself, or with a fieldset around it.
  get #isDisabled() {
    return this.#host.matches(":disabled");
  }

  #hiddenInput(name, attributes) {
    const input = make("input", "hidden", {
      type: "file",
      tabindex: -1,
      "aria-hidden": "true",
      "data-input": name,
      onchange: () => this.#handlers.onFiles(fromInput(input)),
      ...attributes,
    });
    return input;
  }

  async #ask() {
    const { accept, maxFiles } = this.#host;
    // It filters by other rules than an input does.
    const found = !accept && globalThis.showOpenFilePicker && (await fromPicker({ multiple: maxFiles !== 1 }));
    if (found) this.#handlers.onFiles(found);
    else this.#input.click();
  }

  async #take(transfer) {
    this.#handlers.onFiles(await fromTransfer(transfer));
  }

  #listen(signal) {
    const host = this.#host;
    const listen = (target, type, handle) => target.addEventListener(type, handle, { signal });
    this.#receive(this.#root, signal, () => !this.#isDisabled, (over) => {
      if (over) this.#handlers.onInterest();
      this.#root.toggleAttribute("data-over", over);
    });
    this.#receive(document, signal, () => host.dropAnywhere && !this.#isDisabled, (over) => setHidden(this.#veil, !over));
    // A near miss would otherwise replace the page by the file, and end all uploads.
    for (const type of ["dragover", "drop"]) {
      listen(globalThis, type, (event) => {
        if (!bringsFiles(event) || event.defaultPrevented) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "none";
      });
    }
    listen(document, "paste", (event) => this.#paste(event));

    // The whole zone can be clicked; for the keyboard there are the buttons.
    listen(this.node, "click", (event) => {
      if (!this.#isDisabled && !event.target.closest("button, input, a, [slot]")) this.#ask();
    });
    listen(this.node, "pointerenter", () => this.#handlers.onInterest());
    listen(this.node, "focusin", () => this.#handlers.onInterest());
  }

  // Takes files that are dropped on a target. What is inside of it is asked first.
  #receive(target, signal, isWanted, show) {
    // How many elements below the pointer were entered and not left.
    let depth = 0;
    const listen = (type, handle) => {
      target.addEventListener(type, (event) => bringsFiles(event) && handle(event), { signal });
    };
    const calm = () => {
      depth = 0;
      show(false);
    };
    listen("dragenter", () => {
      depth += 1;
      if (isWanted()) show(true);
    });
    listen("dragleave", () => {
      depth -= 1;
      if (depth <= 0) calm();
    });
    listen("dragover", (event) => {
      if (event.defaultPrevented || !isWanted()) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    });
    listen("drop", (event) => {
      calm();
      if (event.defaultPrevented || !isWanted()) return;
      event.preventDefault();
      this.#take(event.dataTransfer);
    });
  }

  // Into the element, or anywhere but in a text field when drops are taken anywhere.
  #paste(event) {
    const host = this.#host;
    if (this.#isDisabled || event.defaultPrevented || !event.clipboardData?.files.length) return;
    const [target] = event.composedPath();
    const inside = event.composedPath().includes(host);
    const inText = target.isContentEditable || target.matches?.("input, textarea");
    if (!inside && (inText || !host.dropAnywhere)) return;
    event.preventDefault();
    this.#take(event.clipboardData);
  }
}
