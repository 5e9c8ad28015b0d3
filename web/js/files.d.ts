// Kept by hand: the custom element <partway-files>.

import type { Texts } from "./element.js";
import type { DownloadResult } from "./download.js";
import type { PartwayError, UploaderOptions } from "./index.js";

export type { Texts };

/** A stored file. */
export interface StoredObject {
  key: string;
  /** What follows the last slash of the prefix that is shown. */
  name: string;
  /** In bytes. */
  size: number;
  etag: string;
  lastModified?: Date;
  /** Where it is not `STANDARD`. */
  storageClass?: string;
}

/** What can be done at a destination. */
export type Operation = "upload" | "get" | "list" | "delete" | "copy";

/** What the element tells. All of them but `error` bubble and cross shadows; `download` and `save` alone can be cancelled. */
export interface PartwayFilesEventMap {
  /** A folder is shown: its prefix. */
  open: CustomEvent<{ prefix: string }>;
  /** Other files are selected: all that are. */
  select: CustomEvent<{ objects: StoredObject[] }>;
  /** Files are about to be downloaded. `preventDefault()` leaves that to the page. */
  download: CustomEvent<{ objects: StoredObject[] }>;
  /** The user is about to choose where a file is saved. `preventDefault()` leaves that to the page. */
  save: CustomEvent<{ object: StoredObject }>;
  /** A file has been saved where the user has chosen. `object` is missing where an earlier page had begun it. */
  saved: CustomEvent<{ result: DownloadResult; object?: StoredObject }>;
  /** Files have been deleted. */
  delete: CustomEvent<{ objects: StoredObject[] }>;
  /** There is a link to a file, which whoever has it can read until it expires. */
  link: CustomEvent<{ object: StoredObject; url: string; expiresAt: Date }>;
  /** Something did not work, with a file or as a whole. It does not bubble, since a page's own errors do not either. */
  error: CustomEvent<{ error: PartwayError; object?: StoredObject }>;
}

/** The element's attributes, as HTML and JSX write them. */
export interface PartwayFilesAttributes {
  endpoint?: string | undefined;
  destination?: string | undefined;
  prefix?: string | undefined;
}

/**
 * `<partway-files endpoint="https://uploads.example">`: shows what is stored, and downloads, saves, passes on and deletes it, as far as
 * the server allows that.
 *
 * - Parts, for `::part()`: `root`, `notices`, `notice`, `link`, `problem`; `files`, `toolbar`, `path`, `path-list`, `step`, `filter`,
 *   `filter-input`, `action`; `stage`, `state`, `skeleton`, `retry`, `grid`, `head`, `sort`, `viewport`, `rows`, `row`, `pick`, `check`,
 *   `thumbnail`, `entry`, `name`, `row-actions`, `size`, `modified`; `toast`, `toast-text`, `undo`, `undo-text`, `undo-button`, `undo-time`; `foot`,
 *   `counts`, `foot-actions`, `quiet`, `waiting-bar`; `saves`, `saves-head`, `saves-title`, `saves-list`, `save`, `body`, `meta`, `save-size`,
 *   `status`, `speed`, `time-left`, `bar`, `bar-fill`, `more`, `error`, `error-text`, `actions`, `resume`.
 * - Custom properties: those of `<partway-uploader>`. Light and dark follow the page's `color-scheme`.
 * - The language is that of the nearest `lang`, else the browser's: ar, de, en, es, fr, ja or zh.
 */
export class PartwayFiles extends HTMLElement {
  /** The address of the Partway server. A relative one counts from the page's. */
  endpoint: string;
  /** The name of one of the server's destinations; empty for its default. */
  destination: string;
  /** What all keys begin with that are shown, such as `photos/`; empty for all that the caller may list. */
  prefix: string;

  /** See {@link UploaderOptions}. */
  headers: UploaderOptions["headers"];
  token: UploaderOptions["token"];
  credentials: UploaderOptions["credentials"];
  /** Texts in the place of some of the language's; see `files/languages/en.js` for their names. */
  texts: Texts | undefined;

  /** The prefix that is shown; undefined before anything is. */
  readonly currentPrefix: string | undefined;
  /** The files that are selected. */
  readonly selected: StoredObject[];
  /** What the caller may do at the destination; empty before the server has said so. */
  readonly allowed: Operation[];

  /** Shows what is in a folder. Resolves when the first of it can be seen, or when it is told why it cannot. */
  open(prefix: string): Promise<void>;
  /** Asks the server anew for what is shown. Resolves when that can be seen. */
  refresh(): Promise<void>;

  addEventListener<K extends keyof PartwayFilesEventMap>(
    type: K,
    listener: (this: PartwayFiles, event: PartwayFilesEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener<K extends keyof HTMLElementEventMap>(
    type: K,
    listener: (this: PartwayFiles, event: HTMLElementEventMap[K]) => void,
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
    "partway-files": PartwayFiles;
  }
}
