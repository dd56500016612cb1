// The hits of the question in this document: counted, marked, and gone through in the order of the pages.

import { api } from "../api.js";
import { sqlOf } from "../conditions.js";
import { element, icon } from "../dom.js";
import { peak, placesOf, strongMatches } from "../matches.js";

const MOST = 10; // pages

export class DocumentHits {
  constructor(reader, { strip, thumbnails, turnTo }) {
    Object.assign(this, { reader, strip, thumbnails, turnTo });
    this.asked = "";
    this.pages = [];
    this.said = element("span", { class: "where" });
    const button = (name, label, step) =>
      element("button", { type: "button", class: "quiet icon-only", "aria-label": label, title: label, on: { click: () => this.step(step) } }, icon(name));
    this.root = element("div", { class: "tools hits-here", role: "group", "aria-label": "Hits in this document", hidden: true },
      button("up", "Previous hit", -1), this.said, button("down", "Next hit", 1));
  }

  /** Search the document, once for a question. */
  async show(doc, q) {
    const asked = doc && q ? JSON.stringify([doc.document_id, q]) : "";
    if (asked === this.asked) return;
    this.asked = asked;
    this.#set([]);
    if (!asked || doc.pages.length < 2) return;
    const filter = sqlOf({ field: "path", operator: "is", value: doc.path, type: "text" });
    const { hits } = await api.search({ q, filter, top: MOST }).catch(() => ({ hits: [] }));
    if (asked !== this.asked) return;
    const most = peak(...hits.map(({ matches }) => matches));
    const standing = hits.map(({ page_id, page_number, matches }) => ({ id: page_id, number: page_number, places: placesOf(strongMatches(matches, most)) }));
    this.#set(standing.filter(({ places }) => places.length));
  }

  #set(pages) {
    this.pages = pages.sort((one, other) => one.number - other.number);
    this.root.hidden = !pages.length;
    this.strip.show("hit", pages.flatMap(({ id, places }) => places.map(({ y0 }) => ({ id, y: y0 }))));
    this.thumbnails.showHits(new Map(pages.map(({ id, places }) => [id, places])));
    this.tell();
  }

  /** Tell which hit is read. */
  tell() {
    const at = this.pages.findIndex(({ id }) => id === this.reader.current?.id);
    const all = this.pages.length;
    this.said.textContent = at < 0 ? `${all} ${all === 1 ? "hit" : "hits"}` : `${at + 1} of ${all}`;
    this.said.title = "The best pages of this document";
  }

  /** Turn to the next hit, or with -1 to the one before; after the last comes the first. */
  step(step) {
    if (!this.pages.length) return false;
    const here = this.reader.current?.number ?? 0;
    const to = step > 0
      ? this.pages.find(({ number }) => number > here) ?? this.pages[0]
      : this.pages.findLast(({ number }) => number < here) ?? this.pages.at(-1);
    this.turnTo(to.id);
  }
}
