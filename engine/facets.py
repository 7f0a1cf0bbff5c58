"""Counts of the values that candidates have, for the fields that were asked for.

A value is written as the filter takes it, and its count is that of the candidates which the filter
`type:VALUE`, `path:FOLDER` or `field:"VALUE"` would keep. So a document counts for every folder
above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.answer import MOST_VALUES, Facet, FacetValue
from engine.filters import metadata_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.types import Document

LONGEST: Final = 200  # characters of a value; longer ones are texts, and count as others


def count_facets(names: Sequence[str], candidates: Sequence[Document]) -> dict[str, Facet]:
    """Return a facet for each name, of one document a candidate, best first.

    The most frequent values come first, equal counts by value.
    """
    return {name: _counted(values_of(name, document) for document in candidates) for name in names}


def _counted(found: Iterable[Mapping[str, str]]) -> Facet:
    spelling: dict[str, str] = {}
    counts: dict[str, int] = {}
    for values in found:
        for key, value in values.items():
            spelling.setdefault(key, value)
            counts[key] = counts.get(key, 0) + 1
    shown = sorted((k for k in counts if len(k) <= LONGEST), key=lambda k: (-counts[k], k))
    values = [FacetValue(value=spelling[k], count=counts[k]) for k in shown[:MOST_VALUES]]
    return Facet(values=values, others=len(counts) - len(values))


def values_of(name: str, document: Document) -> dict[str, str]:
    """Return the values that a document has in a field: as the filter compares them -> as written.

    Spellings that differ in case alone are one value, written as the best candidate has it.
    """
    if name == "type":
        return {document.type: document.type} if document.type else {}
    if name == "folder":
        return {folder: folder for folder in _folders(document.path)}
    value = document.metadata.get(name)
    if value is None:
        return {}
    compared = metadata_texts(value)
    written = value if isinstance(value, list) else [value] if isinstance(value, str) else compared
    return dict(zip(reversed(compared), reversed(written), strict=True))


def _folders(path: str) -> Iterator[str]:
    at = path.find("/", 1)
    while at > 0:
        yield path[:at]
        at = path.find("/", at + 1)
