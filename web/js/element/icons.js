// Line drawings on a grid of 24, in the colour of the text around them.

import { typeOf } from "./restrictions.js";

const SHAPES = {
  camera: "M4 8h3.5l1.5-2.5h6L16.5 8H20v11H4zM12 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Z",
  folder: "M3.5 6h6l2 2.5h9v10.5h-17z",
  warning: "M12 4 3 19.5h18zM12 10v4.5M12 17h.01",
  upload: "M12 16V4.5m0 0L7.5 9M12 4.5 16.5 9M4.5 15v2.5a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2V15",
  close: "m7 7 10 10M17 7 7 17",
  pause: "M9 6.5v11M15 6.5v11",
  play: "M8.5 6v12l9-6z",
  retry: "M18.5 12a6.5 6.5 0 1 1-1.9-4.6l1.9 1.9m0-4.3v4.3h-4.3",
  copy: "M9 9h9.5v10.5H9zM15 9V4.5H5.5V15H9",
  check: "m5.5 12.5 4 4 9-9.5",
  image: "M4.5 5.5h15v13h-15zM4.5 15.5l4-4 4 4 2.5-2.5 4.5 4.5M15 9h.01",
  video: "M4 6.5h11v11H4zM15 10.5l5-2.5v8l-5-2.5",
  audio: "M9 17V6l10-2v11M9 17a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0Zm10-2a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0Z",
  archive: "M4 5h16v4H4zM5.5 9v10h13V9M10 13h4",
  text: "M6 3.5h8l4 4v13H6zM14 3.5v4h4M9 12h6M9 15.5h6",
  code: "m8.5 8-4 4 4 4m7-8 4 4-4 4M13.5 5.5l-3 13",
  data: "M5 6.5c0 3.3 14 3.3 14 0s-14-3.3-14 0v11c0 3.3 14 3.3 14 0v-11M5 12c0 3.3 14 3.3 14 0",
  file: "M6 3.5h8l4 4v13H6zM14 3.5v4h4",
};

const EXTENSIONS = {
  archive: "7z br bz2 dmg gz iso jar rar tar tgz xz zip zst",
  code: "c cpp css go h html java js json jsx kt php py rb rs sh sql swift toml ts tsx wasm xml yaml yml",
  data: "arrow avro bam csv db fasta fastq h5 hdf5 img nc npy orc parquet pcap qcow2 sqlite tsv vcf vmdk",
  text: "doc docx epub key md numbers odp ods odt pages pdf ppt pptx rtf txt xls xlsx",
};
const KINDS = new Map(
  Object.entries(EXTENSIONS).flatMap(([kind, list]) => list.split(" ").map((extension) => [extension, kind])),
);

export function icon(name) {
  return draw(name, SHAPES[name]);
}

// `shape` is the path of a drawing.
export function draw(name, shape) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon icon-${name}`);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", shape);
  svg.append(path);
  return svg;
}

// Which drawing stands for a file.
export function kindOf(file) {
  const [type] = typeOf(file).split("/");
  if (type === "image" || type === "video" || type === "audio") return type;
  const extension = file.name.slice(file.name.lastIndexOf(".") + 1).toLowerCase();
  return KINDS.get(extension) ?? (type === "text" ? "text" : "file");
}
