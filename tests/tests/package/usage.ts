// Uses all of the package's types as its users do, and misuses some: each `@ts-expect-error` is a
// mistake that the compiler has to notice.

import {
  PartwayError,
  type OverallProgress,
  ResumableUpload,
  Upload,
  type UploadResult,
  type UploadState,
  type UploadStatus,
  Uploader,
  type UploaderOptions,
} from "partway";
import {
  type Download,
  type DownloadResult,
  type DownloadState,
  Downloader,
  ResumableDownload,
  download,
  resumableDownloads,
  startDownload,
} from "partway/download";
import { PartwayUploader } from "partway/element";
import { type Operation, PartwayFiles, type StoredObject } from "partway/files";
import germanFiles from "partway/files/languages/de";
import german from "partway/languages/de";

declare const file: File;
declare const files: FileList;
declare const handle: FileSystemFileHandle;

const options: UploaderOptions = {
  endpoint: new URL("https://uploads.example"),
  concurrency: 4,
  maxBytesPerSecond: 1_000_000,
  stallTimeout: 20,
  journal: false,
  partSize: 8 * 1024 * 1024,
  headers: async () => ({ "x-tenant": "a" }),
  token: () => "…",
  worker: false,
  credentials: "include",
};
const uploader = new Uploader(options);

// @ts-expect-error An uploader needs a server.
new Uploader({});
// @ts-expect-error A size is a number.
new Uploader({ endpoint: "/", partSize: "8 MiB" });
// @ts-expect-error An upload is made by an uploader.
new Upload();

async function useUploader(): Promise<void> {
  await uploader.load();
  const one: Upload = uploader.add(file, { destination: "videos", path: "a/b", signal: AbortSignal.timeout(1000) });
  const several: Upload[] = uploader.add(files);
  uploader.add([file, { file, path: "c/d", destination: "videos", handle }]);
  const entry: Upload = uploader.add({ file, path: "e/f" });
  const blob: Upload = uploader.add(new Blob(["bytes"]), { name: "bytes.bin" });
  console.log(entry.path, blob.name, blob.file?.size);
  const copy: Upload = uploader.copy({ from: { key: "a", etag: "b" }, to: { name: "c" }, metadata: { d: "e" } });
  // @ts-expect-error A copy has no file, so it is looked at before it is used.
  console.log(copy.file.name);
  // @ts-expect-error There is nothing without a key.
  uploader.copy({ from: {} });
  // @ts-expect-error A name is no file.
  uploader.add("film.mov");
  const { key, verified }: UploadResult = await uploader.upload(file, {
    onProgress: ({ uploaded, size }) => console.log(uploaded / size),
  });
  const proof: "crc64_nvme" | "md5" | "none" = verified;
  console.log(key, proof, several.length, one.id);

  const { count, active, bytesPerSecond, secondsLeft }: OverallProgress = uploader.progress;
  console.log(count + active, bytesPerSecond?.toFixed(), secondsLeft?.toFixed());
  // @ts-expect-error The speed may be unknown.
  bytesPerSecond.toFixed();
  // @ts-expect-error What it tells cannot be changed.
  uploader.progress.count = 3;

  const waiting = uploader.add(file, { start: false });
  const begun: boolean = waiting.start();
  uploader.startAll();
  uploader.retryAll();
  const stop: () => void = uploader.subscribe(({ uploads, resumables }) => console.log(uploads.length, resumables.length, begun));
  stop();
  // @ts-expect-error A snapshot cannot be changed.
  uploader.snapshot.uploads.push(one);
  for await (const { active } of uploader) console.log(active, uploader.active, uploader.endpoint);

  uploader.pauseAll({ finishParts: true });
  uploader.resumeAll();
  uploader.cancelAll();
  for (const resumable of uploader.resumables) await useResumable(resumable);
  uploader.close();
}

async function useUpload(upload: Upload): Promise<void> {
  const status: UploadStatus = upload.status;
  const state: UploadState = status.state;
  const stopped: boolean = upload.pause() || upload.resume() || upload.cancel() || upload.retry() || upload.remove();
  console.log(state, stopped, upload.ended, upload.progress, upload.name, upload.path, upload.destination, upload.handle?.name);
  // @ts-expect-error There is no such state.
  if (state === "done") return;
  upload.subscribe(({ uploaded }) => console.log(uploaded))();
  for await (const { partsStored } of upload) console.log(partsStored);
  try {
    const { checksum, versionId, partCount } = await upload.finished;
    console.log(checksum?.value, versionId?.length, partCount);
  } catch (error) {
    if (error instanceof PartwayError) console.log(error.code, error.retryable, error.field, error.status, error.message);
  }
  upload.addEventListener("progress", ({ detail }) => console.log(detail.partsStored, detail.partCount, detail.waitingFor));
  upload.addEventListener("statechange", ({ detail }) => console.log(detail.state, detail.previous));
  upload.addEventListener("completed", ({ detail }) => console.log(detail.key));
  upload.addEventListener("failed", ({ detail }) => console.log(detail.code));
}

async function useResumable(resumable: ResumableUpload): Promise<Upload> {
  const { key, name, size, type, path, lastModified, uploaded, expiresAt, hasFile } = resumable;
  console.log(key, name, size, type, path, lastModified, uploaded, expiresAt.getTime(), hasFile);
  if (!resumable.fits(file)) resumable.discard();
  return resumable.resume(file);
}

