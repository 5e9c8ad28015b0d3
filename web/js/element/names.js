// Names of files, where there is little room.

import { make } from "./dom.js";

let segmenter;

// A name too long loses its middle, because both ends tell files apart. It has a direction of its own.
export function nameNode(name) {
  const [head, tail] = splitName(name);
  const text = make("bdi", "", {}, make("span", "name-head", {}, head), make("span", "name-tail", {}, tail));
  return make("p", "name", { title: name }, text);
}

// The head may be cut off on screen, the tail with the extension may not.
function splitName(name) {
  const letters = graphemes(name);
  const dot = letters.lastIndexOf(".");
  const extension = dot > 0 ? letters.length - dot : 0;
  const tail = Math.min(Math.max(extension + 4, 8), 14);
  // A cut within text that runs from right to left would swap its halves.
  if (letters.length <= tail * 2 || /[\u0590-\u08ff]/.test(name)) return [name, ""];
  return [letters.slice(0, -tail).join(""), letters.slice(-tail).join("")];
}

function graphemes(text) {
  if (!Intl.Segmenter) return [...text];
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
