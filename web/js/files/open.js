// Shows a file in a tab of its own, as far as browsers show files of its type; they download the others.

import { sign } from "./signing.js";

// To be called by a click: the tab is opened at once, since browsers allow it only then.
export async function openInTab(server, destination, key) {
  const tab = globalThis.open("", "_blank");
  if (tab) tab.opener = null;
  try {
    const [{ url, error }] = await sign(server, destination, [key], () => ({ disposition: "inline" }));
    if (error) throw error;
    if (tab) tab.location.replace(url);
    else globalThis.open(url, "_blank", "noopener,noreferrer");
  } catch (error) {
    tab?.close();
    throw error;
  }
}
