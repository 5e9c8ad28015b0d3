// Where the uploader's texts are.

import english from "../languages/en.js";
import { wordingOf } from "./locale.js";

// Written out, because bundlers follow only addresses that they can read.
const TABLES = {
  ar: () => import("../languages/ar.js"),
  de: () => import("../languages/de.js"),
  es: () => import("../languages/es.js"),
  fr: () => import("../languages/fr.js"),
  ja: () => import("../languages/ja.js"),
  zh: () => import("../languages/zh-CN.js"),
};

// At once where nothing has to be loaded, else a promise. `own` are texts of the page's.
export function wordingIn(tag, own) {
  return wordingOf(english, TABLES, tag, own);
}
