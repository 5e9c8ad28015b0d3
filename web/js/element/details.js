// What developers want to see of an upload that has arrived. Loaded when the
// element is asked to show details.

import { button, make } from "./dom.js";
import { icon } from "./icons.js";

export function facts({ result: { key, checksum }, file }, wording) {
  const fact = (label, value, part) => {
    const text = make("span", part, { title: value }, value);
    const name = wording.say("copyFact", { fact: label, name: file.name });
    const copyButton = button(
      "copy",
      { "aria-label": name, title: name, onclick: () => copy(copyButton, text, wording) },
      icon("copy"),
      icon("check"),
    );
    return make("div", "fact", {}, make("dt", "", {}, label), make("dd", "", {}, text, copyButton));
  };
  return make(
    "dl",
    "facts",
    {},
    fact(wording.say("key"), key, "key"),
    checksum && fact(checksum.algorithm, checksum.value, "checksum"),
  );
}

async function copy(button, text, wording) {
  try {
    await navigator.clipboard.writeText(text.textContent);
  } catch {
    // Not permitted, or no secure context: select it, so that a key press copies it.
    getSelection()?.selectAllChildren(text);
    return;
  }
  const label = button.title;
  button.title = wording.say("copied");
  button.toggleAttribute("data-copied", true);
  setTimeout(() => {
    button.title = label;
    button.toggleAttribute("data-copied", false);
  }, 1500);
}
