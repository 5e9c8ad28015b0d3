// The style sheets, which all elements of a page share. The build makes a module of each.

import adapt from "./style/adapt.css.js";
import base from "./style/base.css.js";
import buttons from "./style/buttons.css.js";
import dropzone from "./style/dropzone.css.js";
import files from "./style/files.css.js";

let made;

export function styleSheets() {
  // The last ones win: what adapts to narrow places and to wishes of the user.
  made ??= [base, buttons, dropzone, files, adapt].map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  return made;
}
