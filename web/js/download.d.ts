// Kept by hand: the documentation of `partway/download`. All sizes are in
// bytes, all times in seconds, unless a name says otherwise.

import type { PartwayError, UploaderOptions } from "./index.js";

export { PartwayError } from "./index.js";

/** Where from, and how. */
export interface DownloaderOptions
  extends Pick<UploaderOptions, "endpoint" | "headers" | "token" | "credentials" | "worker"> {
  /**
   * The most requests on their way at once, over all downloads: 1 to 64. Unless given, 6 for each host name of the
   * store, which is what a browser opens to one over HTTP/1.1. Within this it adapts.
   */
  concurrency?: number;
  /**
   * The most bytes that are asked for per second, over all downloads: 16 KiB (16 × 1024) or more. What was asked for comes as
   * fast as the line is, and the next request waits, so the rate holds on average. Unless given, there is no limit.
   */
  maxBytesPerSecond?: number;
  /**
   * Seconds without a further byte after which a request is given up, and goes on anew from the byte that it has reached: 1 to
   * 3,600. Unless given, 30; before its first byte, twice as long.
   */
  stallTimeout?: number;
  /**
   * Tries in a row without success after which a download fails, with all that has come; {@link Download.retry} goes on from
   * there: 1 to 1,000. Unless given, 12. Being offline costs none, and neither does a URL that has expired.
   */
  maxAttempts?: number;
  /**
   * Whether downloads into files can go on after a reload, a crash or a reboot; see {@link resumableDownloads}. What that takes
   * is kept in IndexedDB: the object's name and size, which bytes are there, and the file's handle. Unless given, true.
   */
  journal?: boolean;
}

/**
 * Where a download goes.
 *
 * - `"browser"`: to the browser's own downloads, which resume by themselves and keep nothing in the page. It ends as soon as
 *   the browser has taken over, and nothing is verified.
 * - `"file"`: into a file that the user chooses (`showSaveFilePicker`: Chromium's browsers). It must be called within a click
 *   or a key.
 * - a `FileSystemFileHandle`: into that file; also one of the origin's own (`navigator.storage.getDirectory()`), in any browser.
 * - a `WritableStream`: in order, with at most 64 MiB on their way to it. It is closed once all is verified, else aborted.
 * - `"memory"`: into a `Blob`, up to 512 MiB.
 */
export type DownloadTarget = "browser" | "file" | "memory" | FileSystemFileHandle | WritableStream<Uint8Array<ArrayBuffer>>;

export interface AddDownloadOptions {
  /** The name of one of the server's destinations. Unless given, the server's default. */
  destination?: string;
  /** The object's version. Unless given, the current one. */
  versionId?: string;
  /** What the file is called that is downloaded or chosen. Unless given, all of the key after its last slash. */
  filename?: string;
  /** Unless given, `"browser"`. */
  to?: DownloadTarget;
  /**
   * Whether it can go on after a reload, where it goes into a file. Browsers throw away what was written to a file that the user
   * has chosen, unless it was closed. So such a download is staged in a file of the origin's own, and copied at the end: for a
   * moment it takes twice the disk. Unless given, that is done from 64 MiB on, where there is room. What goes into a
   * file of the origin's own is written in place, and can always go on.
   */
  resumable?: boolean;
  /** Cancels the download when it is aborted. */
  signal?: AbortSignal;
}

/**
 * Where a download stands.
 *
 * - `waiting`: for the user's choice of a file, the engine, or the server
 * - `downloading`: bytes are on their way
 * - `paused`: halted until `resume()`; what has come stays
 * - `saving`: every byte is there and verified; the file is being closed. Browsers examine what they save, and a staged file is
 *   copied, so this can take long
 * - `completed`: see `result`. An end
 * - `cancelled`: nothing is left of it. An end
 * - `failed`: see `error`; what has come stays for `retry()`, unless the error says that it is of no use. An end
 */
