// How wide the sheets are: fitted to the window, or as the reader zooms them by wheel, pinch and buttons.

import { place } from "../dom.js";
import { UNITS } from "./text.js";

const STEP = 1.25;
const MAX_ZOOM = 8; // of the width that fits
const MIN_PX = 80;
const EASY_PX = 900; // wider than this, a page of text is not easier to read
const MARGIN_PX = 24;
const SMALL_MARGIN_PX = 8;

export class Zoom {
  /**
   * @param {HTMLElement} scroller
   * @param {{sheet: function(): Sheet, anchor: function(): {clientX, clientY}, onChange: function()}} owner - The sheet to
   *   fit, the point that keeps its place, and what to do after a change.
   */
  constructor(scroller, owner) {
    this.scroller = scroller;
    this.owner = owner;
    this.fit = "easy"; // or "width", "page", or null after zooming
    this.turns = 0;
    this.width = 0;
    scroller.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#pinch();
    new ResizeObserver(() => this.refit()).observe(scroller);
  }

  /** The share of the width that fits. */
  get level() { return this.width / this.#widths().width; }
  get isWide() { return this.scroller.scrollWidth > this.scroller.clientWidth + 1; }

  in() { this.zoomTo(this.width * STEP); }
  out() { this.zoomTo(this.width / STEP); }

  fitTo(fit) {
    this.fit = fit;
    this.refit();
  }

  turn() {
    this.turns = (this.turns + 1) % 4;
    this.scroller.dataset.turns = this.turns;
    this.fit ??= "easy";
    this.refit();
  }

  /** Fit again, as after the window has changed. */
  refit() {
    if (!this.scroller.clientWidth || !this.owner.sheet()) return;
    this.#set(this.fit ? this.#widths()[this.fit] : this.width);
  }

  zoomTo(width, at) {
    this.fit = null;
    const most = this.#widths().width * MAX_ZOOM;
    this.#set(Math.min(Math.max(width, MIN_PX), most), at);
  }

  /** Widths of an upright page that fit. */
  #widths() {
    const { clientWidth, clientHeight } = this.scroller;
    const margin = clientWidth < 640 || clientHeight < 500 ? SMALL_MARGIN_PX : MARGIN_PX;
    const ratio = this.owner.sheet()?.ratio ?? Math.SQRT1_2;
    const [across, down] = this.turns % 2 ? [1 / ratio, 1] : [1, 1 / ratio];
    const width = (clientWidth - 2 * margin) / across;
    const page = Math.min(width, (clientHeight - 2 * margin) / down);
    return { width, page, easy: Math.min(width, Math.max(page, EASY_PX / across)) };
  }

  /** Change the width around a point. */
  #set(width, at = this.owner.anchor()) {
    const sheet = sheetAt(this.scroller, at) ?? this.owner.sheet().root;
    const before = sheet.getBoundingClientRect();
    const share = [(at.clientX - before.x) / (before.width || 1), (at.clientY - before.y) / (before.height || 1)];
    this.width = width;
    place(this.scroller, { "--width": `${width}px`, "--scale": String(width / UNITS) });
    const after = sheet.getBoundingClientRect();
    this.scroller.scrollBy(after.x + share[0] * after.width - at.clientX, after.y + share[1] * after.height - at.clientY);
    this.owner.onChange();
  }

  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoomTo(this.width * Math.exp(-event.deltaY / 200), event);
  }

  #pinch() {
    let start = null;
    const spread = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const middle = ([one, other]) => ({ clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 });
    this.scroller.addEventListener("touchstart", ({ touches }) => {
      start = touches.length === 2 ? { spread: spread(touches), width: this.width } : null;
    }, { passive: true });
    this.scroller.addEventListener("touchmove", (event) => {
      if (!start || event.touches.length !== 2) return;
      event.preventDefault();
      this.zoomTo((start.width * spread(event.touches)) / start.spread, middle(event.touches));
    }, { passive: false });
  }
}

const sheetAt = (scroller, { clientX, clientY }) =>
  document.elementsFromPoint(clientX, clientY).find((under) => under.matches(".sheet") && scroller.contains(under));
