// A small picture of a page.

import { addresses } from "./api.js";
import { element } from "./dom.js";

export const THUMBNAIL_PX = 400;

/** A small picture of a page, with some places marked. */
export function thumbnail(page, regions = [], width = THUMBNAIL_PX) {
  const picture = element("img", { src: addresses.image(page, width), alt: "", loading: "lazy", decoding: "async" });
  const sheet = element("span", { class: "thumbnail" }, picture,
    regions.filter(Boolean).map((region) => element("span", { class: "spot", style: placeOf(region) })));
  picture.addEventListener("load", () => sheet.classList.add("there"));
  picture.addEventListener("error", () => sheet.classList.add("gone"));
  return sheet;
}

/** The id of a document's first page; undefined if no page is indexed. */
export const firstPage = ({ links }) => links.thumbnail?.match(/\/pages\/(\w+)/)?.[1];

export const placeOf = ({ x0, y0, x1, y1 }) => ({
  left: `${100 * x0}%`, top: `${100 * y0}%`, width: `${100 * (x1 - x0)}%`, height: `${100 * (y1 - y0)}%`,
});
