// Goes through folders that were dropped. Loaded when the first one is.

// Resolves to `{ files, empty, unreadable }`: `{ file, path }` of all files below, and the names of folders
// without any, and of what could not be read.
export async function walk(folders) {
  const found = { files: [], empty: [], unreadable: [] };
  for (const folder of folders) {
    const before = found.files.length;
    await walkOne(folder, found);
    if (found.files.length === before) found.empty.push(folder.name);
  }
  return found;
}

async function walkOne(folder, found) {
  const open = [folder];
  while (open.length > 0) {
    const reader = open.pop().createReader();
    for (;;) {
      // Some hundred at a time, until there are none.
      const entries = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
      if (entries.length === 0) break;
      const files = entries.filter(({ isFile }) => isFile);
      const read = await Promise.all(files.map((entry) => fileOf(entry)));
      read.forEach((file, i) => {
        const path = files[i].fullPath.replace(/^\//, "");
        if (file) found.files.push({ file, path });
        else found.unreadable.push(path);
      });
      open.push(...entries.filter(({ isDirectory }) => isDirectory));
    }
  }
}

function fileOf(entry) {
  return new Promise((resolve) => entry.file(resolve, () => resolve(undefined)));
}
