# pyright: basic
"""LEAF (datasets, huggingface_hub): judged collections of the hub, or of a copy of a repository.

No code of a repository ever runs: `datasets` reads data files alone, and is not told otherwise.
"""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import datasets
from huggingface_hub import HfApi, is_offline_mode
from huggingface_hub.errors import OfflineModeIsEnabled

from engine.errors import CollectionError
from indexer.judged.known import known
from indexer.judged.pairs import collect
from indexer.judged.tables import Tables, as_collection, choose_split

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from engine.evaluation.collection import Collection
    from indexer.judged.known import Known
    from indexer.judged.tables import Rows

_COMMIT = re.compile(r"[0-9a-f]{40}")
_PATIENCE = 30.0  # seconds for the hub's first answer


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
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    one = known(name)
    hub = _Hub(one.repository if one else name, revision)
    asked = _Asked(name, into, split, subset, lenient)
    with _said(name):
        if one is not None:
            collection = _known(one, asked, hub)
        else:
            layout = _layout(hub.configurations(name), subset)
            collection = _pairs(asked, hub) if layout is None else _tables(layout, asked, hub)
    return replace(collection, notes=(*collection.notes, *hub.notes))


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


def _known(one: Known, asked: _Asked, hub: _Hub) -> Collection:
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


def _tables(layout: _Layout, asked: _Asked, hub: _Hub) -> Collection:
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


def _pairs(asked: _Asked, hub: _Hub) -> Collection:
    name, subset = asked.name, asked.subset
    configurations = hub.configurations(name)
    there = ", ".join(configurations)
    if subset is None and len(configurations) > 1 and "default" not in configurations:
        raise CollectionError(f"{name} has several subsets; choose a subset of: {there}")
    if subset is not None and subset not in configurations:
        raise CollectionError(f"{name} has no subset {subset!r}; choose a subset of: {there}")
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


def _one(splits: Mapping[str, Rows], *wanted: str) -> Rows:
    for name in wanted:
        if name in splits:
            return splits[name]
    if len(splits) == 1:
        return next(iter(splits.values()))
    raise CollectionError(f"there are several collections; choose a subset of: {', '.join(splits)}")


class _Hub:
    """Reads repositories, each at the one commit that its first use found."""

    def __init__(self, name: str, revision: str | None) -> None:
        """`revision` is of the repository `name`; judgements elsewhere have their own commits."""
        self._asked = {name: revision}
        self._pinned: dict[str, str | None] = {}
        self._commits: dict[str, str] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """`BeIR/scifact at 0123...`: what would give the same data again."""
        return tuple(f"{name} at {commit}" for name, commit in self._commits.items())

    def configurations(self, name: str) -> list[str]:
        return datasets.get_dataset_config_names(name, revision=self._pin(name))

    def names(self, name: str, configuration: str | None) -> list[str]:
        return datasets.get_dataset_split_names(name, configuration, revision=self._pin(name))

    def splits(self, name: str, configuration: str | None) -> Mapping[str, Rows]:
        found = cast(
            "datasets.DatasetDict",
            datasets.load_dataset(name, configuration, revision=self._pin(name)),
        )
        return {str(split): self._seen(name, table) for split, table in found.items()}

    def rows(self, name: str, configuration: str | None, split: str) -> Rows:
        found = datasets.load_dataset(name, configuration, split=split, revision=self._pin(name))
        return self._seen(name, found)

    def _pin(self, name: str) -> str | None:
        """Return the commit that a revision means now; offline, the revision itself."""
        if name not in self._pinned:
            revision = self._asked.get(name)
            if not Path(name).exists():
                try:
                    info = HfApi().dataset_info(name, revision=revision, timeout=_PATIENCE)
                    revision = info.sha or revision
                except OfflineModeIsEnabled:
                    pass  # `datasets` may have it from an earlier time
            self._pinned[name] = revision
        return self._pinned[name]

    def _seen(self, name: str, table: datasets.Dataset) -> Rows:
        """Take note of the commit that a table is of: its cache may hold another than asked for."""
        pinned = self._pinned[name] or ""
        file = next((file["filename"] for file in table.cache_files), "")
        commit = Path(file).parent.name if not Path(name).exists() else ""
        if _COMMIT.fullmatch(pinned) and _COMMIT.fullmatch(commit) and commit != pinned:
            raise CollectionError(
                f"the hub cannot be reached, and of {name} the revision {commit} is cached,"
                f" not {pinned}"
            )
        if seen := next((one for one in (commit, pinned) if _COMMIT.fullmatch(one)), ""):
            self._commits[name] = seen
        return cast("Rows", table)


@contextmanager
def _said(name: str) -> Generator[None]:
    """Make one sentence of what the libraries raise: a dozen types, from several libraries."""
    try:
        yield
    except CollectionError:
        raise
    except Exception as error:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if kinds & {"ConnectionError", "TransportError", "LocalEntryNotFoundError"}:
            again = "" if is_offline_mode() else ", or set HF_HUB_OFFLINE=1 if it was loaded before"
            message = (
                f"no collection {name}: there is no such folder, and the hub cannot be reached;"
                f" give a folder{again}"
            )
        elif kinds & {"DatasetNotFoundError", "RepositoryNotFoundError", "RevisionNotFoundError"}:
            message = f"no collection {name}: there is no such folder, and not on the hub: {reason}"
        else:
            message = f"{name} cannot be read as a dataset: {reason}"
        raise CollectionError(message) from error
