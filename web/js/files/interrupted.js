// Whether an earlier page has left a download from a server that can go on. Only if it has are the engine and all else loaded that
// going on takes: most pages have nothing to go on with.

import { askJournal } from "../element/unfinished.js";

// `isOurs` is asked of objects, as `{ destination, key }`. What other tabs are writing counts too; that, the engine tells apart.
export async function hasInterrupted(endpoint, isOurs) {
  // Keys are an endpoint, a space and an id; "!" is what follows a space.
  const range = IDBKeyRange.bound(`${endpoint} `, `${endpoint}!`);
  const records = await askJournal("partway-downloads", "downloads", (store) => store.getAll(range));
  return records?.some(({ partial }) => partial?.object && isOurs(partial.object)) ?? false;
}
