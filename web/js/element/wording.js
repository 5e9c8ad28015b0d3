// Says things in one language: its texts, and its numbers, sizes and times. The
// texts are tables of `../languages`, or what a page gives in their place.

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
const RIGHT_TO_LEFT = ["ar"];

export class Wording {
  #texts;
  #plurals;
  #formats = new Map();

  // `tag` is the language as the page asks for it, such as de-AT: it decides how numbers look.
  constructor(tag, language, texts) {
    this.tag = tag;
    this.language = language;
    this.direction = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
    this.#texts = texts;
    this.#plurals = new Intl.PluralRules(tag);
  }

  // `{name}` in a text stands for a value. A text with several forms is chosen by `count`.
  say(key, values = {}) {
    let text = this.#texts[key] ?? key;
    if (typeof text === "object") text = text[this.#plurals.select(values.count)] ?? text.other;
    return text.replace(/\{(\w+)\}/g, (whole, name) => {
      const value = values[name];
      if (value === undefined) return whole;
      return typeof value === "number" ? this.number(value) : value;
    });
  }

  has(key) {
    return key in this.#texts;
  }

  number(value) {
    return this.#format({}).format(value);
  }

  // At most three digits that matter: "1.25 MB", "12.5 MB", "125 MB". As on disks, 1 kB is 1,000 bytes.
  size(bytes) {
    const step = scale(bytes);
    return this.#inUnit(bytes, step, UNITS[step], { maximumFractionDigits: digitsOf(bytes, step) });
  }

  // "12.5 of 60 MB": one unit and always as many digits, so that the numbers compare and do not jump.
  progress(done, size) {
    const step = scale(size);
    const digits = digitsOf(size, step);
    const fixed = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return this.say("doneOf", { done: this.#inUnit(done, step, undefined, fixed), size: this.size(size) });
  }

  // Rounded down: "100%" is what is whole.
  percent(fraction) {
    return this.#format({ style: "percent" }).format(Math.floor(fraction * 100) / 100);
  }

  speed(bytesPerSecond) {
    const bytes = Math.max(0, Math.round(bytesPerSecond));
    const step = Math.max(1, scale(bytes));
    const digits = digitsOf(bytes, step);
    const fixed = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return this.#inUnit(bytes, step, `${UNITS[step]}-per-second`, fixed);
  }

  // Coarse enough not to flicker, in the two largest units that matter.
  duration(seconds) {
    if (seconds < 10) return this.#time([Math.max(1, Math.ceil(seconds)), "second"]);
    if (seconds < 55) return this.#time([Math.ceil(seconds / 5) * 5, "second"]);
    const minutes = Math.ceil(seconds / 60);
    if (minutes < 60) return this.#time([minutes, "minute"]);
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return this.#time([hours, "hour"], [minutes % 60, "minute"]);
    return this.#time([Math.floor(hours / 24), "day"], [hours % 24, "hour"]);
  }

  date(date) {
    return new Intl.DateTimeFormat(this.tag, { dateStyle: "medium" }).format(date);
  }

  list(items) {
    return new Intl.ListFormat(this.tag, { type: "conjunction" }).format(items);
  }

  // Short facts, side by side.
  join(items) {
    return items.filter(Boolean).join(" · ");
  }

  #time(...parts) {
    const texts = parts.map(([value, unit]) => this.#format({ style: "unit", unit, unitDisplay: "short" }).format(value));
    return texts.join(" ");
  }

  #inUnit(bytes, step, unit, digits) {
    const style = unit && { style: "unit", unit, unitDisplay: unit === "byte" ? "long" : "short" };
    return this.#format({ ...style, ...digits }).format(bytes / 1000 ** step);
  }

  #format(options) {
    const key = JSON.stringify(options);
    if (!this.#formats.has(key)) this.#formats.set(key, new Intl.NumberFormat(this.tag, options));
    return this.#formats.get(key);
  }
}

function digitsOf(bytes, step) {
  const value = bytes / 1000 ** step;
  if (step === 0 || value >= 99.95) return 0;
  return value < 9.995 ? 2 : 1;
}

function scale(bytes) {
  if (bytes < 1000) return 0;
  return Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
}
