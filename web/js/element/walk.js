// Goes through folders that were dropped. Loaded when the first one is.

// Resolves to `{ files, empty, unreadable }`: `{ file, path }` of all files below, and the names of folders
// without any, and of what could not be read.
export async function walk(folders) {
  const found = { files: [], empty: [], unreadable: [] };
  for (const folder of folders) {
    const before = found.files.length + found.unreadable.length;
    await walkOne(folder, found);
    if (found.files.length + found.unreadable.length === before) found.empty.push(folder.name);
  }
  return found;
}

async function walkOne(folder, found) {
  const open = [folder];
  while (open.length > 0) {
    const at = open.pop();
    const reader = at.createReader();
    for (;;) {
      // Some hundred at a time, until there are none.
      const entries = await new Promise((resolve) => reader.readEntries(resolve, () => resolve(undefined)));
      if (!entries) found.unreadable.push(pathOf(at));
      if (!entries?.length) break;
      const files = entries.filter(({ isFile }) => isFile);
      const read = await Promise.all(files.map((entry) => fileOf(entry)));
      read.forEach((file, i) => {
        const path = pathOf(files[i]);
        if (file) found.files.push({ file, path });
        else found.unreadable.push(path);
      });
      open.push(...entries.filter(({ isDirectory }) => isDirectory));
    }
  }
}

function pathOf({ fullPath }) {
  return fullPath.replace(/^\//, "");
}

function fileOf(entry) {
  return new Promise((resolve) => entry.file(resolve, () => resolve(undefined)));
}
