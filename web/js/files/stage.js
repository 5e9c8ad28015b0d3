// What stands in the place of the rows where there are none: that they are loaded, that there is nothing, or why they cannot be shown.

import { button, make } from "../element/dom.js";
import { icon as commonIcon } from "../element/icons.js";
import { icon } from "./icons.js";

const SKELETONS = 5;

// Each gives the nodes of a state.
export const STATES = {
  loading: ({ wording }) => [
    make("span", "hidden", {}, wording.say("loading")),
    ...Array.from({ length: SKELETONS }, () => make("div", "skeleton", { "aria-hidden": "true" })),
  ],
  empty: ({ wording, isRoot }) => [commonIcon("folder"), make("p", "", {}, wording.say(isRoot ? "empty" : "emptyFolder"))],
  unmatched: ({ wording, text, isComplete }) => [icon("search"), make("p", "", {}, wording.say(isComplete ? "noMatch" : "noMatchYet", { text }))],
  forbidden: ({ wording }) => [icon("lock"), make("p", "", {}, wording.say("notAllowed"))],
  failed: ({ wording, sentence, onRetry }) => [
    commonIcon("warning"),
    make("p", "", {}, wording.say(sentence)),
    button("retry", { "data-command": "retry", onclick: onRetry }, commonIcon("retry"), wording.say("retry")),
  ],
};
