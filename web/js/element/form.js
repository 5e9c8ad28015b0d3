// The element's part in a form: the keys of what has arrived are its value, and
// nobody should send the form before that.

export class FormValue {
  #host;
  #internals;
  #custom = "";
  #keys = [];

  constructor(host, internals) {
    this.#host = host;
    this.#internals = internals;
  }

  set custom(message) {
    this.#custom = message;
  }

  // Whether the value has changed.
  update(uploads, wording, anchor) {
    const counts = { completed: [], failed: 0, moving: 0 };
    for (const { state, result } of uploads) {
      if (state === "completed") counts.completed.push(result.key);
      else if (state === "failed") counts.failed += 1;
      else if (state !== "cancelled") counts.moving += 1;
    }
    this.#setValidity(counts, wording, anchor);
    const keys = counts.completed;
    if (keys.length === this.#keys.length && keys.every((key, i) => key === this.#keys[i])) return false;
    this.#keys = keys;
    this.#internals.setFormValue(this.#data(keys));
    return true;
  }

  // One entry for each key, under the element's name, as a list of checkboxes has it.
  #data(keys) {
    const { name } = this.#host;
    if (!name || keys.length === 0) return null;
    const data = new FormData();
    for (const key of keys) data.append(name, key);
    return data;
  }

  #setValidity({ completed, failed, moving }, wording, anchor) {
    const { required } = this.#host;
    const say = (flags, message) => this.#internals.setValidity(flags, message, anchor);
    if (this.#custom) say({ customError: true }, this.#custom);
    else if (moving > 0) say({ customError: true }, wording.say("stillUploading"));
    else if (failed > 0) say({ customError: true }, wording.say("someFailed"));
    else if (required && completed.length === 0) say({ valueMissing: true }, wording.say("required"));
    else this.#internals.setValidity({});
  }
}
