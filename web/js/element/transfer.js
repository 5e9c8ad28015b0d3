// Takes files out of what was dropped, pasted or chosen: `{ files, empty, unreadable }`.

export function bringsFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

// The items are gone once the event is over, so all of them are taken at once, before anything is waited for.
export async function fromTransfer({ items }) {
  const chosen = [];
  const folders = [];
  for (const item of items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry?.();
    const file = item.getAsFile();
    // With a handle the upload can go on after a reload without the file being chosen again.
    const handle = item.getAsFileSystemHandle?.().catch(() => undefined);
    if (entry?.isDirectory) folders.push(entry);
    else if (file) chosen.push({ file, handle });
  }
  const found = await readable(chosen);
  if (folders.length === 0) return found;
  const { walk } = await import("./walk.js");
  const below = await walk(folders);
  return {
    files: [...found.files, ...below.files],
    empty: below.empty,
    unreadable: [...found.unreadable, ...below.unreadable],
  };
}

export function fromInput(input) {
  const files = Array.from(input.files, (file) => ({ file }));
  // So that the same file can be chosen again.
  input.value = "";
  return { files, empty: [], unreadable: [] };
}

// By the picker that gives handles. Resolves to undefined where it cannot be shown, as in a frame
// of another origin.
export async function fromPicker(options) {
  try {
    const handles = await showOpenFilePicker(options);
    const files = handles.map(async (handle) => ({ handle, file: await handle.getFile() }));
    return { files: await Promise.all(files), empty: [], unreadable: [] };
  } catch (error) {
    return error.name === "AbortError" ? { files: [], empty: [], unreadable: [] } : undefined;
  }
}

async function readable(chosen) {
  const files = [];
  const unreadable = [];
  for (const { file, handle } of chosen) {
    if (mayBeFolder(file) && !(await isReadable(file))) unreadable.push(file.name);
    else files.push({ file, handle: await handle });
  }
  return { files, empty: [], unreadable };
}

// Without webkitGetAsEntry(), a folder arrives as a File that has no type and the
// size of its entry on the disk, and that cannot be read.
function mayBeFolder(file) {
  return file.type === "" && file.size % 4096 === 0 && file.size < 1024 * 1024;
}

async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
