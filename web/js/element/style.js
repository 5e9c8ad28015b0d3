// The uploader's style sheet. The build gives its text.

import { sheet } from "./sheet.js";
import text from "./style.css";

export const styleSheet = sheet(text);
