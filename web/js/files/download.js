// Hands files to the browser's own download manager, which resumes them and keeps nothing in the page.

import { expectDownload } from "../element/leaving.js";
import { nameOf, sign } from "./signing.js";

// Milliseconds between two files: a browser gives up a navigation that has not become a download when the next one begins.
const INTERVAL = 1200;

// Resolves to the errors of those that could not be downloaded, as `{ key, error }`. The server looks at each object before it signs,
// so that no page of errors takes the place of the page.
export async function downloadAll(server, destination, keys, signal) {
  const how = (key) => ({ disposition: "attachment", filename: nameOf(key) });
  const results = await sign(server, destination, keys, how, signal);
  const failed = [];
  let isFirst = true;
  for (const [i, { url, error }] of results.entries()) {
    if (error) {
      failed.push({ key: keys[i], error });
      continue;
    }
    if (!isFirst) await new Promise((resolve) => setTimeout(resolve, INTERVAL));
    if (signal?.aborted) break;
    isFirst = false;
    download(url, nameOf(keys[i]));
  }
  return failed;
}

// To an attachment, so the page stays where it is.
function download(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.rel = "noreferrer";
  link.hidden = true;
  expectDownload();
  document.body.append(link);
  link.click();
  link.remove();
}
