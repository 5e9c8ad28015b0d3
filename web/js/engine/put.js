// One slice on its way to the store: as a PUT, or as a form for small files.
//
// By XMLHttpRequest, since fetch tells nothing of a body on its way. The body is a Blob:
// the browser reads it from disk as it sends it, and it never enters memory here.

import { seconds } from "./server.js";

export class Put {
  #xhr = new XMLHttpRequest();

  // Calls `moved` with how many bytes have left, and `ended` once with what came of it. Throws where the
  // browser refuses to send it.
  constructor({ url, headers, form }, body, moved, ended) {
    const xhr = this.#xhr;
    // One event for load, error, abort and timeout: Safari fires `abort` where others fire
    // `error` when the network goes.
    xhr.onloadend = () => ended(outcome(xhr));
    if (form) {
      // No header and no upload listener, either of which would cost a preflight
      // (https://fetch.spec.whatwg.org/#cors-preflight-fetch).
      const fields = new FormData();
      for (const [name, value] of Object.entries(form)) fields.append(name, value);
      fields.append("file", body);
      xhr.open("POST", url);
      xhr.send(fields);
    } else {
      xhr.open("PUT", url);
      for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
      xhr.upload.onprogress = ({ loaded }) => moved(loaded);
      xhr.send(body);
    }
  }

  // Cuts it off; nothing more is heard of it.
  stop() {
    this.#xhr.upload.onprogress = this.#xhr.onloadend = null;
    this.#xhr.abort();
  }
}

function outcome(xhr) {
  const { status } = xhr;
  if (status === 0) return { failure: "none" };
  const header = (name) => xhr.getResponseHeader(name);
  if (status >= 200 && status < 300) {
    // The answer to a form names the ETag in its body, whatever CORS exposes.
    return { status, etag: header("ETag") ?? element(xhr, "ETag")?.replaceAll("&quot;", "") };
  }
  const [code, detail] = [element(xhr, "Code"), element(xhr, "Message")];
  return { status, code, detail, retryAfter: seconds(header("Retry-After")) };
}

// The text of an element of S3's documents, which have no attributes and no nesting here.
function element({ responseText }, name) {
  return responseText.match(new RegExp(`<${name}>(.*?)</`, "s"))?.[1];
}
