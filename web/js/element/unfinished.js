// Whether an earlier page has left something that can go on. It looks into an engine's journal without the engine, which is loaded
// only if there is.

export async function hasUnfinished() {
  return (await askJournal("partway", "uploads", (store) => store.count())) > 0;
}

// What `ask` asks of a journal's store; undefined where there is no journal.
export async function askJournal(database, store, ask) {
  // Opening a database that is not there would make it.
  const databases = (await globalThis.indexedDB?.databases?.()) ?? [];
  if (!databases.some(({ name }) => name === database)) return undefined;
  const journal = await answer(indexedDB.open(database));
  try {
    if (!journal.objectStoreNames.contains(store)) return undefined;
    return await answer(ask(journal.transaction(store).objectStore(store)));
  } finally {
    journal.close();
  }
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
