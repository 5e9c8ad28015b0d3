// Which language the element speaks, and where its texts are. English is always
// there; another one is loaded when it is needed.

import english from "../languages/en.js";
import { Wording } from "./wording.js";

// Written out, because bundlers follow only addresses that they can read.
const TABLES = {
  ar: () => import("../languages/ar.js"),
  de: () => import("../languages/de.js"),
  es: () => import("../languages/es.js"),
  fr: () => import("../languages/fr.js"),
  ja: () => import("../languages/ja.js"),
  zh: () => import("../languages/zh-CN.js"),
};

// The language of the page where the element is; else the user's.
export function languageOf(element) {
  for (let node = element; node; node = node.getRootNode().host) {
    const tag = node.closest("[lang]")?.lang;
    if (tag) return isTag(tag) ? tag : "en";
  }
  return navigator.language || "en";
}

function isTag(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch {
    return false;
  }
}

// At once where nothing has to be loaded, else a promise. `own` are texts of the page's.
export function wordingIn(tag, own) {
  const language = tag.split("-")[0].toLowerCase();
  const load = TABLES[language];
  if (!load) return speakEnglish(tag, language, own);
  return load().then(
    ({ default: texts }) => new Wording(tag, language, { ...english, ...texts, ...own }),
    (cause) => {
      console.warn(`Partway: the texts for ${tag} could not be loaded, so they are in English (${cause.message})`);
      return speakEnglish("en", "en", own);
    },
  );
}

// Where the texts are English, so are the numbers, unless the page brings texts of its own.
function speakEnglish(tag, language, own) {
  const spoken = language === "en" || own ? tag : "en";
  return new Wording(spoken, spoken.split("-")[0], { ...english, ...own });
}
