// Partway's downloads for a web page: objects of any size, straight from S3, verified.
//
//   import { download } from "https://uploads.example/widget/download.js";
//   const { size, verified } = await download("trip/a.jpg", { endpoint: "https://uploads.example", to: "file" });
//
// The types, with the unit and the bounds of everything, are in download.d.ts.

// All files are named here, so that a browser asks for all of them at once.
import "./connection.js";
import "./host.js";
import "./options.js";
import "./targets.js";
import "./transfer.js";

import { Downloader } from "./downloader.js";

export { PartwayError } from "./errors.js";
export { Download, Downloader, ResumableDownload } from "./downloader.js";

// Milliseconds for which an engine stays when nothing is under way.
const IDLE = 10_000;

// The downloaders of the functions here: downloads with the same options share one, and so its connections.
/** @type {{ options: object, downloader: Downloader, timer?: any }[]} */
const shared = [];

export async function download(key, { onProgress, ...options } = /** @type {any} */ ({})) {
  const begun = startDownload(key, options);
  if (onProgress) begun.addEventListener("progress", () => onProgress(begun.status));
  return begun.finished;
}

export function startDownload(key, options = /** @type {any} */ ({})) {
  const { destination, versionId, filename, to, resumable, signal, ...rest } = options;
  return downloaderFor(rest).add(key, { destination, versionId, filename, to, resumable, signal });
}

export async function resumableDownloads(options) {
  return downloaderFor(options).resumables();
}

function downloaderFor(options) {
  const known = shared.find((other) => areSame(other.options, options));
  if (known) return known.downloader;
  const downloader = new Downloader(options);
  const entry = { options: { ...options }, downloader, timer: undefined };
  shared.push(entry);
  downloader.addEventListener("idle", () => {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => downloader.unload(), IDLE);
  });
  return downloader;
}

function areSame(one, other) {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => comparable(one[name]) === comparable(other[name]));
}

// Addresses and headers may be made anew for each call; functions are what they are.
function comparable(value) {
  if (value instanceof URL) return value.href;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}
