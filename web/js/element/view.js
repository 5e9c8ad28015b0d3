// What is in the element's shadow: everything that people see, in one language. It is built from
// an Uploader's state and keeps none of its own.

import { Throttle } from "../throttle.js";
import { Announcer } from "./announcer.js";
import { make, setHidden } from "./dom.js";
import { DropZone } from "./dropzone.js";
import { Intake } from "./intake.js";
import { InterruptionGuard } from "./interruption-guard.js";
import { List } from "./list.js";
import { Notices } from "./notices.js";
import { Summary } from "./summary.js";

// Milliseconds. More often than progress is told, so that a change of state is seen at once.
const DRAWING_INTERVAL = 60;
// Decoding larger images for a picture of some pixels is not worth it.
const LARGEST_PICTURE = 64e6;

export class View {
  #host;
  #wording;
  #uploader;
  #zone;
  #notices;
  #announcer;
  #intake;
  #list;
  #summary;
  #queue;
  #resumables;
  #loading;
  #slotForResumables = make("div");
  #guard;
  #redraw;
  #detached = new AbortController();

  // `handlers`: see Intake, and `onDrawn` whenever what is shown has changed.
  constructor(host, wording, uploader, handlers) {
    this.#host = host;
    this.#wording = wording;
    this.#uploader = uploader;
    const { signal } = this.#detached;
    this.node = make("div", "root", { lang: wording.tag, dir: wording.direction === "rtl" && "rtl" });
    this.#notices = new Notices(wording);
    this.#announcer = new Announcer(wording);
    this.#guard = new InterruptionGuard(() => uploader.active > 0, signal);
    this.#intake = new Intake(host, wording, uploader, { ...handlers, onLeftOut: (sentences) => this.#leaveOut(sentences) });
    this.#list = new List(wording, host, {
      onChange: () => this.#redraw.schedule(),
      onEmptied: () => this.#zone.focus(),
      onSeen: (upload, row) => this.#picture(upload, row),
      onCompleted: (row) => this.#offer(row).catch(() => {}),
    });
    this.#summary = new Summary(wording, uploader, this.#commands());
    this.#zone = new DropZone(host, wording, this.node, signal, {
      onFiles: (found) => this.take(found),
      // What is likely to be needed soon is fetched now, once.
      onInterest: () => {
        this.#loading ??= uploader.load().catch(() => {
          this.#loading = undefined;
        });
      },
    });
    this.#queue = make("section", "queue", { "aria-label": wording.say("files") }, this.#summary.node, this.#list.node);
    this.#redraw = new Throttle(() => this.#draw(handlers), DRAWING_INTERVAL);
    this.node.prepend(this.#zone.node, this.#notices.node, this.#slotForResumables, this.#queue, make("slot", "", { name: "footer" }), this.#announcer.node);
    this.#follow(signal);
    this.#list.add(uploader.uploads);
    this.#drawResumables();
    this.#draw(handlers);
  }

  take(found) {
    this.#notices.clear();
    return this.#intake.take(found);
  }

  // After an attribute of the host has changed.
  update() {
    this.#zone.draw();
    this.#resumables?.draw();
  }

  open() {
    this.#zone.open();
  }

  focus() {
    this.#zone.focus();
  }

  clear() {
    const ended = this.#uploader.uploads.filter(({ state }) => state === "completed" || state === "cancelled");
    for (const upload of ended) upload.remove();
  }

  // Where the browser shows what a form complains about.
  get anchor() {
    return this.#zone.anchor;
  }

  close() {
    this.#detached.abort();
    this.#redraw.cancel();
    this.#announcer.close();
    this.#list.close();
  }

  #commands() {
    const uploader = this.#uploader;
    return {
      startAll: () => uploader.startAll(),
      retryAll: () => uploader.retryAll(),
      showFailed: () => this.#list.reveal(({ state }) => state === "failed"),
      pauseAll: () => uploader.pauseAll(),
      resumeAll: () => uploader.resumeAll(),
      cancelAll: () => uploader.cancelAll(),
      clear: () => this.clear(),
    };
  }

  #follow(signal) {
    const uploader = this.#uploader;
    const gone = new Set();
    const follow = (type, handle) => {
      const heard = ({ detail }) => {
        handle(detail ?? {});
        this.#redraw.schedule();
      };
      uploader.addEventListener(type, heard, { signal });
    };
    follow("added", ({ uploads }) => {
      this.#list.add(uploads);
      this.#announcer.added(uploads.length);
      this.#guard.update();
    });
    follow("progress", ({ uploads }) => uploads.forEach((upload) => this.#list.touch(upload)));
    follow("statechange", ({ upload }) => {
      this.#list.touch(upload);
      this.#guard.update();
    });
    // Those of one moment together, since each removal goes through the whole list.
    follow("removed", ({ upload }) => {
      if (gone.size === 0) {
        queueMicrotask(() => {
          this.#list.remove(gone);
          gone.clear();
        });
      }
      gone.add(upload);
    });
    follow("resumables", () => this.#drawResumables());
    follow("completed", () => this.#announcer.completed());
    follow("failed", ({ upload }) => this.#announcer.failed(upload.name));
    follow("idle", () => {
      const counts = {};
      for (const { state } of uploader.uploads) counts[state] = (counts[state] ?? 0) + 1;
      this.#announcer.idle(counts);
    });
  }

  #draw({ onDrawn }) {
    this.#summary.draw(this.#list.isLong);
    const isEmpty = this.#uploader.uploads.length === 0;
    setHidden(this.#queue, isEmpty);
    this.node.toggleAttribute("data-filled", !isEmpty);
    this.#list.draw();
    onDrawn();
  }

  async #drawResumables() {
    if (this.#resumables === undefined) {
      if (this.#uploader.resumables.length === 0) return;
      const { Resumables } = await import("./resumables.js");
      this.#resumables ??= new Resumables(this.#host, this.#wording, this.#uploader, (sentence) => this.#leaveOut([sentence]));
      this.#slotForResumables.replaceChildren(this.#resumables.node);
    }
    this.#resumables.draw();
  }

  #leaveOut(sentences) {
    if (sentences.length > 0) this.#notices.show(sentences);
  }

  async #offer(row) {
    const { offersFor } = await import("./arrived.js");
    const voice = {
      tell: (sentence) => this.#leaveOut([sentence]),
      say: (sentence) => this.#announcer.say(sentence),
    };
    row.offer(await offersFor(this.#host, this.#uploader, row.upload, voice));
  }

  async #picture({ file }, row) {
    if (!file?.type.startsWith("image/") || file.size > LARGEST_PICTURE) return;
    const { thumbnailOf } = await import("./thumbnails.js");
    const canvas = await thumbnailOf(file, () => row.node.isConnected);
    if (canvas) row.thumbnail = canvas;
  }
}
