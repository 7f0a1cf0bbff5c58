// Why a result stands where it does: its rank in each stage, and how far the second one moved it.

import { make } from "./dom.js";

const STAGES = [
  ["lexical", "BM25", "not found", 2],
  ["dense", "Dense", "not found", 3],
  ["fused", "Fused", "not found", 3],
  ["reranked", "Reranked", "not read", 3],
];

/** Return how many places stage two moved a result up; negative is down, null if it did not read it. */
export function moved({ ranks }) {
  return ranks.reranked && ranks.fused ? ranks.fused - ranks.reranked : null;
}

/** Return an arrow for a movement, with words for those who do not see it. */
export function arrow(places) {
  if (!places) return null;
  const way = places > 0 ? "up" : "down";
  return make(
    "span",
    { class: `arrow ${way}`, title: `moved ${way} ${Math.abs(places)} by the second stage` },
    make("span", { "aria-hidden": "true" }, `${places > 0 ? "\u2191" : "\u2193"}${Math.abs(places)}`),
    make("span", { class: "unseen" }, `moved ${way} ${Math.abs(places)}`),
  );
}

/** Return the four stages in a row. */
export function stages(result) {
  return make("ol", { class: "stages" }, ...STAGES.map((stage) => one(result, ...stage)));
}

function one(result, stage, name, absent, digits) {
  const rank = result.ranks[stage];
  const score = result.scores?.[stage];
  return make(
    "li",
    { class: rank === null ? `${stage} absent` : stage },
    make("span", { class: "stage" }, name),
    make("span", { class: "rank" }, rank === null ? absent : `${rank}`, stage === "reranked" ? arrow(moved(result)) : null),
    typeof score === "number" ? make("span", { class: "score" }, score.toFixed(digits)) : null,
  );
}
