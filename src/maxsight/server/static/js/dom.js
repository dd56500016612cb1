// All elements are made here, never from strings of HTML, so that no text of a document can become markup.

/**
 * Make an element.
 *
 * @param {string} tag
 * @param {Object} attributes - `on` has event listeners. `style` has properties (the policy forbids the attribute).
 *   `false` and `null` leave an attribute out, `true` sets it empty.
 * @param {...(Node|string|null|false|Array)} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    else if (name === "style") place(made, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}

/** Set style properties of an element, custom ones too. */
export function place(target, properties) {
  for (const [name, value] of Object.entries(properties)) target.style.setProperty(name, value);
}

const SVG = "http://www.w3.org/2000/svg";

/** An icon. Screen readers skip it: give its meaning as text or in a label too. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

export const find = (selector) => document.querySelector(selector);

/** Announce a text to screen readers. */
export function announce(text) {
  find("#live").textContent = text;
}
