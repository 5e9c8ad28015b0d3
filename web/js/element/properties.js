// Properties of elements.

// Gives a class properties that reflect attributes: `{ property: "attribute" }`, read by `read`.
export function reflect({ prototype }, table, read) {
  for (const [property, attribute] of Object.entries(table)) {
    Object.defineProperty(prototype, property, {
      configurable: true,
      enumerable: true,
      get() {
        return read(this.getAttribute(attribute));
      },
      set(value) {
        if (value === null || value === undefined || value === false) this.removeAttribute(attribute);
        else this.setAttribute(attribute, value === true ? "" : value);
      },
    });
  }
}

// Properties that were set before the element was defined lie in front of those of the class.
export function adopt(element, { prototype }) {
  for (const name of Object.keys(element)) {
    if (!(name in prototype)) continue;
    const value = element[name];
    delete element[name];
    element[name] = value;
  }
}
