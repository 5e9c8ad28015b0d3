// Line drawings that the uploader does not have.

import { draw } from "../element/icons.js";

const SHAPES = {
  download: "M12 4v11.5m0 0L7.5 11m4.5 4.5 4.5-4.5M4.5 15v2.5a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2V15",
  save: "M5 4.5h11l3.5 3.5v11.5H5zM8.5 4.5v4.5H15V4.5M8.5 19.5v-6h7.5v6",
  link: "M10 14a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7L11.8 6.5M14 10a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7l1.3-1.3",
  delete: "M4.5 6.5h15M9.5 6V4h5v2M6.5 6.5l.8 13h9.4l.8-13M10 10.5l.3 5.5M14 10.5l-.3 5.5",
  refresh: "M18.5 12a6.5 6.5 0 1 1-1.9-4.6l1.9 1.9m0-4.3v4.3h-4.3",
  open: "M13.5 4.5h6v6M19.5 4.5l-8 8M10 5.5H5.5a1 1 0 0 0-1 1v12a1 1 0 0 0 1 1h12a1 1 0 0 0 1-1V14",
  up: "M12 19V5.5m0 0L6.5 11M12 5.5l5.5 5.5",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm4.7-1.8 4.8 4.8",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  next: "m9.5 6 6 6-6 6",
  lock: "M6 11h12v8.5H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
};

export function icon(name) {
  return draw(name, SHAPES[name]);
}
