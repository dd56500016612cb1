// Predicted error rates of OCR, and how they are told apart from the user's own fields.

import { element } from "./dom.js";

const JUDGED = new Set(["predicted_cer", "predicted_wer", "quality_note", "quality_model"]);

/** Names and values of the user's own fields. */
export const userFields = (metadata) =>
  Object.entries(metadata ?? {}).filter(([name, value]) => value !== null && !JUDGED.has(name));

export const rate = (value) => value.toFixed(2);

/** The prediction for a page; null if it was not judged. */
export function prediction({ predicted_cer: cer, predicted_wer: wer, quality_note: remark }) {
  const rates = [["Characters wrong (CER)", cer], ["Words wrong (WER)", wer]].filter(([, value]) => value != null);
  if (!rates.length && !remark) return null;
  return element("section", { "aria-labelledby": "expected-title" },
    element("h3", { id: "expected-title" }, "Expected of OCR"),
    element("dl", { class: "fields" }, rates.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, rate(value))))),
    remark && element("p", { class: "hint" }, remark));
}
