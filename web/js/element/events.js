// Passes an uploader's events on as the element's, until the signal ends it.

const TOLD = {
  progress: (detail) => ["progress", detail],
  statechange: (detail) => ["file-statechange", detail],
  completed: (detail) => ["file-completed", detail],
  failed: (detail) => ["file-failed", detail],
  cancelled: (detail) => ["file-cancelled", detail],
  removed: (detail) => ["file-removed", detail],
};

export function relay(uploader, signal, tell) {
  const follow = (type, handle) => uploader.addEventListener(type, ({ detail }) => handle(detail), { signal });
  for (const [type, translate] of Object.entries(TOLD)) follow(type, (detail) => tell(...translate(detail)));
  follow("added", ({ uploads }) => uploads.forEach((upload) => tell("file-added", { upload, file: upload.file, path: upload.path })));
  // Everything has ended, one way or the other.
  follow("idle", () => {
    const ended = (wanted) => uploader.uploads.filter(({ state }) => state === wanted);
    tell("completed", { completed: ended("completed"), failed: ended("failed"), cancelled: ended("cancelled") });
  });
}
