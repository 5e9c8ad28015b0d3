// Which language an element speaks, and its wording in it. English is always there; another
// language's texts are loaded when they are needed.

import { Wording } from "./wording.js";

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

// At once where nothing has to be loaded, else a promise. `tables` load a language's texts, `own` are texts of the page's.
export function wordingOf(english, tables, tag, own) {
  const language = tag.split("-")[0].toLowerCase();
  const load = tables[language];
  if (!load) return speakEnglish(english, tag, language, own);
  return load().then(
    ({ default: texts }) => new Wording(tag, language, { ...english, ...texts, ...own }),
    (cause) => {
      console.warn(`Partway: the texts for ${tag} could not be loaded, so they are in English (${cause.message})`);
      return speakEnglish(english, "en", "en", own);
    },
  );
}

// Where the texts are English, so are the numbers, unless the page brings texts of its own.
function speakEnglish(english, tag, language, own) {
  const spoken = language === "en" || own ? tag : "en";
  return new Wording(spoken, spoken.split("-")[0], { ...english, ...own });
}
