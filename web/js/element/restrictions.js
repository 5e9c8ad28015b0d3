// What may be uploaded: said before anybody chooses, and checked before anything
// is sent. The server has rules of its own, and checks again.

const FACTORS = { k: 1, m: 2, g: 3, t: 4 };

// "50 MB", "2GiB" or a number of bytes; undefined where there is none.
export function parseSize(text) {
  if (text === null || text === undefined || text === "") return undefined;
  const [, number, prefix, binary] = /^\s*(\d+(?:\.\d+)?)\s*(?:([kmgt])?(i)?b?)?\s*$/i.exec(text) ?? [];
  if (number === undefined) return undefined;
  return Math.floor(Number(number) * (binary ? 1024 : 1000) ** (prefix ? FACTORS[prefix.toLowerCase()] : 0));
}

// One sentence for people; empty where everything may be uploaded.
export function describe({ accept, minSize, maxSize, maxFiles, maxTotal }, wording) {
  const sized = (key, size) => size !== undefined && wording.say(key, { size: wording.size(size) });
  const rules = wording.join([
    accept && wording.say("only", { types: wording.list([...new Set(tokens(accept).map((token) => nameOf(token, wording)))]) }),
    maxFiles > 1 && wording.say("maxFiles", { count: maxFiles }),
    sized("minSize", minSize),
    sized("maxSize", maxSize),
    sized("maxTotal", maxTotal),
  ]);
  return rules.charAt(0).toLocaleUpperCase(wording.tag) + rules.slice(1);
}

// Why a file may not be uploaded: `{ code, key, values }`, or undefined. `before` is what is there already.
export function objection(file, { accept, minSize, maxSize, maxFiles, maxTotal }, before, wording) {
  const refuse = (code, key, values) => ({ code, key, values: { name: file.name, ...values } });
  if (accept && !accepts(accept, file)) return refuse("type_refused", "typeRefused");
  if (file.size > maxSize) return refuse("file_too_large", "tooLarge", { size: wording.size(maxSize) });
  if (file.size < minSize) return refuse("file_too_small", "tooSmall", { size: wording.size(minSize) });
  if (before.count >= maxFiles) return refuse("too_many_files", "tooMany", { count: maxFiles });
  if (before.size + file.size > maxTotal) return refuse("total_too_large", "totalTooLarge", { size: wording.size(maxTotal) });
  return undefined;
}

// What browsers on most systems have no type for, by extension.
const UNTYPED = { heic: "image/heic", heif: "image/heif", hif: "image/heif" };

// The media type of a file, which is a guess where the browser says none.
export function typeOf({ name, type }) {
  return type || (UNTYPED[name.split(".").pop().toLowerCase()] ?? "");
}

// As `<input accept>` has it: extensions, media types, and media types with a `*`.
export function accepts(accept, file) {
  const { name } = file;
  const type = typeOf(file);
  return tokens(accept).some((token) => {
    if (token.startsWith(".")) return name.toLowerCase().endsWith(token);
    if (token === "*/*") return true;
    if (token.endsWith("/*")) return type.startsWith(token.slice(0, -1));
    return type.split(";")[0].trim() === token;
  });
}

function tokens(accept) {
  return accept.toLowerCase().split(",").map((token) => token.trim()).filter(Boolean);
}

// ".pdf" and "application/pdf" are both PDF; "image/*" has a word.
function nameOf(token, wording) {
  const [kind, subtype] = token.split("/");
  if (subtype === "*" && wording.has(kind)) return wording.say(kind);
  return (subtype ?? token).replace(/^\.|^x-/, "").toUpperCase();
}
