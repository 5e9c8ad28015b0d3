// Decides about files that came in: which become uploads, which go on with one that
// was interrupted, and which are left out and why.

import { unfitOf } from "./errors.js";
import { offeredTo } from "./offered.js";
import { objection } from "./restrictions.js";

// Files that are added in one task. More would hold up the page noticeably.
const AT_ONCE = 250;

export class Intake {
  #host;
  #wording;
  #uploader;
  #handlers;

  // `ask` may refuse a file; `onRefused` is told of each that is left out, `onLeftOut` of all of one occasion.
  constructor(host, wording, uploader, handlers) {
    this.#host = host;
    this.#wording = wording;
    this.#uploader = uploader;
    this.#handlers = handlers;
  }

  // `{ files: [{ file, path, handle }], empty, unreadable }`
  async take({ files, empty = [], unreadable = [] }) {
    const { accept, minSize, maxSize, maxFiles, maxTotal } = this.#host;
    const rules = { accept, minSize, maxSize, maxFiles, maxTotal };
    const say = (key) => (name) => this.#wording.say(key, { name });
    // A chosen folder without files does not tell its name.
    const sentences = [...empty.map((name) => say(name ? "emptyFolder" : "emptyChosen")(name)), ...unreadable.map(say("unreadable"))];

    for (let at = 0; at < files.length; at += AT_ONCE) {
      if (at > 0) await aTurn();
      // Anew for each turn, since others may have added files meanwhile.
      const before = this.#inventory();
      const fresh = [];
      for (const entry of files.slice(at, at + AT_ONCE)) {
        const { file } = entry;
        // Who drops the file of an interrupted upload wants that to go on.
        const resumable = offeredTo(this.#host, this.#uploader).find((one) => one.fits(file));
        if (resumable) {
          this.#resume(resumable, file);
          continue;
        }
        const refusal = this.#refusal(entry, rules, before);
        if (refusal) {
          const sentence = this.#wording.say(refusal.key, refusal.values);
          sentences.push(sentence);
          this.#handlers.onRefused(entry, refusal.code, sentence);
          continue;
        }
        before.known.add(identity(entry));
        before.count += 1;
        before.size += file.size;
        fresh.push(entry);
      }
      if (fresh.length > 0) this.#add(fresh);
    }
    this.#handlers.onLeftOut(sentences);
  }

  #refusal(entry, rules, before) {
    const { file } = entry;
    const refuse = (code, key) => ({ code, key, values: { name: file.name } });
    if (before.known.has(identity(entry))) return refuse("duplicate", "duplicate");
    const refusal = objection(file, rules, before, this.#wording);
    if (refusal) return refusal;
    return this.#handlers.ask(entry) ? undefined : refuse("refused_by_page", "refusedByPage");
  }

  #add(fresh) {
    const { destination, start } = this.#host;
    this.#uploader.add(fresh, { destination: destination || undefined, start: start !== "manual" });
  }

  #resume(resumable, file) {
    const refused = (error) => this.#handlers.onLeftOut([this.#wording.say(unfitOf(error), resumable)]);
    resumable.resume(file).catch(refused);
  }

  // What counts against the restrictions, and what would be there twice.
  #inventory() {
    const there = this.#uploader.uploads.filter(({ state }) => state !== "cancelled" && state !== "cancelling");
    return {
      known: new Set(there.map(identity)),
      count: there.length,
      size: there.reduce((size, { file }) => size + file.size, 0),
    };
  }
}

// Two files that agree in all of this are taken for one.
function identity({ file, path }) {
  return [path || file.webkitRelativePath || file.name, file.size, file.lastModified].join("\n");
}

function aTurn() {
  return globalThis.scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve));
}
