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
   * The most parts on their way at once, over all files: 1 to 64. Unless given,
   * 6, which is what a browser opens to one host over HTTP/1.1.
   */
  concurrency?: number;
  /**
   * The size of a part: 5 MiB (5 × 1024 × 1024) to 5 GiB. Unless given, it is
   * planned from the file's size. The server may enlarge it.
   */
  partSize?: number;
  /** Sent with each request to the Partway server, and to nobody else; for a bearer token. */
  headers?: Record<string, string>;
}

export interface AddOptions {
  /** The name of one of the server's destinations. Unless given, the server's default. */
  destination?: string;
  /** The file's relative path, with `/`. Unless given, that of a file chosen with its folder. */
  path?: string;
  /** Cancels the uploads when it is aborted. */
  signal?: AbortSignal;
}

/** A file with a path or a destination of its own. */
export interface FileEntry {
  file: File;
  path?: string;
  destination?: string;
}

/**
 * Where an upload stands.
 *
 * - `waiting`: queued; not a byte has left
 * - `uploading`: bytes are on their way
 * - `finishing`: every byte is there; server and store verify them
 * - `completed`: verified. An end
 * - `cancelling`: what is stored is being removed
 * - `cancelled`: nothing is left in the store. An end
 * - `failed`: see `error`; what is stored stays for `retry()`. An end
 */
export type UploadState =
  | "waiting"
  | "uploading"
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
  /** The checksum of the whole object that the store has verified, in base64; null where the server is configured to do without. */
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
 * - `engine_unavailable`: the wasm module could not be loaded: a
 *   Content-Security-Policy without `'wasm-unsafe-eval'`, a file that is not
 *   there, or a browser without WebAssembly
 * - `server_unreachable`, `server_misbehaved`: the Partway server does not
 *   answer, or something else does in its place
 * - `store_unreachable`: the store does not answer, or its CORS rules refuse the page
 * - `store_etag_hidden`: the bucket's CORS rules do not expose the header `ETag`
 * - `part_refused`, `stalled`: the store refused a part, or a part did not move
 * - `file_changed`, `file_unreadable`: the file is not what it was, or cannot be read
 * - `cancelled`: by `cancel()`, a signal, or `close()`; the error's `name` is `"AbortError"`
 * - `closed`: the uploader was closed before the call
 * - `internal`: a defect
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
  /** At most ten times a second. */
  progress: CustomEvent<UploadStatus>;
  statechange: CustomEvent<{ state: UploadState; previous: UploadState }>;
  completed: CustomEvent<UploadResult>;
  failed: CustomEvent<PartwayError>;
  cancelled: CustomEvent<null>;
}

/** One file on its way. Made by {@link Uploader.add}. */
export class Upload extends EventTarget {
  private constructor();
  /** Unique within its uploader. */
  readonly id: number;
  readonly file: File;
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
  /** Stops, and removes what is stored; also what a failed one has left. Whether there was anything to cancel. */
  cancel(): boolean;
  /** Goes on from what is stored. Whether it had failed. */
  retry(): boolean;
  /** Takes one that has ended off the list. Whether it had ended. */
  remove(): boolean;

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

export interface UploaderEvents {
  /** One event for each call of `add()`. */
  added: CustomEvent<{ uploads: Upload[] }>;
  /** At most ten times a second, with the uploads that moved. */
  progress: CustomEvent<{ uploads: Upload[]; progress: OverallProgress }>;
  statechange: CustomEvent<{ upload: Upload; state: UploadState; previous: UploadState }>;
  completed: CustomEvent<{ upload: Upload; result: UploadResult }>;
  failed: CustomEvent<{ upload: Upload; error: PartwayError }>;
  cancelled: CustomEvent<{ upload: Upload }>;
  removed: CustomEvent<{ upload: Upload }>;
  /** All uploads have ended. */
  idle: CustomEvent<null>;
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
   * do it otherwise.
   */
  load(): Promise<void>;

  /**
   * Begins to upload. Several files make one request to the server, so add
   * them together.
   */
  add(file: File, options?: AddOptions): Upload;
  add(files: Iterable<File | FileEntry> | ArrayLike<File | FileEntry>, options?: AddOptions): Upload[];

  /** The short form, for one file and one promise. Rejects with a {@link PartwayError}. */
  upload(
    file: File,
    options?: AddOptions & { onProgress?: (status: UploadStatus) => void },
  ): Promise<UploadResult>;

  /** All that were added and not removed, in their order. */
  readonly uploads: Upload[];
  /** Of the uploads that are or were last under way together. */
  readonly progress: OverallProgress;
  /** Cancels all that have not ended. */
  cancelAll(): void;
  /** Abandons everything at once and lets go of all resources. Cancel before, to remove what is stored. */
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
