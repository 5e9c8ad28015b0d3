// Everything the widget says. `mount()` takes another table, or part of one, as `text`.

import { formatCount } from "./widget-format.js";

const files = (count) => `${formatCount(count)} ${count === 1 ? "file" : "files"}`;
const list = (parts) => parts.filter(Boolean).join(", ");

export const TEXT = {
  uploads: "Uploads",
  dropLabel: "Add files",
  dropTitle: "Drop files here",
  dropHint: "Any size, any number. They go straight to the store.",
  choose: "Choose files",
  showMore: "Show more",
  cancelAll: "Cancel all",
  pauseAll: "Pause all",
  resumeAll: "Resume all",
  unfinished: "Unfinished uploads",
  unfinishedHint: "They were interrupted, and go on from what is stored.",
  chooseAgain: "Choose file",
  clear: "Clear finished",
  dismiss: "Dismiss",
  key: "Key",
  copyTitle: "Copy",
  progressOfAll: "Progress of all uploads",

  progressOf: (name) => `Progress of ${name}`,
  copy: (label, name) => `Copy ${label} of ${name}`,
  cancel: (name) => `Cancel ${name}`.trim(),
  pause: (name) => `Pause ${name}`.trim(),
  resume: (name) => `Resume ${name}`.trim(),
  until: (date) => `can be resumed until ${date}`,
  retry: (name) => `Try again ${name}`.trim(),
  remove: (name) => `Remove ${name} from the list`.replace("  ", " "),
  discard: (name) => `Discard ${name}`.trim(),

  stateOf: ({ state, waitingFor, result }) => {
    if (state === "uploading" || state === "waiting" || state === "finishing") {
      if (waitingFor) return WAITING[waitingFor] ?? "Trying again in a moment";
    }
    if (state === "completed") return VERIFIED[result?.verified] ?? "Uploaded";
    return STATES[state];
  },
  doneOf: (done, size) => `${done} of ${size}`,
  left: (time) => `${time} left`,
  parts: (stored, count, state) =>
    state === "completed" ? `${formatCount(count)} parts` : `${formatCount(stored)} of ${formatCount(count)} parts`,
  hint: (code) => HINTS[code],

  uploadingCount: (count) => `Uploading ${files(count)}`,
  addedCount: (count) => `${files(count)} added`,
  completedCount: (count) => `${files(count)} uploaded`,
  failedNames: (names) =>
    names.length > 3 ? `${files(names.length)} failed` : `${names.join(", ")} failed`,
  pausedCount: (count) => `${files(count)} paused`,
  endedCount: ({ completed, failed, cancelled }) =>
    list([
      completed > 0 && `${files(completed)} uploaded`,
      failed > 0 && `${formatCount(failed)} failed`,
      cancelled > 0 && `${formatCount(cancelled)} cancelled`,
    ]) || "No files",
  rest: (counts) => {
    const moving = (counts.uploading ?? 0) + (counts.finishing ?? 0) + (counts.cancelling ?? 0);
    const kinds = list([
      moving && `${formatCount(moving)} uploading`,
      counts.paused && `${formatCount(counts.paused)} paused`,
      counts.waiting && `${formatCount(counts.waiting)} waiting`,
      counts.failed && `${formatCount(counts.failed)} failed`,
      counts.completed && `${formatCount(counts.completed)} completed`,
      counts.cancelled && `${formatCount(counts.cancelled)} cancelled`,
    ]);
    return `Not shown: ${kinds}`;
  },
  resumeRefused: (name, { code, field }) => `“${name}” cannot go on: ${REFUSED[field] ?? REFUSED[code] ?? code}.`,
  foldersRefused: (names) =>
    names.length === 1
      ? `“${names[0]}” is a folder. Folders cannot be uploaded yet: open it, and drop the files in it.`
      : `${formatCount(names.length)} folders were left out. Folders cannot be uploaded yet: open them, and drop the files in them.`,
};

const STATES = {
  waiting: "Waiting",
  uploading: "Uploading",
  paused: "Paused",
  finishing: "Verifying",
  completed: "Uploaded",
  cancelling: "Cancelling",
  cancelled: "Cancelled",
  failed: "Failed",
};

const VERIFIED = { crc64_nvme: "Verified by the store", md5: "Verified by the store, by MD5" };

// Why a file does not go with an upload that was interrupted, by field or code.
const REFUSED = {
  name: "the file that was chosen has another name",
  size: "the file that was chosen has another size, so it is another file or has changed",
  last_modified: "the file that was chosen was modified since",
  upload_busy: "another tab is sending it",
  upload_gone: "it was finished or discarded elsewhere",
  file_needed: "choose its file again",
  file_changed: "its file is no longer where it was",
};

// While something is tried again, by the code of what went wrong.
const WAITING = {
  server_unreachable: "Waiting for the upload server",
  store_unreachable: "Waiting for the connection",
  store_unavailable: "Waiting for the store",
  store_full: "Waiting for space in the store",
  too_many_requests: "Waiting for the store",
};

// What to do, where the message alone does not say.
const HINTS = {
  store_etag_hidden:
    "The bucket's CORS must expose ETag: whoever runs the bucket adds it to ExposeHeaders in its CORS rules.",
  store_unreachable:
    "Check the connection. If others get through, the bucket's CORS rules may not allow this page to upload.",
  server_unreachable: "Check the connection, and that the upload server is running; then try again.",
  server_misbehaved: "Something may answer in the server's place, such as a proxy or a login page.",
  engine_unavailable: "Check the connection, then try again.",
  store_unavailable: "Try again in a while. What is stored already is kept.",
  store_denied: "The server's credentials do not permit this. Its log says what the store answered.",
  store_full: "Whoever runs the store has to make room; then try again.",
  too_many_requests: "Try again in a minute.",
  stalled: "Check the connection, then try again. What is stored already is kept.",
  part_refused: "Try again. What is stored already is kept.",
  part_mismatch: "Nothing wrong was kept. Try again; if it happens each time, something on the way alters the data.",
  checksum_mismatch:
    "Nothing wrong was kept. Try again; if it happens each time, something on the way alters the data.",
  file_mismatch:
    "A part that is stored already differs from this file. Discard this, or choose the file that was being uploaded.",
  upload_gone: "Try again to begin from the start.",
  token_expired: "It took longer than the server allows. Try again to begin from the start.",
};
