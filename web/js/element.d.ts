// Kept by hand, beside index.d.ts: the custom element <partway-uploader>.

import type {
  OverallProgress,
  PartwayError,
  Upload,
  Uploader,
  UploaderOptions,
  UploadResult,
  UploadState,
} from "./index.js";

/** A file, with the path that it has within its folder. */
export interface ChosenFile {
  /** A Blob is called `name`, or `blob`. */
  file: File | Blob;
  name?: string;
  path?: string;
  /** With it the upload goes on after a reload without the file being chosen again. */
  handle?: FileSystemFileHandle;
}

/** Why a file was left out. */
export type RefusalCode =
  | "type_refused"
  | "file_too_large"
  | "file_too_small"
  | "too_many_files"
  | "total_too_large"
  | "duplicate"
  | "refused_by_page";

/** What the element tells. All of them bubble and cross shadows; none but the first can be cancelled. */
export interface PartwayUploaderEventMap {
  /** A file that fits the restrictions came in. `preventDefault()` leaves it out. */
  "before-file-added": CustomEvent<{ file: File; path?: string }>;
  "file-added": CustomEvent<{ upload: Upload; file: File; path?: string }>;
  /** A file was left out; `message` is what people are told. */
  "file-refused": CustomEvent<{ file: File; path?: string; code: RefusalCode; message: string }>;
  "file-statechange": CustomEvent<{ upload: Upload; state: UploadState; previous: UploadState }>;
  /** At most ten times per second, with the uploads that moved. */
  progress: CustomEvent<{ uploads: Upload[]; progress: OverallProgress }>;
  "file-completed": CustomEvent<{ upload: Upload; result: UploadResult }>;
  "file-failed": CustomEvent<{ upload: Upload; error: PartwayError }>;
  "file-cancelled": CustomEvent<{ upload: Upload }>;
  /** An upload left the list. */
  "file-removed": CustomEvent<{ upload: Upload }>;
  /** Everything has ended, one way or the other: all in the list, by how. */
  completed: CustomEvent<{ completed: Upload[]; failed: Upload[]; cancelled: Upload[] }>;
  /** `value` has changed. */
  change: CustomEvent<null>;
}

/** The element's attributes, as HTML and JSX write them. Sizes are bytes, or such as `50 MB`. */
export interface PartwayUploaderAttributes {
  endpoint?: string | undefined;
  destination?: string | undefined;
  start?: "auto" | "manual" | undefined;
  accept?: string | undefined;
  "min-size"?: number | string | undefined;
  "max-size"?: number | string | undefined;
  "max-total"?: number | string | undefined;
  "max-files"?: number | string | undefined;
  capture?: boolean | "user" | "environment" | undefined;
  folders?: boolean | undefined;
  "drop-anywhere"?: boolean | undefined;
  details?: boolean | undefined;
  name?: string | undefined;
  required?: boolean | undefined;
  disabled?: boolean | undefined;
}

/** Texts of a language: each a sentence with `{names}` for values, or its forms after `Intl.PluralRules`. */
export type Texts = Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>;

/**
 * `<partway-uploader endpoint="https://uploads.example">`: takes files in, and uploads them.
 *
 * Properties reflect the attributes of the same name, with dashes in the place of capitals. Sizes are bytes, or
 * such as `50 MB` (1,000s) and `50 MiB` (1,024s) in attributes.
 *
 * - Slots: `icon`, `title`, `hint` and `choose` in the place where files come in; `footer` below all.
 * - Parts, for `::part()`: `root`, `dropzone`, `dropzone-icon`, `dropzone-text`, `title`, `restrictions`, `ways`, `choose`,
 *   `choose-folder`, `camera`, `veil`; `notices`, `notice`, `problem`; `resumables`, `resumable`, `resume`; `queue`, `summary`,
 *   `summary-head`, `summary-title`, `summary-actions`, `start`, `quiet`; `viewport`, `list`, `row`, `thumbnail`, `body`, `name`,
 *   `meta`, `size`, `status`, `speed`, `time-left`, `parts`, `bar`, `bar-fill`, `actions`, `action`, `error`, `error-text`,
 *   `retry`, `facts`, `fact`, `key`, `checksum`, `copy`.
 * - Custom properties: `--partway-accent`, `--partway-on-accent`, `--partway-surface`, `--partway-sunken`, `--partway-text`,
 *   `--partway-muted`, `--partway-line`, `--partway-strong-line`, `--partway-good`, `--partway-bad`, `--partway-warn`,
 *   `--partway-radius`, `--partway-font`, `--partway-mono`, `--partway-list-size` (how tall the list grows before it
 *   scrolls). Light and dark follow the page's `color-scheme`.
 * - The language is that of the nearest `lang`, else the browser's: ar, de, en, es, fr, ja or zh.
 */
