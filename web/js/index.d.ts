// Kept by hand: the documentation of the package's surface. All sizes are in
// bytes, all times in seconds, unless a name says otherwise.

/** Where and how to upload. */
export interface UploaderOptions {
  /**
   * The address of the Partway server, such as `https://uploads.example`. A
   * relative one (`/uploads`) counts from the page's.
   */
  endpoint: string | URL;
  /**
   * The most parts on their way at once, over all files: 1 to 64. Unless given, 6 for each
   * host name of the store, which is what a browser opens to one over HTTP/1.1. Within this
   * it adapts: it grows while that is faster, and halves when the store asks to slow down.
   */
  concurrency?: number;
  /**
   * The most bytes that are sent per second, over all files: 16 KiB (16 × 1024) or more. A part
   * leaves as fast as the line is, and the next one waits, so the rate holds on average.
   * Unless given, there is no limit.
   */
  maxBytesPerSecond?: number;
  /**
   * Seconds without progress after which a part is given up and sent again: 1 to 3,600.
   * Unless given, 30; before a part's first byte and after its last, twice as long, and twice that at each further try.
   */
  stallTimeout?: number;
  /**
   * Tries in a row without success after which an upload is parked, as failed, with all that is stored;
   * {@link Upload.retry} goes on from there: 1 to 1,000. Between two of them it waits for a random part of
   * half a second, which doubles up to 20 s. Unless given, 12, which are more than a minute on average.
   * Being offline costs none, and neither does a URL that has expired.
   */
  maxAttempts?: number;
  /**
   * Whether uploads can go on after a reload, a crash or a reboot; see
   * {@link Uploader.resumables}. What that takes is kept in IndexedDB: name, size and time of the
   * file, its handle if it has one, and the upload's token. Unless given, true.
   */
  journal?: boolean;
  /**
   * The size of a part: 5 MiB (5 × 1024 × 1024) to 5 GiB. Unless given, it is
   * planned from the file's size. The server may enlarge it.
   */
  partSize?: number;
  /**
   * Sent with each request to the Partway server, and to nobody else. A function is called before the first request,
   * and anew when the server answers 401, as it does to a token that has expired; the request is then made once
   * more. While it throws or rejects, uploads wait and try again (`credentials_unavailable`).
   */
  headers?: Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>);
  /** The same for `Authorization: Bearer …` alone. */
  token?: string | (() => string | Promise<string>);
  /**
   * Whether cookies go to the Partway server, as `fetch` has it. Unless given, `include` where the server allows it to
   * pages of other origins, as it does to those in `server.allowed_origins`, else `same-origin`.
   */
  credentials?: "include" | "same-origin" | "omit";
  /**
   * Whether the engine runs in a worker, so that neither hashing nor sending ever
   * holds up the page, nor the page them. Unless given, true.
   *
   * A Content-Security-Policy has to allow `worker-src 'self'`, or `worker-src blob:`
   * if index.js is of another origin than the page. If the worker's script is itself served with a
   * policy, that one governs what the worker may load and reach. Where there can be no
   * worker, the engine runs in the page's main thread, and one warning on the console tells
   * why. `false` asks for that, without a warning.
   */
  worker?: boolean;
}

export interface AddOptions {
  /** The name of one of the server's destinations. Unless given, the server's default. */
  destination?: string;
  /** The file's relative path, with `/`. Unless given, that of a file chosen with its folder. */
  path?: string;
  /** What a Blob is called. Unless given, `blob`. */
  name?: string;
  /** Cancels the uploads when it is aborted. */
  signal?: AbortSignal;
  /** Whether they begin at once. Unless given, true; else they are `ready` until `start()`. */
  start?: boolean;
}

/** A file with a name, a path or a destination of its own. */
export interface FileEntry {
  /** Also one of another realm, such as a frame's. */
  file: File | Blob;
  /** What a Blob is called. Unless given, `blob`. A File has its own. */
  name?: string;
  path?: string;
  destination?: string;
  /**
   * From `showOpenFilePicker()` or `getAsFileSystemHandle()`, where the browser has them: with it the
   * upload goes on after a reload without the file being chosen again.
   */
  handle?: FileSystemFileHandle;
}

/** An object to copy, and what the copy is to be. */
export interface Copy {
  from: {
    key: string;
    /** The destination that it is in. Unless given, the server's default. */
    destination?: string;
    /** Unless given, the current one. */
    versionId?: string;
    /** The ETag that it must have; else `object_changed`. */
    etag?: string;
  };
  /** Where to. A name, of which the server makes a key, or the key itself; unless given, the object's own name. */
  to?: { destination?: string; name?: string; key?: string };
  /** The copy's metadata, in the place of the object's. */
  metadata?: Record<string, string>;
  /** The copy's tags, in the place of the object's. */
  tags?: Record<string, string>;
  /** The copy's media type, in the place of the object's. */
  type?: string;
}

