// Whether an earlier page has left something that can be resumed. It looks into the
// engine's journal without the engine, which is loaded only if there is.

export async function hasUnfinished() {
  // Opening a database that is not there would make it.
  const databases = (await globalThis.indexedDB?.databases?.()) ?? [];
  if (!databases.some(({ name }) => name === "partway")) return false;
  const database = await answer(indexedDB.open("partway"));
  try {
    if (!database.objectStoreNames.contains("uploads")) return false;
    return (await answer(database.transaction("uploads").objectStore("uploads").count())) > 0;
  } finally {
    database.close();
  }
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
