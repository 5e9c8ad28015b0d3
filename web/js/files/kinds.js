// What a stored file is, as far as its name tells: listings have no media types.

import { kindOf as kindOfFile } from "../element/icons.js";

const EXTENSIONS = {
  image: "avif bmp gif heic heif ico jpeg jpg png svg tif tiff webp",
  video: "avi m4v mkv mov mp4 mpeg mpg ogv webm wmv",
  audio: "aac aif aiff flac m4a mid mp3 oga ogg opus wav wma",
};
const KINDS = new Map(Object.entries(EXTENSIONS).flatMap(([kind, list]) => list.split(" ").map((extension) => [extension, kind])));
// What browsers decode. A drawing in SVG is left out: it can load and run what it likes.
const SHOWN = "avif bmp gif ico jpeg jpg png webp".split(" ");

function extensionOf(name) {
  return name.slice(name.lastIndexOf(".") + 1).toLowerCase();
}

// The name of a drawing.
export function kindOf(name) {
  return KINDS.get(extensionOf(name)) ?? kindOfFile({ name, type: "" });
}

export function isPicture(name) {
  return SHOWN.includes(extensionOf(name));
}