/**
 * Where an upload stands.
 *
 * - `ready`: added with `start: false`; nothing happens until `start()`
 * - `waiting`: queued; not a byte has left
 * - `uploading`: bytes are on their way
 * - `paused`: halted until `resume()`; what is stored stays
 * - `finishing`: every byte is there; server and store verify them
 * - `completed`: verified. An end
 * - `cancelling`: what is stored is being removed. What turns out to be complete already stays, and becomes `completed`
 * - `cancelled`: nothing is left in the store. An end
 * - `failed`: see `error`; what is stored stays for `retry()`. An end
 */
export type UploadState =
  | "ready"
  | "waiting"
  | "uploading"
  | "paused"
  | "finishing"
  | "completed"
  | "cancelling"
  | "cancelled"
  | "failed";

/** A frozen snapshot of an upload. */
export interface UploadStatus {
  readonly id: number;
  readonly state: UploadState;
  readonly size: number;
  /** Bytes that have left. Never runs back, not even when a part is sent again. */
  readonly uploaded: number;
  /** Parts of the plan; 0 until there is one. */
  readonly partCount: number;
  /** Parts that the store has acknowledged. */
  readonly partsStored: number;
  /** The speed of the last seconds, or null while it is unknown. */
  readonly bytesPerSecond: number | null;
  /** The time left at that speed, or null while it is unknown. */
  readonly secondsLeft: number | null;
  /** While something is being tried again: the code of what went wrong. */
  readonly waitingFor?: string;
  /** Once `completed`. */
  readonly result?: UploadResult;
  /** Once `failed`. */
  readonly error?: PartwayError;
}

/** The object in the store. */
export interface UploadResult {
  bucket: string;
  key: string;
  /** The object's address. It needs a signature, unless the bucket is public. */
  location: string;
  /** Without quotes. */
  etag: string;
  size: number;
  /** What the store has verified, of each part and of the whole; `none` where it verifies nothing. */
  verified: "crc64_nvme" | "md5" | "none";
  /** The checksum of the whole object that the store has verified, in base64; null where it verifies no CRC64NVME. */
  checksum: { algorithm: "CRC64NVME"; value: string } | null;
  /** Null unless the bucket keeps versions. */
  versionId: string | null;
  /** 1 for a file that was sent in one piece. */
  partCount: number;
}

/** Several uploads as one. */
export interface OverallProgress {
  /** Uploads that are in the sum: those under way together, without the cancelled and the failed. */
  readonly count: number;
  /** How many of all have not ended. */
  readonly active: number;
  readonly size: number;
  readonly uploaded: number;
  readonly bytesPerSecond: number | null;
  readonly secondsLeft: number | null;
}

/**
 * What went wrong.
 *
 * `code` is stable; `message` is meant for people. The server's codes are in
 * its API reference. Those that only a browser finds are:
 *
 * - `invalid_option`: an option is out of its bounds; see `field`
 * - `engine_unavailable`: the wasm module could not be loaded, neither by a worker
 *   nor by the page: a Content-Security-Policy without `'wasm-unsafe-eval'`, a file that is not
 *   there, or a browser without WebAssembly
 * - `server_unreachable`, `server_misbehaved`: the Partway server does not
 *   answer, or something else does in its place
 * - `store_unreachable`: the store does not answer, or its CORS rules refuse the page
 * - `store_etag_hidden`: the bucket's CORS rules do not expose the header `ETag`
 * - `part_refused`, `stalled`: the store refused a part, or a part did not move
 * - `file_mismatch`: the file chosen to resume an upload is another one; `field` says what differs:
 *   `name`, `size`, `last_modified` or `content`
 * - `file_needed`: the file has to be chosen again
 * - `upload_busy`: another tab is sending the upload
 * - `file_changed`, `file_unreadable`: the file is not what it was, or cannot be read
 * - `credentials_unavailable`: the functions given as `headers` or `token` have failed
 * - `cancelled`: by `cancel()`, a signal, or `close()`; the error's `name` is `"AbortError"`
 * - `closed`: the uploader was closed before the call
 * - `internal`: a defect; what is retried begins anew
 */
