// The style sheet of the list of stored files. The build gives its text.

import { sheet } from "../element/sheet.js";
import text from "./style.css";

export const styleSheet = sheet(text);
