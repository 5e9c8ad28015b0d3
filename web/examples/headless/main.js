import { PartwayError, Uploader } from "partway";

const uploader = new Uploader({ endpoint: "http://127.0.0.1:8080" });
const find = (selector) => document.querySelector(selector);

find("input").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  const cancelling = new AbortController();
  find("button").disabled = false;
  find("button").onclick = () => cancelling.abort();
  try {
    const { key, verified } = await uploader.upload(file, {
      signal: cancelling.signal,
      onProgress: ({ uploaded, size }) => {
        find("progress").value = size > 0 ? uploaded / size : 1;
      },
    });
    find("output").textContent = `${key}, verified by ${verified}`;
  } catch (error) {
    if (!(error instanceof PartwayError)) throw error;
    find("output").textContent = error.message;
  }
  find("button").disabled = true;
});
