"""Figures as Markdown tables: percent with one decimal, collections by their names for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NAMES: Final = {
    "scifact": "SciFact",
    "cranfield": "Cranfield",
    "squad": "SQuAD",
    "medquad": "MedQuAD",
    "tldr-commands": "tldr",
    "train-mix": "Sources kept apart",
    "xquad-multi": "XQuAD",
}


def shown(collection: str) -> str:
    """Return the name of a collection for people."""
    return _NAMES.get(collection, collection)


def percent(value: float | None) -> str:
    """Return a share in percent; nothing for None."""
    return "" if value is None else f"{100 * value:.1f}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first column is words and whose others are figures."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(
        f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in line)}|" for line in lines
    )
