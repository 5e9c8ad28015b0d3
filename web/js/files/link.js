// Links that can be passed on.

// Resolves to `{ url, expiresAt, isCopied }`. It is not copied where the browser does not let it be.
export async function copyLink(server, destination, key) {
  const created = server.post("/v1/links", { destination: destination || undefined, key });
  const isCopied = await copy(created.then(({ url }) => url));
  const { url, expires_in: seconds } = await created;
  return { url, expiresAt: new Date(Date.now() + seconds * 1000), isCopied };
}

// A promise goes to the clipboard at once, because some browsers let nothing be copied a while after the click.
async function copy(text) {
  const { clipboard } = navigator;
  if (!clipboard) return false;
  try {
    if (globalThis.ClipboardItem && clipboard.write) {
      const blob = text.then((text) => new Blob([text], { type: "text/plain" }));
      // Who does not take it does not wait for it.
      blob.catch(() => {});
      await clipboard.write([new ClipboardItem({ "text/plain": blob })]);
      return true;
    }
  } catch {
    // Not with a promise, or not at all.
  }
  try {
    await clipboard.writeText(await text);
    return true;
  } catch {
    return false;
  }
}
