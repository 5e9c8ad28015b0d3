// Names of files, where there is little room.

// The head may be cut off on screen, the tail with the extension may not.
export function splitName(name) {
  const letters = graphemes(name);
  const dot = letters.lastIndexOf(".");
  const extension = dot > 0 ? letters.length - dot : 0;
  const tail = Math.min(Math.max(extension + 4, 8), 14);
  // A cut within text that runs from right to left would swap its halves.
  if (letters.length <= tail * 2 || /[\u0590-\u08ff]/.test(name)) return [name, ""];
  return [letters.slice(0, -tail).join(""), letters.slice(-tail).join("")];
}

function graphemes(text) {
  if (!Intl.Segmenter) return [...text];
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}
