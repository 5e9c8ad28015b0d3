// Partway for a web page: files of any size, straight to S3.
//
//   import { Uploader } from "https://uploads.example/widget/index.js";
//   const uploader = new Uploader({ endpoint: "https://uploads.example" });
//   const { key } = await uploader.upload(file);
//
// The types, with the unit and the bounds of everything, are in index.d.ts.

// All files are named here, so that a browser asks for all of them at once.
import "./connection.js";
import "./host.js";
import "./options.js";
import "./overall.js";
import "./transfer.js";
import "./updates.js";

export { PartwayError } from "./errors.js";
export { ResumableUpload } from "./resumable.js";
export { Upload } from "./upload.js";
export { Uploader } from "./uploader.js";
