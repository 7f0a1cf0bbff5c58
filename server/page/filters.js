// The filters: values that the candidates have, as boxes to tick.

import { find, make } from "./dom.js";

const NAMES = { folder: "Folder", type: "Type" };
const FIRST = 8; // values that are shown before a person asks for all

const unfolded = new Set();

/** Show the filters; `change(name, values)` is told what is chosen from now on. */
export function showFilters(answer, shown, change) {
  const groups = Object.keys(NAMES).map((name) => group(name, answer, shown, change));
  const focused = document.activeElement?.id;
  find("facets").replaceChildren(...groups.filter(Boolean));
  if (focused) find(focused)?.focus({ preventScroll: true });
  const chosen = shown.folder.length + shown.type.length;
  find("chosen").textContent = chosen ? `(${chosen})` : "";
  find("filters").hidden = !find("facets").childElementCount;
}

function group(name, answer, shown, change) {
  const chosen = shown[name];
  const { values, total } = answer.facets[name];
  const counts = new Map(values.map(({ value, count }) => [value, count]));
  for (const value of chosen) if (!counts.has(value)) counts.set(value, 0);
  // What all candidates have narrows nothing.
  const useful = [...counts].filter(([value, n]) => n < total || chosen.includes(value));
  if (!useful.length) return null;
  const all = unfolded.has(name) || useful.length <= FIRST + 1;
  const listed = useful.filter(([value], index) => all || index < FIRST || chosen.includes(value));
  const boxes = listed.map(([value, n]) => box(name, value, n, chosen, change));
  const rest = make("button", { type: "button", class: "all", onclick: unfold }, `Show all ${useful.length}`);
  const fieldset = make("fieldset", {}, make("legend", {}, NAMES[name]), ...boxes, all ? null : rest);
  return fieldset;

  function unfold() {
    unfolded.add(name);
    fieldset.replaceWith(group(name, answer, shown, change));
    find(`${name}-${listed.at(-1)[0]}`)?.focus();
  }
}

function box(name, value, n, chosen, change) {
  const id = `${name}-${value}`;
  const checked = chosen.includes(value);
  const onchange = () => change(name, checked ? chosen.filter((v) => v !== value) : [...chosen, value]);
  const at = value.lastIndexOf("/") + 1;
  return make(
    "label",
    { class: "value", title: value },
    make("input", { type: "checkbox", id, checked, onchange }),
    make("span", { class: "text" }, make("bdi", {}, make("span", { class: "soft" }, value.slice(0, at)), value.slice(at))),
    make("span", { class: "soft" }, String(n)),
  );
}
