// A style sheet that all elements of a page share.

// Gives a function that makes it of its text, once.
export function sheet(text) {
  let made;
  return () => {
    if (!made) {
      made = new CSSStyleSheet();
      made.replaceSync(text);
    }
    return made;
  };
}
