// Copying a selected text together with where it stands.

import { announce, element, icon, place } from "../dom.js";

/** Offer it beside each selection. @param {function(): Object} documentOf - Gives the document that is read. */
export function offerCopying(reader, documentOf) {
  if (!navigator.clipboard) return; // the address is not secure
  const offer = element("button", { type: "button", class: "copy-offer", hidden: true, on: { click: copy, pointerdown: (event) => event.preventDefault() } }, icon("link"), "Copy with page");
  reader.scroller.parentElement.append(offer);

  document.addEventListener("selectionchange", () => {
    const range = selected(reader);
    offer.hidden = !range;
    if (!range) return;
    const box = range.getBoundingClientRect();
    const view = reader.scroller.getBoundingClientRect();
    const top = box.bottom + 48 < view.bottom ? box.bottom + 8 : Math.max(box.top - 46, view.top + 8);
    place(offer, { left: `${Math.min(Math.max(box.x, view.x + 8), view.right - 170) - view.x}px`, top: `${top - view.y}px` });
  });
  reader.scroller.addEventListener("scroll", () => (offer.hidden = true), { passive: true });

  async function copy() {
    const range = selected(reader);
    if (!range) return;
    const pages = [range.startContainer, range.endContainer].map(numberOf);
    const [first, last] = [pages[0] ?? pages[1], pages[1] ?? pages[0]];
    const where = first === last ? `page ${first}` : `pages ${first}–${last}`;
    await navigator.clipboard.writeText(`“${String(getSelection()).trim()}” (${documentOf().file}, ${where})`);
    offer.hidden = true;
    announce("Copied with its page");
  }
}

const numberOf = (node) => (node.closest ? node : node.parentElement).closest(".sheet")?.dataset.number;

/** What is selected of the text of pages. */
function selected(reader) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed || !String(selection).trim()) return null;
  const range = selection.getRangeAt(0);
  return reader.scroller.contains(range.commonAncestorContainer) ? range : null;
}