export type DownloadState = "waiting" | "downloading" | "paused" | "saving" | "completed" | "cancelled" | "failed";

/** A frozen snapshot of a download. */
export interface DownloadStatus {
  readonly id: number;
  readonly state: DownloadState;
  /** Null until it is known. */
  readonly size: number | null;
  /** Bytes that have come. Never runs back, unless the object was replaced and the download has begun anew. */
  readonly downloaded: number;
  /** The speed of the last seconds, or null while it is unknown. */
  readonly bytesPerSecond: number | null;
  /** The time left at that speed, or null while it is unknown. */
  readonly secondsLeft: number | null;
  /** While something is being tried again: the code of what went wrong. */
  readonly waitingFor?: string;
  /** Once `completed`. */
  readonly result?: DownloadResult;
  /** Once `failed`. */
  readonly error?: PartwayError;
}

/** What was downloaded. */
export interface DownloadResult {
  key: string;
  size: number;
  /** Without quotes. */
  etag: string;
  /**
   * What was compared with what the store has verified: the CRC-64/NVME of all bytes, MD5s in the ETag, or nothing, because the
   * store has neither, or because the browser downloads by itself.
   */
  verified: "crc64_nvme" | "md5" | "none";
  /** The checksum of all bytes that came, in base64; null where it was not computed. */
  checksum: { algorithm: "CRC64NVME"; value: string } | null;
  /** Null unless the bucket keeps versions. */
  versionId: string | null;
  /** The media type that is stored with the object, or null. */
  type: string | null;
  /** The bytes, with `to: "memory"`. */
  blob?: Blob;
}

export interface DownloadEvents {
  /** At most ten times per second. */
  progress: CustomEvent<DownloadStatus>;
  statechange: CustomEvent<{ state: DownloadState; previous: DownloadState }>;
  completed: CustomEvent<DownloadResult>;
  failed: CustomEvent<PartwayError>;
  cancelled: CustomEvent<null>;
}

/** One object on its way. Made by {@link startDownload} and {@link Downloader.add}. */
export class Download extends EventTarget {
  private constructor();
  /** Unique within its downloader. */
  readonly id: number;
  readonly key: string;
  readonly destination?: string;
  readonly versionId?: string;
  readonly filename?: string;
  /** The file that it goes to, once that is known. */
  readonly handle?: FileSystemFileHandle;
  readonly status: DownloadStatus;
  readonly state: DownloadState;
  /** Whether nothing more happens by itself: completed, cancelled or failed. */
  readonly ended: boolean;
  /** From 0 to 1, and 1 only once completed. */
  readonly progress: number;
  readonly result?: DownloadResult;
  readonly error?: PartwayError;
  /**
   * Settles at the end; rejects with a {@link PartwayError}, also when it was cancelled. After `retry()` this is a new promise.
   * It may be left alone: a rejection that nobody waits for is no error on the console.
   */
  readonly finished: Promise<DownloadResult>;
  /** Halts it until `resume()`, and keeps what has come. Whether there was anything to halt. */
  pause(): boolean;
  /** Goes on from what has come. Whether it was paused. */
  resume(): boolean;
  /** Stops, and removes what has come. Whether there was anything to cancel. */
  cancel(): boolean;
  /**
   * Goes on from what has come, or anew if that is of no use. Whether it had failed and can go on, which a stream cannot: what it
   * was given cannot be taken back.
   */
  retry(): boolean;
  /** Takes one that has ended off the list. Whether it had. */
  remove(): boolean;
  /** Calls back with each new status, and once at the beginning. Returns a function that ends it. */
  subscribe(listener: (status: DownloadStatus) => void): () => void;
  /** Statuses up to the end, always the newest. It throws what `finished` rejects with. */
  [Symbol.asyncIterator](): AsyncGenerator<DownloadStatus, void, undefined>;