export class PartwayUploader extends HTMLElement {
  static readonly formAssociated: true;

  /** The address of the Partway server. A relative one counts from the page's. */
  endpoint: string;
  /** The name of one of the server's destinations; empty for its default. */
  destination: string;
  /** `auto`, or `manual` for uploads that wait for {@link upload} or a click. Unless given, `auto`. */
  start: "auto" | "manual" | "";
  /** As of `<input type="file">`: extensions and media types, separated by commas. */
  accept: string;
  /** The least and the most bytes of a file. */
  get minSize(): number | undefined;
  set minSize(size: number | string | null | undefined);
  get maxSize(): number | undefined;
  set maxSize(size: number | string | null | undefined);
  /** The most bytes of all files together. */
  get maxTotal(): number | undefined;
  set maxTotal(size: number | string | null | undefined);
  get maxFiles(): number | undefined;
  set maxFiles(count: number | null | undefined);
  /** Offers the camera: `user`, `environment`, or empty for either. Null without. */
  capture: string | null;
  /** Offers to choose a folder. Folders can be dropped without it, too. */
  folders: boolean;
  /** Takes what is dropped and pasted anywhere on the page. */
  dropAnywhere: boolean;
  /** Shows parts, keys and checksums. */
  details: boolean;
  disabled: boolean;

  /** Under this name a form sends the keys of what has arrived, one entry for each. */
  name: string;
  /** Whether a form needs a file. It is never valid while files are under way or have failed. */
  required: boolean;
  readonly form: HTMLFormElement | null;
  readonly labels: NodeList;
  readonly validity: ValidityState;
  readonly validationMessage: string;
  readonly willValidate: boolean;
  checkValidity(): boolean;
  reportValidity(): boolean;
  setCustomValidity(message: string): void;

  /** See {@link UploaderOptions}. To be set before the first file comes in, as are the next two. */
  options: Partial<Omit<UploaderOptions, "endpoint">>;
  headers: UploaderOptions["headers"];
  token: UploaderOptions["token"];
  /** Texts in the place of some of the language's; see `languages/en.js` for their names. */
  texts: Texts | undefined;
  /** The element's, or one of the page's own, which the element then shows and never closes. */
  get uploader(): Uploader | undefined;
  set uploader(uploader: Uploader);

  /** All in the list. */
  readonly uploads: Upload[];
  /** What has arrived, and its keys. */
  readonly results: UploadResult[];
  readonly value: string[];

  /**
   * Takes files as if they had been dropped: duplicates and what does not fit the restrictions are left out. Rejects with a
   * TypeError when it is given anything else, and with `closed` while it is not on the page or not set up.
   */
  add(
    files: File | Blob | ChosenFile | Iterable<File | Blob | ChosenFile> | ArrayLike<File | Blob | ChosenFile>,
  ): Promise<void>;
  /** Opens the picker. Browsers want a click for it. */
  choose(): void;
  /** Begins all that wait for a start. */
  upload(): void;
  pause(): void;
  resume(): void;
  cancel(): void;
  /** Takes what is completed or cancelled off the list. */
  clear(): void;

  addEventListener<K extends keyof PartwayUploaderEventMap>(
    type: K,
    listener: (this: PartwayUploader, event: PartwayUploaderEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener<K extends keyof HTMLElementEventMap>(
    type: K,
    listener: (this: PartwayUploader, event: HTMLElementEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "partway-uploader": PartwayUploader;
  }
}
