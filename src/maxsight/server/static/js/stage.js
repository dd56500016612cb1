// A sheet to zoom and pan by wheel, pinch, drag, double click and buttons. Panning is plain scrolling.

import { element, place } from "./dom.js";

const MAX_ZOOM = 8; // 1 shows the whole page
const STEP = 1.35;
const MARGIN_PX = 24;
const SETTLE_MS = 150;

export class Stage {
  /**
   * @param {HTMLElement} sheet - The content; its width is set here, its height follows.
   * @param {function(number, number)} onSize - Called with the sheet's width in device pixels and the zoom, after
   *   a change.
   */
  constructor(sheet, onSize) {
    this.sheet = sheet;
    this.onSize = onSize;
    this.ratio = Math.SQRT1_2; // width by height, until the page is known
    this.zoom = 1;
    this.root = element("div", { class: "stage", tabindex: "0", role: "group" }, sheet);
    this.root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.root.addEventListener("dblclick", (event) => this.zoomTo(this.zoom > 1.2 ? 1 : 2.2, event));
    this.#dragByMouse();
    this.#pinch();
    new ResizeObserver(() => this.zoomTo(this.zoom)).observe(this.root);
  }

  /** Show a whole sheet of another shape. */
  reset(ratio) {
    this.ratio = ratio;
    this.zoomTo(1);
    this.root.scrollTo(0, 0);
  }

  in() { this.zoomTo(this.zoom * STEP); }
  out() { this.zoomTo(this.zoom / STEP); }
  get pannable() { return this.root.scrollWidth > this.root.clientWidth + 1; }

  /** Zoom around a point, by default the middle. */
  zoomTo(zoom, at) {
    const box = this.root.getBoundingClientRect();
    if (!box.width) return;
    const x = (at?.clientX ?? box.x + box.width / 2) - box.x;
    const y = (at?.clientY ?? box.y + box.height / 2) - box.y;
    const before = this.sheet.getBoundingClientRect();
    const share = [(box.x + x - before.x) / (before.width || 1), (box.y + y - before.y) / (before.height || 1)];
    this.zoom = Math.min(Math.max(zoom, 1), MAX_ZOOM);
    place(this.sheet, { width: `${this.#wholeWidth() * this.zoom}px`, "aspect-ratio": String(this.ratio) });
    const after = this.sheet.getBoundingClientRect();
    this.root.scrollBy(after.x + share[0] * after.width - box.x - x, after.y + share[1] * after.height - box.y - y);
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.onSize(after.width * devicePixelRatio, this.zoom), SETTLE_MS);
  }

  /** Scroll a part of the sheet, given in fractions, into view. */
  reveal({ x0, y0, x1, y1 }) {
    const { clientWidth, clientHeight, scrollLeft, scrollTop } = this.root;
    const left = this.sheet.offsetLeft + x0 * this.sheet.offsetWidth;
    const top = this.sheet.offsetTop + y0 * this.sheet.offsetHeight;
    const inside = left >= scrollLeft && top >= scrollTop &&
      left + (x1 - x0) * this.sheet.offsetWidth <= scrollLeft + clientWidth &&
      top + (y1 - y0) * this.sheet.offsetHeight <= scrollTop + clientHeight;
    if (!inside) this.root.scrollTo({ left: left - clientWidth / 3, top: top - clientHeight / 3, behavior: "smooth" });
  }

  /** The width at which the whole sheet is visible; on a narrow screen, the screen's width. */
  #wholeWidth() {
    const width = this.root.clientWidth - 2 * MARGIN_PX;
    const height = this.root.clientHeight - 2 * MARGIN_PX;
    return Math.max(width < 520 ? width + MARGIN_PX : Math.min(width, height * this.ratio), 120);
  }

  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoomTo(this.zoom * Math.exp(-event.deltaY / 200), event);
  }

  #dragByMouse() {
    this.root.addEventListener("pointerdown", (start) => {
      if (start.pointerType !== "mouse" || start.button !== 0) return;
      const from = { left: this.root.scrollLeft, top: this.root.scrollTop };
      const move = (event) => this.root.scrollTo(from.left + start.clientX - event.clientX, from.top + start.clientY - event.clientY);
      this.root.classList.add("dragging");
      addEventListener("pointermove", move);
      addEventListener("pointerup", () => {
        removeEventListener("pointermove", move);
        this.root.classList.remove("dragging");
      }, { once: true });
    });
  }

  #pinch() {
    let start = null;
    const spread = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const middle = ([one, other]) => ({ clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 });
    this.root.addEventListener("touchstart", ({ touches }) => {
      start = touches.length === 2 ? { spread: spread(touches), zoom: this.zoom } : null;
    }, { passive: true });
    this.root.addEventListener("touchmove", (event) => {
      if (!start || event.touches.length !== 2) return;
      event.preventDefault();
      this.zoomTo((start.zoom * spread(event.touches)) / start.spread, middle(event.touches));
    }, { passive: false });
  }
}
