// The style sheet, which all elements of a page share. The build gives its text.

import text from "./style.css";

let made;

export function styleSheet() {
  if (!made) {
    made = new CSSStyleSheet();
    made.replaceSync(text);
  }
  return made;
}