uploader.addEventListener("added", ({ detail }) => detail.uploads.forEach(useUpload));
uploader.addEventListener("progress", ({ detail }) => console.log(detail.uploads.length, detail.progress.uploaded));
uploader.addEventListener("completed", ({ detail }) => console.log(detail.upload.id, detail.result.etag));
uploader.addEventListener("failed", ({ detail }) => console.log(detail.upload.id, detail.error.code));
uploader.addEventListener("removed", ({ detail }) => console.log(detail.upload.id));
uploader.addEventListener("resumables", ({ detail }) => console.log(detail.resumables.length));
uploader.addEventListener("warning", ({ detail }) => console.log(detail.code, detail.message));
uploader.addEventListener("idle", () => console.log("all is done"), { once: true });

void useUploader();

async function useElement(): Promise<void> {
  const made: PartwayUploader = document.createElement("partway-uploader");
  const found = document.querySelector("partway-uploader");
  made.endpoint = "https://uploads.example";
  made.start = "manual";
  // @ts-expect-error There is no such start.
  made.start = "later";
  made.maxSize = "50 MB";
  made.maxFiles = 3;
  made.texts = { ...german, dropTitle: "Ziehen Sie Ihre Scans hierher", leftOut: { one: "eine", other: "{count}" } };
  made.token = async () => "…";
  made.options = { concurrency: 3 };
  // @ts-expect-error The endpoint is an attribute.
  made.options = { endpoint: "/" };
  await made.add([file, { file, path: "a/b" }]);
  made.addEventListener("before-file-added", (event) => {
    if (event.detail.file.size === 0) event.preventDefault();
  });
  made.addEventListener("file-refused", ({ detail }) => console.log(detail.code === "duplicate", detail.message));
  made.addEventListener("completed", ({ detail }) => console.log(detail.completed.length, detail.failed.length));
  made.addEventListener("click", ({ clientX }) => console.log(clientX));
  // @ts-expect-error Its events have no such detail.
  made.addEventListener("file-completed", ({ detail }) => console.log(detail.key));
  const size: number | undefined = found?.maxSize;
  console.log(size, made.value.join(), made.results[0]?.key, made.validity.valid, made.form?.action, made.uploader?.active);
  made.upload();
  made.clear();
}

void useElement();

async function useFiles(): Promise<void> {
  const made: PartwayFiles = document.createElement("partway-files");
  const found = document.querySelector("partway-files");
  made.endpoint = "https://uploads.example";
  made.prefix = "photos/";
  made.token = async () => "…";
  made.texts = { ...germanFiles, empty: "Noch keine Belege" };
  // @ts-expect-error A prefix is text.
  made.prefix = 7;
  await made.open("photos/2026/");
  await made.refresh();
  const objects: StoredObject[] = made.selected;
  const allowed: Operation[] = made.allowed;
  console.log(objects[0]?.lastModified?.getTime(), allowed.includes("delete"), found?.currentPrefix?.length);
  // @ts-expect-error What is allowed, the server says.
  made.allowed = ["delete"];
  made.addEventListener("open", ({ detail }) => console.log(detail.prefix));
  made.addEventListener("download", (event) => {
    if (event.detail.objects.length > 10) event.preventDefault();
  });
  made.addEventListener("save", (event) => event.detail.object.size > 1e9 && event.preventDefault());
  made.addEventListener("saved", ({ detail }) => console.log(detail.result.verified, detail.object?.name));
  made.addEventListener("link", ({ detail }) => console.log(detail.object.key, detail.url, detail.expiresAt.getTime()));
  made.addEventListener("delete", ({ detail }) => console.log(detail.objects.map(({ size }) => size)));
  made.addEventListener("error", ({ detail }) => console.log(detail.error.code, detail.object?.key));
  // @ts-expect-error Its events have no such detail.
  made.addEventListener("select", ({ detail }) => console.log(detail.keys));
}

void useFiles();

async function useDownloads(): Promise<void> {
  const from = { endpoint: "/uploads", token: () => "…" };
  const taken: DownloadResult = await download("a/b.bin", { ...from, to: handle, onProgress: ({ downloaded }) => downloaded + 1 });
  const sum: string | undefined = taken.checksum?.value;
  const job: Download = startDownload("a/b.bin", { ...from, to: new WritableStream<Uint8Array<ArrayBuffer>>() });
  const going: DownloadState = job.state;
  const halted: boolean = job.pause() && job.resume();
  job.addEventListener("failed", ({ detail }) => detail.code);
  for await (const { size, secondsLeft } of job) console.log(size, secondsLeft);
  const downloader = new Downloader({ ...from, maxBytesPerSecond: 1_000_000, stallTimeout: 9, journal: false });
  const { blob } = await downloader.download("a/b.bin", { to: "memory", signal: new AbortController().signal });
  const [interrupted]: ResumableDownload[] = await resumableDownloads(from);
  const on: Download | undefined = interrupted?.resume();
  // @ts-expect-error It goes nowhere.
  await download("a/b.bin", { ...from, to: "printer" });
  // @ts-expect-error A download needs a server.
  await download("a/b.bin", {});
  // @ts-expect-error A stream of texts takes no bytes.
  startDownload("a/b.bin", { ...from, to: new WritableStream<string>() });
  console.log(sum, going, halted, blob?.size, on?.filename);
}

void useDownloads();
