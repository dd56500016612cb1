// The text of a page, transparent over its picture, so that it can be selected and copied.

import { element } from "../dom.js";

/** Width of the text's own coordinates; it is scaled to the width of the sheet. */
export const UNITS = 1000;
const FONT_PX = 20;
const pen = document.createElement("canvas").getContext("2d");
pen.font = `${FONT_PX}px sans-serif`;

/** @param {Array} words - The words of a page in reading order. @param {number} ratio - Its width by its height. */
export function textLayer(words, ratio) {
  const parts = words.flatMap(({ text, region, more }) => (region ? pieces(text, [region, ...more]) : []));
  const layer = element("div", { class: "text" });
  let before = null;
  for (const { text, region, ends } of parts) {
    if (before && isNewLine(before, region)) layer.append(element("br"));
    layer.append(word(text, region, ratio, ends));
    before = region;
  }
  return layer;
}

/** A word that is divided between lines, in parts as long as their boxes are wide. */
function pieces(text, regions) {
  const letters = [...text];
  const whole = regions.reduce((sum, { x0, x1 }) => sum + x1 - x0, 0) || 1;
  let at = 0;
  return regions.map((region, index) => {
    const ends = index === regions.length - 1;
    const to = ends ? letters.length : at + Math.round((letters.length * (region.x1 - region.x0)) / whole);
    const part = letters.slice(at, to).join("");
    at = to;
    return { text: part, region, ends };
  });
}

const isNewLine = (before, { y0, y1 }) => (y0 + y1) / 2 > before.y1 || (y0 + y1) / 2 < before.y0;

function word(text, { x0, y0, x1, y1 }, ratio, ends) {
  const [width, height] = [(x1 - x0) * UNITS, ((y1 - y0) * UNITS) / ratio];
  const upright = height > 1.5 * width && text.length > 2;
  const [along, across] = upright ? [height, width] : [width, height];
  const span = element("span", { class: upright && "upright" }, ends ? `${text} ` : text);
  const stretch = along / ((pen.measureText(text).width * across) / FONT_PX || 1);
  span.style.cssText = `left:${x0 * UNITS}px;top:${(y0 * UNITS) / ratio}px;font-size:${across}px;` +
    `transform:${upright ? "scaleY" : "scaleX"}(${stretch.toFixed(4)})`;
  return span;
}
