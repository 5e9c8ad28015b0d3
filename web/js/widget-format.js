// Numbers for people. Sizes are in binary units, as S3 counts them.

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

// In the page's language, as the words around the numbers are.
const locale = () => document.documentElement.lang || undefined;
const formats = new Map();

function format(options) {
  const key = `${locale()} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(locale(), options));
  return formats.get(key);
}

export function formatCount(count) {
  return format({}).format(count);
}

// Three significant digits: "1.25 MiB", "12.5 MiB", "125 MiB".
export function formatBytes(bytes) {
  const unit = unitOf(bytes);
  return `${formatIn(bytes, unit)} ${bytes === 1 ? "byte" : UNITS[unit]}`;
}

// "12.5 of 125 MiB": one unit, so that the numbers compare.
export function formatProgress(done, size, words) {
  return words.doneOf(formatIn(done, unitOf(size)), formatBytes(size));
}

export function formatSpeed(bytesPerSecond) {
  return `${formatBytes(Math.max(0, Math.round(bytesPerSecond)))}/s`;
}

// Coarse enough not to flicker, in the two largest units that matter.
export function formatDuration(seconds) {
  if (seconds < 10) return unit("second", Math.max(1, Math.ceil(seconds)));
  if (seconds < 55) return unit("second", Math.ceil(seconds / 5) * 5);
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return unit("minute", minutes);
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${unit("hour", hours)} ${unit("minute", minutes % 60)}`;
  return `${unit("day", Math.floor(hours / 24))} ${unit("hour", hours % 24)}`;
}

// The head may be cut off on screen, the tail with the extension may not.
export function splitName(name) {
  const letters = [...graphemes(name)];
  const dot = letters.lastIndexOf(".");
  const extension = dot > 0 ? letters.length - dot : 0;
  const tail = Math.min(Math.max(extension + 4, 8), 14);
  // A cut within text that runs from right to left would swap its halves.
  if (letters.length <= tail * 2 || /[\u0590-\u08ff]/.test(name)) return [name, ""];
  return [letters.slice(0, -tail).join(""), letters.slice(-tail).join("")];
}

function unitOf(bytes) {
  if (bytes < 1024) return 0;
  return Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
}

function formatIn(bytes, unit) {
  const value = bytes / 1024 ** unit;
  const digits = unit === 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;
  return format({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

function unit(name, value) {
  return format({ style: "unit", unit: name, unitDisplay: "short" }).format(value);
}

function graphemes(text) {
  if (!Intl.Segmenter) return text;
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}
