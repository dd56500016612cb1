// One page of a document: its picture, the heat over it, marks, and its text.

import { addresses } from "../api.js";
import { element, place } from "../dom.js";
import { textLayer } from "./text.js";

const WIDTHS_PX = [400, 800, 1200, 1600, 2400];

export class Sheet {
  /**
   * @param {{page_id: string, page_number: number}} page
   * @param {number} ratio - Width by height, until the picture is here.
   * @param {function(Sheet, number)} onRatio - Called with a better ratio, which the owner sets.
   */
  constructor({ page_id, page_number }, ratio, onRatio) {
    this.id = page_id;
    this.number = page_number;
    this.onRatio = onRatio;
    this.picture = element("img", { class: "picture", alt: `Page ${page_number}`, draggable: "false" });
    this.heat = element("img", { class: "heat", alt: "", draggable: "false", hidden: true });
    this.marks = { spots: element("div", { "aria-hidden": "true" }), found: element("div", { "aria-hidden": "true" }) };
    this.leaf = element("div", { class: "leaf" });
    this.root = element("div", { class: "sheet", "data-page": page_id, "data-number": page_number }, this.leaf);
    this.picture.addEventListener("load", () => {
      this.root.classList.add("there");
      this.onRatio(this, this.picture.naturalWidth / this.picture.naturalHeight);
    });
    this.picture.addEventListener("error", () => this.root.classList.add("gone"));
    this.ratio = ratio;
  }

  get ratio() { return this.shape; }
  set ratio(ratio) {
    this.shape = ratio;
    place(this.root, { "--ratio": String(ratio) });
  }

  get isDrawn() { return this.leaf.childElementCount > 0; }

  /** Show the picture, wide enough for some device pixels. A sharper one replaces it when it is here. */
  draw(width) {
    if (!this.isDrawn) this.leaf.append(this.picture, this.heat, ...Object.values(this.marks));
    const wanted = WIDTHS_PX.find((offered) => offered >= width) ?? WIDTHS_PX.at(-1);
    if (wanted <= (this.asked ?? 0)) return;
    this.asked = wanted;
    const address = addresses.image(this.id, wanted);
    if (!this.picture.getAttribute("src")) return void (this.picture.src = address);
    const sharper = new Image();
    sharper.src = address;
    sharper.decode().then(() => { if (this.asked === wanted) this.picture.src = address; }, () => {});
  }

  /** Free the memory of a page that is far away. */
  erase() {
    this.leaf.replaceChildren();
    this.picture.removeAttribute("src");
    this.heat.removeAttribute("src");
    this.asked = 0;
    this.text = null;
    this.showHeat(null);
    this.root.classList.remove("there", "gone");
  }

  showText(words) {
    if (this.text || !this.isDrawn) return;
    this.text = textLayer(words, this.ratio);
    this.leaf.append(this.text);
  }

  /** Show the heatmap of a word when it is here; none for null. */
  async showHeat(address, word = "all") {
    this.wanted = address;
    if (!address) return void (this.heat.hidden = true);
    if (this.heat.getAttribute("src") !== address) {
      const layer = new Image();
      layer.src = address;
      await layer.decode().catch(() => {});
      if (this.wanted !== address || !layer.naturalWidth) return; // another was asked for meanwhile
      this.heat.src = address;
    }
    this.heat.dataset.word = word;
    this.heat.hidden = false;
  }
}
