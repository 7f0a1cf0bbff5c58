# pyright: basic
"""LEAF (repositories): judged collections of the hub, or of a copy of a repository."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import CollectionError
from indexer.judged.known import known
from indexer.judged.pairs import collect
from indexer.judged.repositories import Hub, quiet, said
from indexer.judged.tables import Tables, as_collection, choose_split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.evaluation.collection import Collection
    from indexer.judged.known import Known
    from indexer.judged.rows import Row
    from indexer.judged.tables import Rows


def load_hub(
    name: str,
    into: Path,
    *,
    split: str | None,
    subset: str | None = None,
    revision: str | None = None,
    lenient: bool = False,
) -> Collection:
    """Return a collection of the hub: a known name, or a repository `owner/name`.

    A repository holds the tables `corpus`, `queries` and `qrels` (as BEIR, NanoBEIR and MTEB do;
    the judgements may stand in `owner/name-qrels`), or pairs in columns that `pairs` knows. What is
    known by name nobody here can repair, so it is read leniently.

    Args:
        name: a known name, a repository, or the folder of a copy of one.
        into: the folder that gets the collection in BEIR's layout.
        split: of judgements or pairs (`train[:1000]` works for pairs); None: `test`, or the only.
        subset: which configuration, or which of several collections in one repository.
        revision: a branch, a tag or a commit of the repository; the commit is noted.
        lenient: as `engine.evaluation.beir.read_beir` has it.

    Raises:
        CollectionError: If the hub cannot be reached, does not have it, or it cannot be used.
    """
    quiet()
    one = known(name)
    hub = Hub(one.repository if one else name, revision)
    asked = _Asked(name, into, split, subset, lenient)
    with said(name):
        if one is not None:
            collection = _known(one, asked, hub)
        else:
            layout = _layout(hub.configurations(name), subset)
            collection = _pairs(asked, hub) if layout is None else _tables(layout, asked, hub)
    return replace(collection, notes=(*collection.notes, *hub.notes))


@dataclass(frozen=True, slots=True)
class HubRows:
    """The rows of a dataset with their numbers.

    Attributes:
        name: of the dataset and its subset.
        split: that was chosen.
        rows: see rows.rows_of.
        notes: the commit that was read.
    """

    name: str
    split: str
    rows: Iterator[Row]
    notes: tuple[str, ...]


def load_rows(
    name: str, *, split: str | None, subset: str | None = None, revision: str | None = None
) -> HubRows | None:
    """Return the rows of a dataset to learn from; None if it is a collection of three tables.

    Args:
        name: as `load_hub` has it.
        split: as there; None: `train`, or the only one if that is not `test`.
        subset: as there.
        revision: as there.

    Raises:
        CollectionError: as `load_hub`.
    """
    quiet()
    hub = Hub(name, revision)
    asked = _Asked(name, Path(), split, subset, lenient=False)
    with said(name):
        if known(name) is not None or _layout(hub.configurations(name), subset) is not None:
            return None
        _require_subset(asked, hub)
        there = hub.names(name, subset)
        only = len(there) == 1 and there[0] != "test"
        chosen = choose_split(there, split or (None if only else "train"), name)
        rows = enumerate((dict(row) for row in hub.rows(name, subset, chosen)), 1)
    return HubRows(asked.label, chosen, rows, hub.notes)


@dataclass(frozen=True, slots=True)
class _Asked:
    name: str
    into: Path
    split: str | None
    subset: str | None
    lenient: bool

    @property
    def label(self) -> str:
        """What the collection is called: a folder by its last part, no private path."""
        path = Path(self.name)
        name = path.resolve().name if path.exists() else self.name
        return f"{name}/{self.subset}" if self.subset else name


@dataclass(frozen=True, slots=True)
class _Layout:
    """The configurations of the three tables; None: the judgements' repository is another one."""

    corpus: str
    queries: str
    qrels: str | None


def _known(one: Known, asked: _Asked, hub: Hub) -> Collection:
    judged = hub.splits(one.qrels, one.configuration)
    if one.whole and asked.split in (None, "test"):
        chosen, label = next(iter(judged)), "test"
    else:
        chosen = label = choose_split(list(judged), asked.split, one.name)
    tables = Tables(
        _one(hub.splits(one.repository, "corpus"), "corpus"),
        _one(hub.splits(one.repository, "queries"), "queries"),
        judged[chosen],
    )
    collection = as_collection(tables, asked.into, name=one.name, split=label, lenient=True)
    return replace(collection, split="") if one.whole else collection


def _layout(configurations: Sequence[str], subset: str | None) -> _Layout | None:
    for before in (f"{subset}-", "") if subset else ("",):
        corpus, queries = f"{before}corpus", f"{before}queries"
        if corpus in configurations and queries in configurations:
            names = (f"{before}qrels", subset, "default")
            qrels = next((name for name in names if name and name in configurations), None)
            return _Layout(corpus, queries, qrels)
    return None


def _tables(layout: _Layout, asked: _Asked, hub: Hub) -> Collection:
    name, subset = asked.name, asked.subset or ""
    judged = hub.splits(name if layout.qrels else f"{name}-qrels", layout.qrels)
    several = subset in judged  # collections in one repository, a split for each
    chosen = subset if several else choose_split(list(judged), asked.split, asked.label)
    tables = Tables(
        _one(hub.splits(name, layout.corpus), subset, "corpus"),
        _one(hub.splits(name, layout.queries), subset, "queries", chosen),
        judged[chosen],
    )
    collection = as_collection(
        tables,
        asked.into,
        name=asked.label,
        split="test" if several else chosen,
        lenient=asked.lenient,
    )
    return replace(collection, split="") if several else collection


def _pairs(asked: _Asked, hub: Hub) -> Collection:
    name, subset = asked.name, asked.subset
    _require_subset(asked, hub)
    split = choose_split(hub.names(name, subset), asked.split, name)
    rows = enumerate((dict(row) for row in hub.rows(name, subset, split)), 1)
    return collect(
        rows,
        asked.into,
        place=f"{asked.label}/{split}",
        name=asked.label,
        split=split,
        lenient=asked.lenient,
    )


def _require_subset(asked: _Asked, hub: Hub) -> None:
    name, subset = asked.name, asked.subset
    configurations = hub.configurations(name)
    there = ", ".join(configurations)
    if subset is None and len(configurations) > 1 and "default" not in configurations:
        raise CollectionError(f"{name} has several subsets; choose a subset of: {there}")
    if subset is not None and subset not in configurations:
        raise CollectionError(f"{name} has no subset {subset!r}; choose a subset of: {there}")


def _one(splits: Mapping[str, Rows], *wanted: str) -> Rows:
    for name in wanted:
        if name in splits:
            return splits[name]
    if len(splits) == 1:
        return next(iter(splits.values()))
    raise CollectionError(f"there are several collections; choose a subset of: {', '.join(splits)}")
