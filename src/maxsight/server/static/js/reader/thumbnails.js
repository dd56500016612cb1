// All pages of the document as small pictures, with the places of its hits.

import { address } from "../address.js";
import { element, find } from "../dom.js";
import { stored } from "../stored.js";
import { thumbnail } from "../thumbnail.js";

const WIDTH_PX = 200;
const OPEN = "thumbnails";

export class Thumbnails {
  constructor() {
    this.root = element("nav", { class: "thumbs", "aria-label": "Pages", tabindex: "-1", hidden: true });
    this.onToggle = () => {};
    this.hits = new Map();
  }

  show(doc) {
    this.doc = doc;
    this.isMade = false;
    this.#set(doc.pages.length > 1 && stored.get(OPEN) === "yes" && innerWidth > 1000);
  }

  toggle() {
    if (!this.doc || this.doc.pages.length < 2) return false;
    const open = this.root.hidden;
    stored.set(OPEN, open ? "yes" : "no");
    this.#set(open);
    if (open) this.root.querySelector("[aria-current]")?.focus();
  }

  /** @param {Map<string, Array>} hits - Places by page id. */
  showHits(hits) {
    this.hits = hits;
    this.isMade = false;
    if (!this.root.hidden) this.#make();
  }

  mark(id) {
    this.current = id;
    this.root.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const link = this.root.querySelector(`[data-page="${CSS.escape(id)}"]`);
    link?.setAttribute("aria-current", "page");
    if (!this.root.hidden) link?.scrollIntoView({ block: "nearest" });
  }

  #set(open) {
    this.root.hidden = !open;
    find("#page").toggleAttribute("data-thumbs", open);
    this.onToggle(open);
    if (open && !this.isMade) this.#make();
  }

  #make() {
    this.isMade = true;
    this.root.replaceChildren(element("ol", {}, this.doc.pages.map(({ page_id, page_number }) => {
      const places = this.hits.get(page_id);
      const said = places ? `Page ${page_number}, with hits` : `Page ${page_number}`;
      return element("li", {}, element("a", { href: address({ page: page_id }), "data-replace": true, "data-page": page_id, "aria-label": said, class: places && "has-hits" },
        thumbnail(page_id, places, WIDTH_PX), element("span", {}, page_number)));
    })));
    if (this.current) this.mark(this.current);
  }
}