export class PartwayError extends Error {
  readonly code: string;
  /** Whether trying again can help. */
  readonly retryable: boolean;
  /** The option or field that is to blame. */
  readonly field?: string;
  /** The HTTP status, if an answer is to blame. */
  readonly status?: number;
}

export interface UploadEvents {
  /** At most ten times per second. */
  progress: CustomEvent<UploadStatus>;
  statechange: CustomEvent<{ state: UploadState; previous: UploadState }>;
  completed: CustomEvent<UploadResult>;
  failed: CustomEvent<PartwayError>;
  cancelled: CustomEvent<null>;
}

/** One file on its way, or one object that is copied. Made by {@link Uploader.add} and {@link Uploader.copy}. */
export class Upload extends EventTarget {
  private constructor();
  /** Unique within its uploader. */
  readonly id: number;
  /** None where it is a copy. */
  readonly file?: File;
  /** The file's name, or the copy's. */
  readonly name: string;
  /** What is copied, if it is a copy. */
  readonly copy?: Copy;
  readonly path?: string;
  readonly destination?: string;
  readonly status: UploadStatus;
  readonly state: UploadState;
  /** Whether nothing more happens by itself: completed, cancelled or failed. */
  readonly ended: boolean;
  /** From 0 to 1, and 1 only once completed. */
  readonly progress: number;
  readonly result?: UploadResult;
  readonly error?: PartwayError;
  /**
   * Settles at the end; rejects with a {@link PartwayError}, also when it was
   * cancelled. After `retry()` this is a new promise. It may be left alone: a
   * rejection that nobody waits for is no error on the console.
   */
  readonly finished: Promise<UploadResult>;
  /** Lets the browser open the file again after a reload, where it came with one. */
  readonly handle?: FileSystemFileHandle;
  /** Begins one that is `ready`. Whether it was. */
  start(): boolean;
  /**
   * Halts it until `resume()`. Parts on their way are broken off and sent again later, or with
   * `finishParts` sent to their end. Whether there was anything to halt: what is being
   * finished or has ended is not.
   */
  pause(options?: PauseOptions): boolean;
  /** Goes on from what is stored. Whether it was paused. */
  resume(): boolean;
  /**
   * Stops, and removes what is stored; also what a failed one has left. It is `cancelling`
   * until that is done. Whether there was anything to cancel.
   */
  cancel(): boolean;
  /** Goes on from what is stored. Whether it had failed. */
  retry(): boolean;
  /** Takes one that has ended or is `ready` off the list. Whether it was one. */
  remove(): boolean;
  /** Calls back with each new status, and once at the beginning. Returns a function that ends it. */
  subscribe(listener: (status: UploadStatus) => void): () => void;
  /**
   * `for await (const status of upload)`: statuses up to the end, always the newest. It throws what `finished` rejects
   * with.
   */
  [Symbol.asyncIterator](): AsyncGenerator<UploadStatus, void, undefined>;

