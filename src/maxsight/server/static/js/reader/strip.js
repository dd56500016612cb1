// Beside the scroll bar: where the document has hits and found texts. The buttons of both lead there by keyboard.

import { element } from "../dom.js";

export class Strip {
  constructor(reader, turnTo) {
    this.reader = reader;
    this.turnTo = turnTo;
    this.marks = new Map(); // by kind
    this.root = element("div", { class: "strip", "aria-hidden": "true", hidden: true });
  }

  /** @param {string} kind @param {Array<{id: string, y: number}>} marks - Pages, and how far down on them, in [0, 1]. */
  show(kind, marks) {
    const apart = new Map(marks.map((mark) => [`${mark.id} ${mark.y.toFixed(2)}`, mark]));
    this.marks.set(kind, [...apart.values()]);
    this.place();
  }

  place() {
    const all = [...this.marks].flatMap(([kind, marks]) => marks.map((mark) => ({ kind, ...mark })));
    this.root.hidden = !all.length;
    const whole = this.reader.scroller.scrollHeight || 1;
    const { turns } = this.reader.zoom;
    this.root.replaceChildren(...all.flatMap(({ kind, id, y }) => {
      const sheet = this.reader.byId.get(id)?.root;
      if (!sheet) return [];
      const down = turns === 2 ? 1 - y : turns ? 0.5 : y;
      const top = (100 * (sheet.offsetTop + down * sheet.offsetHeight)) / whole;
      return element("i", { class: kind, style: { top: `${top}%` }, on: { click: () => this.turnTo(id) } });
    }));
  }
}
