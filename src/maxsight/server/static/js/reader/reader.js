// All pages of a document, one below the other. A page is drawn when it comes near, and freed when it is far away.

import { element } from "../dom.js";
import { Sheet } from "./sheet.js";
import { Zoom } from "./zoom.js";

const NEAR = "100% 0px"; // one screen above and below
const SETTLE_MS = 150;
const QUIET_MS = 200; // the browser reports our own scrolling as the user's
const EYE = 0.4; // of the height: the page here is the one that is read

export class Reader {
  /**
   * @param {Object} on - `pass(sheet)`: a page passes by; `rest(sheet)`: it is read; `see(sheet)`: it is seen, also beside
   *   the one that is read; `layout()`: sizes have changed.
   */
  constructor(on) {
    this.on = on;
    this.sheets = [];
    this.byId = new Map();
    this.seen = new Set();
    this.current = null;
    this.chosen = null; // the mark that zooming keeps in sight
    this.stack = element("div", { class: "stack" });
    this.scroller = element("div", { class: "scroller", tabindex: "0", role: "group" }, this.stack);
    this.zoom = new Zoom(this.scroller, { sheet: () => this.current, anchor: () => this.#anchor(), onChange: () => this.#resized() });
    this.near = new IntersectionObserver((changes) => this.#comeNear(changes), { root: this.scroller, rootMargin: NEAR });
    this.inSight = new IntersectionObserver((changes) => this.#comeInSight(changes), { root: this.scroller });
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** Show another document. @param {number} ratio - Width by height of its pages, until they are drawn. */
  open(pages, ratio) {
    this.close();
    this.sheets = pages.map((page) => new Sheet(page, ratio, (sheet, better) => this.setRatio(sheet, better)));
    this.byId = new Map(this.sheets.map((sheet) => [sheet.id, sheet]));
    this.stack.replaceChildren(...this.sheets.map(({ root }) => root));
    this.current = this.sheets[0];
    this.zoom.refit();
    for (const { root } of this.sheets) {
      this.near.observe(root);
      this.inSight.observe(root);
    }
  }

  close() {
    this.near.disconnect();
    this.inSight.disconnect();
    this.seen.clear();
    this.stack.replaceChildren();
    this.sheets = [];
    this.byId.clear();
    this.current = this.chosen = null;
  }

  /** Turn to a page, as its number or a link asks. */
  goTo(id) {
    const sheet = this.byId.get(id);
    if (!sheet) return;
    this.#hush();
    const gap = this.sheets[0].root.offsetTop;
    this.scroller.scrollTop = sheet.root.offsetTop - gap;
    this.#read(sheet);
  }

  /** Scroll until a mark on a page is in sight. */
  reveal(mark) {
    const box = mark.getBoundingClientRect();
    const view = this.scroller.getBoundingClientRect();
    const margin = Math.min(view.height / 8, 48);
    const isIn = box.top >= view.top + margin && box.bottom <= view.bottom - margin && box.left >= view.left && box.right <= view.right;
    if (isIn || !box.width) return;
    this.#hush();
    const across = box.left < view.left || box.right > view.right ? box.left - view.left - view.width / 3 : 0;
    this.scroller.scrollBy(across, box.top - view.top - view.height / 3);
  }

  /** Set the true shape of a page. What is read keeps its place. */
  setRatio(sheet, ratio) {
    if (Math.abs(sheet.ratio / ratio - 1) < 0.002) return;
    const before = sheet.root.offsetHeight;
    const above = sheet.root.offsetTop + before <= this.scroller.scrollTop || this.sheets.indexOf(sheet) < this.sheets.indexOf(this.current);
    sheet.ratio = ratio;
    this.#hush();
    if (above) this.scroller.scrollTop += sheet.root.offsetHeight - before;
    if (sheet === this.current) this.zoom.refit();
    else this.#resized();
  }

  #anchor() {
    const view = this.scroller.getBoundingClientRect();
    const box = this.chosen?.isConnected && this.chosen.getBoundingClientRect();
    const inSight = box && box.width && box.bottom > view.top && box.top < view.bottom;
    const of = inSight ? box : view;
    return { clientX: of.x + of.width / 2, clientY: of.y + of.height / 2 };
  }

  #resized() {
    this.#hush();
    clearTimeout(this.sharpening);
    this.sharpening = setTimeout(() => {
      for (const sheet of this.sheets) if (sheet.isDrawn) sheet.draw(this.#pixels());
      if (this.chosen?.isConnected) this.reveal(this.chosen);
    }, SETTLE_MS);
    this.on.layout();
  }

  #pixels() { return this.zoom.width * devicePixelRatio; }

  #comeNear(changes) {
    for (const { target, isIntersecting } of changes) {
      const sheet = this.byId.get(target.dataset.page);
      if (isIntersecting) sheet?.draw(this.#pixels());
      else if (sheet?.isDrawn) sheet.erase();
    }
  }

  #comeInSight(changes) {
    for (const { target, isIntersecting } of changes) {
      const sheet = this.byId.get(target.dataset.page);
      if (!sheet) continue;
      this.seen[isIntersecting ? "add" : "delete"](sheet);
      if (isIntersecting) setTimeout(() => { if (this.seen.has(sheet)) this.on.see(sheet); }, SETTLE_MS);
    }
  }

  #hush() { this.quietUntil = performance.now() + QUIET_MS; }

  #scrolled() {
    if (performance.now() < this.quietUntil || !this.sheets.length) return;
    const eye = this.scroller.scrollTop + EYE * this.scroller.clientHeight;
    this.#read(this.sheets.findLast(({ root }) => root.offsetTop <= eye) ?? this.sheets[0]);
  }

  #read(sheet) {
    if (sheet === this.current && this.told === sheet) return;
    this.current?.root.removeAttribute("aria-current");
    this.current = this.told = sheet;
    sheet.root.setAttribute("aria-current", "page");
    this.on.pass(sheet);
    clearTimeout(this.resting);
    this.resting = setTimeout(() => { if (this.current === sheet) this.on.rest(sheet); }, SETTLE_MS);
  }
}
