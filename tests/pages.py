"""Reading report.html as a browser would, and reports to make it of."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, cast

from engine.evaluation.page import render
from tests.reports import Row, make_report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Report = dict[str, Any]
VOID = {"meta"}


class Page(HTMLParser):
    """The page as a browser reads it: elements with their place, and the text of each section."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.markup = markup
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._open: list[tuple[str, str | None]] = []
        self.feed(markup)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), tag
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append((tag, dict(attrs).get("id")))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for name, id_ in self._open:
            for key in (name, id_):
                if key is not None:
                    self.texts[key] = self.texts.get(key, "") + data

    @property
    def sections(self) -> list[str]:
        return [attrs["id"] or "" for name, attrs in self.elements if name == "section"]

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.elements if tag == name]


def parts(folder: Path) -> tuple[Report, list[Report]]:
    report = json.loads((folder / "report.json").read_text("utf-8"))
    lines = (folder / "per_query.jsonl").read_text("utf-8").splitlines()
    return report, [json.loads(line) for line in lines]


def page(folder: Path, *rows: Row, queries: int = 20, **changes: Any) -> Page:  # noqa: ANN401 - keys of report.json
    return Page(render(*parts(make_report(folder, *rows, queries=queries, **changes))))


def mapped(value: object, change: Callable[[Any], object]) -> Any:  # noqa: ANN401
    """Return the same report with every value of it changed; names of keys stay."""
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        return {key: mapped(item, change) for key, item in entries.items()}
    if isinstance(value, list):
        return [mapped(item, change) for item in cast("list[object]", value)]
    return change(value)


def marked(report: Report, mark: str) -> Report:
    """Return the same report with a mark after every text, but for the names of measures."""
    kept = {key: report[key] for key in ("measures", "primary") if key in report}
    return mapped(report, lambda v: v + mark if isinstance(v, str) else v) | kept
