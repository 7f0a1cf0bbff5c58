"""How the report was made, so that somebody else can make it again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from engine.evaluation.page.markup import Html, clip, tag, user
from engine.evaluation.page.parts import scrolling, swatch, table
from engine.evaluation.page.view import ALWAYS, BASE, CEILING, COLUMNS, REALISTIC, View

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETTINGS: Final = 6000  # characters
_DEFINED: Final = {
    BASE: "The documents in the order of the first stage, as if nothing reranked. "
    "Every other column is to be read against it.",
    REALISTIC: "The reranker reads the first documents of stage one, as many as the depth says; "
    "what stage one missed stays missed. This is what a user gets.",
    ALWAYS: "As realistic, but the right answers that the candidates lack are read as well. "
    "The difference to realistic is what this reranker would gain from a perfect first stage.",
    CEILING: "The same candidates in the best possible order, right answers first. "
    "No reranker can do better at this depth; what is missing to a perfect score is the retrieval "
    "loss, and the way from realistic to here the ranking loss.",
}


def section(view: View) -> Html:
    """Return definitions and provenance."""
    raw, data = view.raw, view.data
    index: Mapping[str, Any] = data.get("index") or {}
    return tag(
        "section",
        tag("h2", "How it was made"),
        tag("h3", "The four columns"),
        tag(
            "dl",
            [
                [tag("dt", swatch(column), " ", column.name), tag("dd", _DEFINED[column])]
                for column in COLUMNS
            ],
        ),
        tag("h3", "The truth is ir-measures"),
        tag(
            "p",
            "Every figure is what ir-measures says of the run files in runs/ with all judgements "
            "in qrels.trec; values of single queries stand in per_query.jsonl. Intervals come from "
            "drawing queries with replacement, p values from a paired randomisation test, "
            "corrected by Holm's method for the number of tests.",
        ),
        tag("h3", "Where it ran"),
        _facts(raw),
        _details("Versions", raw.get("versions"), "Package", "Version"),
        _details("Checksums of the data", data.get("checksums"), "File", "Checksum"),
        _settings(index.get("settings")),
        id="method",
    )


def _facts(raw: Mapping[str, Any]) -> Html:
    machine: Mapping[str, Any] = raw.get("machine") or {}
    on = [str(machine.get("processor") or ""), str(machine.get("system") or "")]
    cores = machine.get("cores")
    if isinstance(cores, int):
        on.insert(1, f"{cores} {'core' if cores == 1 else 'cores'}")
    facts = {
        "Command": str(raw.get("command") or ""),
        "Date": str(raw.get("date") or ""),
        "Machine": ", ".join(part for part in on if part),
        "Commit": str(raw.get("commit") or ""),
        "Seed": "" if raw.get("seed") is None else str(raw["seed"]),
    }
    code = {"Command", "Commit"}
    return tag(
        "dl",
        [
            [tag("dt", name), user(clip(fact, 1000), "dd", "mono" if name in code else None)]
            for name, fact in facts.items()
            if fact
        ],
        class_="facts",
    )


def _details(name: str, entries: Mapping[str, Any] | None, key: str, value: str) -> Html | None:
    if not entries:
        return None
    rows = [
        tag("tr", tag("th", user(clip(str(k), 200)), scope="row"),
            user(clip(str(v), 200), "td", "mono"))
        for k, v in entries.items()
    ]  # fmt: skip
    content = scrolling(name, table(name, [key, value], rows))
    return tag("details", tag("summary", name), content)


def _settings(settings: object) -> Html | None:
    if not settings:
        return None
    text = json.dumps(settings, ensure_ascii=False, indent=1, default=str)[:_SETTINGS]
    name = "Settings of the index"
    shown = tag("pre", text, dir="auto")
    return tag("details", tag("summary", name), scrolling(name, shown))
