// What the documentation of the package promises is what the engine gives, and what the engine takes. Compiled, never run.

import type * as engine from "./partway_web.js";
import type * as face from "./index.js";

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

export const all = [statuses, statusKeys, states, results, resultKeys, checksums, options];