  addEventListener<K extends keyof UploadEvents>(
    type: K,
    listener: (event: UploadEvents[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

export interface PauseOptions {
  /** Whether parts on their way are sent to their end. Unless given, false. */
  finishParts?: boolean;
}

/** An upload that was interrupted by the end of a page, and can go on. Made by {@link Uploader}. */
export class ResumableUpload {
  private constructor();
  /** Tells it from others. */
  readonly id: string;
  /** The object's key. */
  readonly key: string;
  /** Where it goes; none is the server's default. */
  readonly destination?: string;
  readonly name: string;
  readonly size: number;
  readonly type: string;
  readonly path?: string;
  /** In milliseconds since 1970. */
  readonly lastModified: number;
  /** Bytes that were stored when it was interrupted. */
  readonly uploaded: number;
  /** Until then it can be resumed. */
  readonly expiresAt: Date;
  /** Whether it goes on without the file being chosen again. */
  readonly hasFile: boolean;
  /** Whether a file has its name, size and time. */
  fits(file: File): boolean;
  /**
   * Goes on from what the store has. Without a file, `hasFile` must be true, and the call
   * must come from a click or a key, since the browser may ask for permission.
   *
   * Rejects with a {@link PartwayError}: `file_mismatch`, `file_needed`, `file_changed`, `upload_busy` or
   * `upload_gone`. A file that has other bytes than were sent before is found out later, and its upload
   * fails with `file_mismatch`.
   */
  resume(file?: File): Promise<Upload>;
  /** Removes what is stored, and forgets it; unless another tab is sending it, which a `warning` tells. */
  discard(): void;
}

export interface UploaderEvents {
  /** One event for each call of `add()`. */
  added: CustomEvent<{ uploads: Upload[] }>;
  /** At most ten times per second, with the uploads that moved. */
  progress: CustomEvent<{ uploads: Upload[]; progress: OverallProgress }>;
  statechange: CustomEvent<{ upload: Upload; state: UploadState; previous: UploadState }>;
  completed: CustomEvent<{ upload: Upload; result: UploadResult }>;
  failed: CustomEvent<{ upload: Upload; error: PartwayError }>;
  cancelled: CustomEvent<{ upload: Upload }>;
  removed: CustomEvent<{ upload: Upload }>;
  /** The list of what can be resumed has changed. */
  resumables: CustomEvent<{ resumables: ResumableUpload[] }>;
  /**
   * Something that stops nothing; it is also on the console. `journal_unavailable`: nothing can be
   * resumed after a reload, because IndexedDB is denied or full. `journal_skipped`: entries that this version cannot read
   * were left out, and stay where they are. `upload_busy`: see {@link ResumableUpload.discard}.
   */
  warning: CustomEvent<{ code: string; message: string }>;
  /** All uploads have ended. */
  idle: CustomEvent<null>;
}

/** An uploader at one moment. */
export interface UploaderSnapshot {
  readonly uploads: readonly Upload[];
  readonly progress: OverallProgress;
  readonly resumables: readonly ResumableUpload[];
}

/** A list of uploads to one server. */
export class Uploader extends EventTarget {
  /**
   * @throws {PartwayError} `invalid_option` if the endpoint is no address. The
   *   engine checks the other options when it is first needed; uploads fail with
   *   what it finds.
   */
  constructor(options: UploaderOptions);

  /**
   * Fetches the engine (some dozen kB) ahead of the first upload, which would
   * do it otherwise. Called again, it looks anew for what can be resumed, as after somebody else has signed in.
   */
  load(): Promise<void>;

  /**
   * Begins to upload. Several files make one request to the server, so add
   * them together.
   *
   * @throws {TypeError} when it is given anything else.
   */
  add(file: File | Blob | FileEntry, options?: AddOptions): Upload;
  add(files: Iterable<File | Blob | FileEntry> | ArrayLike<File | Blob | FileEntry>, options?: AddOptions): Upload[];

  /** The short form, for one file and one promise. Rejects with a {@link PartwayError}. */
  upload(
    file: File | Blob | FileEntry,
    options?: AddOptions & { onProgress?: (status: UploadStatus) => void },
  ): Promise<UploadResult>;

  /**
   * Copies an object that is stored, where the server allows it. None of its bytes pass through the browser: a small one is copied
   * by one call, of a large one the store is asked for each part, with progress as for an upload. Its size is 0 until the server
   * has said it. A copy does not go on after a reload; what is left of it in the store, the server removes.
   *
   * @throws {TypeError} when there is no key, or something that it does not know.
   */
  copy(copy: Copy, options?: { signal?: AbortSignal }): Upload;

  /** All that were added and not removed, in their order. */
  readonly uploads: Upload[];
  /** The address of the server, absolute. */
  readonly endpoint: string;
  /** How many uploads are under way: begun, and not ended. */
  readonly active: number;
  /** Of the uploads that are or were last under way together. */
  readonly progress: OverallProgress;
  /** All there is to show, frozen: the same object until something changes. */
  readonly snapshot: UploaderSnapshot;
  /** Calls back with a snapshot at each change, and once at the beginning. Returns a function that ends it. */
  subscribe(listener: (snapshot: UploaderSnapshot) => void): () => void;
  /** `for await (const progress of uploader)`: the newest progress of all, until nothing is under way. */
  [Symbol.asyncIterator](): AsyncGenerator<OverallProgress, void, undefined>;
  /**
   * What was interrupted in this browser and can go on: of this endpoint, and of the user who is signed in, as the server
   * says. It is empty until {@link Uploader.load} or the first
   * upload has fetched the engine; `resumables` tells when it changes. What another tab is sending is left out.
   */
  readonly resumables: ResumableUpload[];
  /** Begins all that are `ready`. */
  startAll(): void;
  /** Retries all that have failed. */
  retryAll(): void;
  /** Pauses all that can be. */
  pauseAll(options?: PauseOptions): void;
  /** Resumes all that are paused. */
  resumeAll(): void;
  /** Cancels all that are under way. */
  cancelAll(): void;
  /**
   * Abandons everything at once and lets go of all resources, the worker among them. What
   * should not stay in the store has to be `cancelled` before.
   */
  close(): void;

  addEventListener<K extends keyof UploaderEvents>(
    type: K,
    listener: (event: UploaderEvents[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}
