// What the documentation of the package promises is what the engine gives, and what the engine takes. Compiled, never run.

import type * as engine from "./partway_web.js";
import type * as face from "./index.js";
import type * as downloads from "./partway_web_download.js";
import type * as download from "./download.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
// The same properties, whether they are written as one type or as an intersection, and whoever may write them.
type Flat<T> = { -readonly [K in keyof T]: T[K] };
type Keys<A, B> = Same<keyof A, keyof B>;

// The page makes errors of the engine's, and knows a state more.
type Status = Flat<Omit<face.UploadStatus, "error" | "state" | "result">>;
const statuses: Same<Status, Flat<Omit<engine.UploadStatus, "error" | "state" | "result">>> = true;
const statusKeys: Keys<face.UploadStatus, engine.UploadStatus> = true;
const states: Same<face.UploadState, engine.UploadStatus["state"] | "ready"> = true;
const results: Same<Flat<Omit<face.UploadResult, "checksum">>, Flat<Omit<engine.UploadResult, "checksum">>> = true;
const resultKeys: Keys<face.UploadResult, engine.UploadResult> = true;
const checksums: Same<
  Flat<NonNullable<face.UploadResult["checksum"]>>,
  Flat<NonNullable<engine.UploadResult["checksum"]>>
> = true;
// An option of the page's is the engine's, but for those that the page obeys itself.
type Obeyed = Omit<face.UploaderOptions, "endpoint" | "headers" | "token" | "worker">;
const options: Same<Flat<Obeyed>, Flat<Omit<engine.EngineOptions, "endpoint" | "headers" | "asksForHeaders">>> = true;

// The same of downloads. Only a page has a `handle` and a `to` that are no words.
type Downloaded = Flat<Omit<download.DownloadStatus, "error" | "result">>;
const downloadStatuses: Same<Downloaded, Flat<Omit<downloads.DownloadStatus, "error" | "result">>> = true;
const downloadStatusKeys: Keys<download.DownloadStatus, downloads.DownloadStatus> = true;
const downloadResults: Same<
  Flat<Omit<download.DownloadResult, "checksum">>,
  Flat<Omit<downloads.DownloadResult, "checksum">>
> = true;
const downloadResultKeys: Keys<download.DownloadResult, downloads.DownloadResult> = true;
type ObeyedDownloads = Omit<download.DownloaderOptions, "endpoint" | "headers" | "token" | "worker">;
const downloadOptions: Same<
  Flat<ObeyedDownloads>,
  Flat<Omit<downloads.EngineOptions, "endpoint" | "headers" | "asksForHeaders">>
> = true;

export const all = [
  statuses,
  statusKeys,
  states,
  results,
  resultKeys,
  checksums,
  options,
  downloadStatuses,
  downloadStatusKeys,
  downloadResults,
  downloadResultKeys,
  downloadOptions,
];
