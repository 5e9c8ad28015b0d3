// A ready-made interface over the public API of index.js:
//
//   import { mount } from "https://uploads.example/widget/widget.js";
//   mount(document.querySelector("#uploader"), { endpoint: "https://uploads.example" });
//
// with widget.css on the page. Everything it shows comes from an Uploader; it
// keeps no state of uploads of its own.

import { Uploader } from "./index.js";
import { Throttle } from "./throttle.js";
import { Announcer } from "./widget-announcer.js";
import { element } from "./widget-dom.js";
import { DropZone } from "./widget-drop.js";
import { Files } from "./widget-files.js";
import "./widget-format.js";
import "./widget-icons.js";
import { Notices } from "./widget-notices.js";
import { Resumables } from "./widget-resumables.js";
import "./widget-row.js";
import { Summary } from "./widget-summary.js";
import { TEXT } from "./widget-text.js";

// Milliseconds. More often than progress is told, so that a change of state is seen at once.
const DRAWING_INTERVAL = 60;

export function mount(root, { uploader, destination, text, ...options } = {}) {
  const words = { ...TEXT, ...text };
  const own = !uploader;
  const uploads = uploader ?? new Uploader(options);
  const detached = new AbortController();
  const { signal } = detached;

  const notices = new Notices(words);
  const announcer = new Announcer(words);
  const files = new Files(words, { onEmptied: () => zone.focus(), onWidened: () => redraw.schedule() });
  const summary = new Summary(words, uploads);
  const zone = new DropZone(root, words, signal, {
    onFiles: (chosen) => accept(chosen),
    onRefused: (names) => notices.show(words.foldersRefused(names)),
    // What is likely to be needed soon is fetched now.
    onInterest: () => uploads.load().catch(() => {}),
  });

  const refuse = ({ name }, error) => notices.show(words.resumeRefused(name, error));
  const resumables = new Resumables(words, uploads, { onRefused: refuse });
  // Who drops the file of an interrupted upload wants that to go on.
  const accept = (chosen) => {
    const fresh = [];
    for (const entry of chosen) {
      const resumable = uploads.resumables.find((one) => one.fits(entry.file));
      if (resumable) resumable.resume(entry.file).catch((error) => refuse(resumable, error));
      else fresh.push(entry);
    }
    if (fresh.length > 0) uploads.add(fresh, { destination });
  };

  const redraw = new Throttle(() => {
    if (files.draw()) redraw.schedule();
    summary.draw();
  }, DRAWING_INTERVAL);
  const follow = (type, handle) => uploads.addEventListener(type, ({ detail }) => handle(detail), { signal });
  follow("added", (detail) => {
    files.add(detail.uploads);
    announcer.added(detail.uploads.length);
    redraw.schedule();
  });
  follow("progress", (detail) => {
    detail.uploads.forEach((upload) => files.touch(upload));
    redraw.schedule();
  });
  follow("statechange", ({ upload }) => {
    files.touch(upload);
    redraw.schedule();
  });
  follow("removed", ({ upload }) => {
    files.remove(upload);
    redraw.schedule();
  });
  follow("resumables", () => resumables.draw());
  follow("completed", () => announcer.completed());
  follow("failed", ({ upload }) => announcer.failed(upload.file.name));
  follow("idle", () => announcer.idle(uploads.uploads));
  addEventListener("beforeunload", (event) => warn(event, uploads), { signal });

  root.classList.add("pw");
  root.uploader = uploads;
  root.replaceChildren(
    zone.node,
    notices.node,
    resumables.node,
    element("section", { class: "pw-queue", "aria-label": words.uploads }, summary.node, files.node),
    announcer.node,
  );
  files.add(uploads.uploads);
  resumables.draw();
  redraw.schedule();

  return {
    uploader: uploads,
    unmount() {
      detached.abort();
      redraw.cancel();
      announcer.close();
      if (own) uploads.close();
      delete root.uploader;
      root.classList.remove("pw");
      root.replaceChildren();
    },
  };
}

// Leaving the page ends what is under way.
function warn(event, uploads) {
  if (uploads.progress.active > 0) event.preventDefault();
}