  addEventListener<K extends keyof DownloadEvents>(
    type: K,
    listener: (event: DownloadEvents[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** A download into a file that was interrupted by the end of a page, and can go on. */
export class ResumableDownload {
  private constructor();
  /** Tells it from others. */
  readonly id: string;
  readonly key: string;
  readonly destination?: string;
  readonly versionId?: string;
  readonly filename?: string;
  readonly size: number;
  /** Bytes that are there. They are compared with their checksums before they count. */
  readonly downloaded: number;
  readonly updatedAt: Date;
  /** The file that it was going to. */
  readonly handle: FileSystemFileHandle;
  /**
   * Goes on from what is there, if the object is still the same, else anew. It must be called within a click or a key, since
   * the browser may ask for permission.
   */
  resume(options?: Pick<AddDownloadOptions, "signal">): Download;
  /** Removes what is there, and forgets it. */
  discard(): void;
}

export interface DownloaderEvents {
  added: CustomEvent<{ download: Download }>;
  /** At most ten times per second, with the downloads that moved. */
  progress: CustomEvent<{ downloads: Download[] }>;
  statechange: CustomEvent<{ download: Download; state: DownloadState; previous: DownloadState }>;
  completed: CustomEvent<{ download: Download; result: DownloadResult }>;
  failed: CustomEvent<{ download: Download; error: PartwayError }>;
  cancelled: CustomEvent<{ download: Download }>;
  removed: CustomEvent<{ download: Download }>;
  /** Something that stops nothing; it is also on the console. `not_resumable`: a download cannot go on after a reload. */
  warning: CustomEvent<{ code: string; message: string }>;
  /** All downloads have ended. */
  idle: CustomEvent<null>;
}

/** A list of downloads from one server, which share an engine and its connections. */
export class Downloader extends EventTarget {
  /** @throws {PartwayError} `invalid_option` if the endpoint is no address. The rest is checked when the engine starts. */
  constructor(options: DownloaderOptions);
  readonly endpoint: string;
  readonly downloads: Download[];
  /** How many are under way. */
  readonly active: number;
  /** Fetches the engine ahead of the first download. */
  load(): Promise<void>;
  /** Begins a download. @throws {PartwayError} `invalid_option` if it cannot go there. */
  add(key: string, options?: AddDownloadOptions): Download;
  /** The short form of {@link add}. */
  download(key: string, options?: AddDownloadOptions & OnProgress): Promise<DownloadResult>;
  /** What was interrupted and can go on, but for what is under way in this or another tab. */
  resumables(): Promise<ResumableDownload[]>;
  /** Ends the engine until it is needed again. Whether nothing was under way. */
  unload(): boolean;
  /** Cancels what is under way, and ends the engine. What can go on later stays. */
  close(): void;

  addEventListener<K extends keyof DownloaderEvents>(
    type: K,
    listener: (event: DownloaderEvents[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

export interface OnProgress {
  /** Called with each new status, at most ten times per second. */
  onProgress?: (status: DownloadStatus) => void;
}

/**
 * Downloads an object. Rejects with a {@link PartwayError}; besides those of uploads its codes are:
 *
 * - `object_not_found`, `object_archived`, `operation_not_allowed`, `access_refused`: the server's
 * - `object_changed`: the object was replaced, and what a stream was given already cannot be taken back
 * - `download_refused`: the store refused a request
 * - `download_corrupt`: the bytes are not those that the store has verified
 * - `file_unwritable`: the disk is full, writing is not permitted any more, or the file is gone or in use; the message says what
 *   to do
 */
export function download(
  key: string,
  options: DownloaderOptions & AddDownloadOptions & OnProgress,
): Promise<DownloadResult>;

/** The same, for who wants to pause, resume, watch or cancel it. Downloads with the same options share an engine. */
export function startDownload(key: string, options: DownloaderOptions & AddDownloadOptions): Download;

/** What was interrupted by the end of a page and can go on. */
export function resumableDownloads(options: DownloaderOptions): Promise<ResumableDownload[]>;
