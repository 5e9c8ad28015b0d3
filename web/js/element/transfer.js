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
    else chosen.push({ file, handle, name: entry?.name ?? "?" });
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
  // A folder without files brings nothing, not even its name.
  return { files, empty: input.webkitdirectory && files.length === 0 ? [""] : [], unreadable: [] };
}

// By the picker that gives handles. Resolves to undefined where it cannot be shown, as in a frame
// of another origin.
export async function fromPicker(options) {
  try {
    const handles = await showOpenFilePicker(options);
    const chosen = handles.map(async (handle) => ({ handle, name: handle.name, file: await handle.getFile().catch(() => null) }));
    return await readable(await Promise.all(chosen));
  } catch (error) {
    return error.name === "AbortError" ? { files: [], empty: [], unreadable: [] } : undefined;
  }
}

async function readable(chosen) {
  const files = [];
  const unreadable = [];
  for (const { file, handle, name } of chosen) {
    if (!file || (mayBeFolder(file) && !(await isReadable(file)))) unreadable.push(file?.name ?? name);
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
