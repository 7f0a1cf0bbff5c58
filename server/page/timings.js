// Where the time of a search went.

import { duration, make } from "./dom.js";

const STAGES = [
  ["parse", "Understand"],
  ["lexical", "BM25"],
  ["dense", "Dense"],
  ["fuse", "Fuse"],
  ["fetch", "Fetch"],
  ["queue", "Wait"],
  ["rerank", "Rerank"],
  ["highlight", "Highlight"],
];

/** Return a bar of the stages that took time, and their figures to unfold. */
export function timings(ms) {
  const parts = STAGES.filter(([stage]) => ms[stage] > 0);
  const bar = make("span", { class: "bar", "aria-hidden": "true" });
  for (const [stage] of parts) {
    const part = make("span", { class: stage });
    part.style.flexGrow = 1000 * ms[stage]; // a sum below 1 would not fill the bar
    bar.append(part);
  }
  const figures = parts.map(([stage, name]) =>
    make("li", { class: stage }, `${name} `, make("b", {}, duration(ms[stage]))),
  );
  const total = make("span", { class: "total" }, duration(ms.total));
  return make("details", { class: "timings" }, make("summary", { "aria-label": `Took ${duration(ms.total)}; by stage` }, total, bar), make("ul", {}, ...figures));
}
