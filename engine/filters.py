"""The filter language: which documents may answer, decided before anything is cut.

    path:GLOB                a folder, a file, or a pattern; * also crosses folders
    type:pdf                 the file's extension
    date:2024..2024-06       from the first day of the one to the last of the other; either may lack
    field:value              metadata, equal without regard to case ("a b" for several words)

Terms are joined by AND; a field named twice means OR. The same string works on the command line,
in HTTP and in MCP.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from engine.analysis import clean
from engine.errors import FilterError

if TYPE_CHECKING:
    from engine.query import Query
    from engine.types import Document, MetadataValue

_TERM: Final = re.compile(
    r'\s*(?P<field>[^\s:"]+):(?:"(?P<quoted>[^"]*)"|(?P<value>[^\s"]+))(?=\s|$)'
)
_DATE: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$")
# SQLite refuses expressions of more than 1,000 alternatives and patterns above 50,000 bytes.
MOST_VALUES: Final = 256
LONGEST_VALUE: Final = 4096  # characters


@dataclass(frozen=True, slots=True)
class DateRange:
    """Seconds since the epoch (UTC), from `start` to before `end`; None is open."""

    start: float | None
    end: float | None

    def holds(self, date: float | None) -> bool:
        """Whether a date lies inside; a document without one never does."""
        if date is None:
            return False
        after = self.start is None or date >= self.start
        return after and (self.end is None or date < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """All parts must hold; within a part any value will do. Empty parts hold for everything.

    `paths` are groups of patterns: one of each group must match.
    """

    paths: tuple[tuple[str, ...], ...] = ()
    not_paths: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    dates: tuple[DateRange, ...] = ()
    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.paths or self.not_paths or self.types or self.dates or self.fields)

    def keeps(self, document: Document) -> bool:
        """Whether a document may answer."""
        return (
            all(any(path_matches(p, document.path) for p in group) for group in self.paths)
            and not any(path_matches(p, document.path) for p in self.not_paths)
            and (not self.types or document.type in self.types)
            and (not self.dates or any(r.holds(document.date) for r in self.dates))
            and all(_field_holds(document, name, values) for name, values in self.fields)
        )

    def narrowed(self, query: Query) -> Filter:
        """Return this filter and the `path:` parts of a query; both must hold."""
        return replace(
            self,
            paths=(*self.paths, query.paths) if query.paths else self.paths,
            not_paths=self.not_paths + query.not_paths,
        )


def path_patterns(pattern: str) -> tuple[str, ...]:
    """Return what a path pattern stands for, any of which will do; only * and ? are special.

    A pattern without a wildcard is a file, or a folder with everything below it.
    """
    pattern = pattern.removeprefix("./").rstrip("/")
    if "*" in pattern or "?" in pattern:
        return (re.sub(r"\*+/?\*+", "*", pattern),)
    return (pattern, f"{pattern}/*")


def path_matches(pattern: str, path: str) -> bool:
    """Whether a path is the file, lies in the folder, or fits the pattern."""
    return any(_compiled(p).fullmatch(path) is not None for p in path_patterns(pattern))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    first, *others = (re.escape(p).replace(r"\?", ".") for p in pattern.split("*"))
    # Atomic, as fnmatch does it: the first place where a part fits will do, so nothing explodes.
    inner = "".join(f"(?>.*?{part})" for part in others[:-1])
    return re.compile(first + inner + "".join(f".*{part}" for part in others[-1:]), re.DOTALL)


def metadata_texts(value: MetadataValue) -> tuple[str, ...]:
    """Return the texts that equal a metadata value in a filter: one, or one for each in a list."""
    if isinstance(value, list):
        return tuple(item.casefold() for item in value)
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, float) and value.is_integer():
        return (str(int(value)),)
    return (str(value).casefold(),)


def _field_holds(document: Document, name: str, values: tuple[str, ...]) -> bool:
    value = document.metadata.get(name)
    return value is not None and any(text in values for text in metadata_texts(value))


def parse_filter(text: str) -> Filter:
    """Return the filter that an expression means.

    Raises:
        FilterError: if a part is no `field:value`, a date is none, or there is too much of it.
    """
    found: dict[str, list[str]] = {}
    at = 0
    text = clean(text).rstrip()
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            rest = text[at:].strip()
            raise FilterError(
                f"filter: expected field:value at {rest[:40]!r}"
                ' (for example path:guide/* type:pdf date:2024..2025 author:"Ada Lovelace")'
            )
        value = match["quoted"] if match["quoted"] is not None else match["value"]
        found.setdefault(match["field"], []).append(value)
        at = match.end()
        if len(value) > LONGEST_VALUE:
            raise FilterError(f"filter: a value has at most {LONGEST_VALUE:,} characters")
    if sum(map(len, found.values())) > MOST_VALUES:
        raise FilterError(f"filter: at most {MOST_VALUES} parts")
    return Filter(
        paths=(tuple(found.pop("path")),) if "path" in found else (),
        types=tuple(v.lower().removeprefix(".") for v in found.pop("type", ())),
        dates=tuple(_date_range(v) for v in found.pop("date", ())),
        fields=tuple((name, tuple(v.casefold() for v in values)) for name, values in found.items()),
    )


def _date_range(text: str) -> DateRange:
    first, dots, last = text.partition("..")
    if not dots:
        return DateRange(_span(text)[0], _span(text)[1])
    if not (first or last):
        raise FilterError("filter: date:.. names neither a beginning nor an end")
    return DateRange(_span(first)[0] if first else None, _span(last)[1] if last else None)


def _span(text: str) -> tuple[float, float]:
    """Return [start, end) in seconds of the year, month or day that a text names."""
    match = _DATE.match(text)
    if match is None:
        raise FilterError(f"filter: {text!r} is no date (2024, 2024-06 or 2024-06-30)")
    year, month, day = int(match[1]), match[2], match[3]
    try:
        start = datetime(year, int(month or 1), int(day or 1), tzinfo=UTC)
        days = 1 if day else monthrange(year, int(month))[1] if month else _days_of(year)
        return start.timestamp(), (start + timedelta(days=days)).timestamp()
    except (ValueError, OverflowError) as error:
        raise FilterError(f"filter: {text!r} is no date: {error}") from error


def _days_of(year: int) -> int:
    return 366 if monthrange(year, 2)[1] == 29 else 365
