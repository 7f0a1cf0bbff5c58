from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from engine.answer import MOST_VALUES, FacetValue
from engine.facets import LONGEST, count_facets
from engine.types import Document

if TYPE_CHECKING:
    from engine.types import MetadataValue


def document(path: str = "", type_: str = "", **metadata: MetadataValue) -> Document:
    return Document(id=path, path=path, type=type_, metadata=metadata)


def counts(name: str, *documents: Document) -> dict[str, int]:
    return {v.value: v.count for v in count_facets([name], documents)[name].values}


def test_types_are_counted_most_frequent_first() -> None:
    found = [document(type_=type_) for type_ in ("md", "pdf", "pdf", "txt", "")]
    assert list(counts("type", *found).items()) == [("pdf", 2), ("md", 1), ("txt", 1)]


def test_a_document_counts_for_every_folder_above_it() -> None:
    found = [document("a/b/c.md"), document("a/d.md"), document("e.md"), document("/x/y.md")]
    assert counts("folder", *found) == {"a": 2, "a/b": 1, "/x": 1}


def test_values_that_the_filter_takes_for_one_are_one() -> None:
    found = [document(by="Ada L."), document(by="ADA L."), document(by="bob"), document()]
    assert counts("by", *found) == {"Ada L.": 2, "bob": 1}
    assert counts("n", document(n=True), document(n=3), document(n=3.0)) == {"3": 2, "true": 1}


def test_a_list_counts_once_for_each_of_its_values() -> None:
    found = [document(tags=["Red", "red", "blue"]), document(tags=["red"])]
    assert counts("tags", *found) == {"Red": 2, "blue": 1}


def test_values_beyond_the_most_frequent_and_long_ones_are_others() -> None:
    many = [document(by=f"{n:04}") for n in range(MOST_VALUES + 5)]
    many += [document(by="x" * (LONGEST + 1)), document(by="0104")]
    facet = count_facets(["by"], many)["by"]
    assert facet.values[0] == FacetValue(value="0104", count=2)
    assert len(facet.values) == MOST_VALUES
    assert facet.others == 6


def test_a_field_that_nothing_has_is_empty() -> None:
    assert asdict(count_facets(["by"], [document("a")])["by"]) == {"values": [], "others": 0}
