// The question before the page is left. A download begins like a navigation, and only its answer tells the browser that the page
// stays; so whoever begins one says so, and nobody is asked.

// Milliseconds in which a click has long been obeyed.
const OBEYED = 1000;

let downloadsUntil = 0;

// Asks while `isBusy` says so, until the signal ends it.
export function askBeforeLeaving(isBusy, signal) {
  const ask = (event) => performance.now() > downloadsUntil && isBusy() && event.preventDefault();
  addEventListener("beforeunload", ask, { signal });
}

export function expectDownload() {
  downloadsUntil = performance.now() + OBEYED;
}
