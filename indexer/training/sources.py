"""What `train` is given: files, folders, and datasets of the hub or of a copy of one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from engine.errors import CollectionError, UsageError
from engine.evaluation.beir import CORPUS, splits
from indexer.judged.known import known
from indexer.judged.rows import SUFFIXES
from indexer.training.examples import checksum_of
from indexer.training.folder import TRAIN, read_folder
from indexer.training.reading import examples_of, read_examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.training.examples import TrainingSet

_REPOSITORY: Final = re.compile(r"\w[\w.-]*/\w[\w.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How sources are read.

    Attributes:
        lenient: see reading.read_examples.
        alone: see reading.read_examples.
        split: of a dataset; None is `train`, or its only one if that is not `test`.
        subset: of a dataset.
        revision: of a dataset of the hub: a branch, a tag or a commit.
    """

    lenient: bool = False
    alone: bool = False
    split: str | None = None
    subset: str | None = None
    revision: str | None = None


def read_sources(sources: Sequence[Path], how: Reading | None = None) -> list[TrainingSet]:
    """Return the examples of several sources, each a set of its own kind and name.

    What is there as a file or folder is read from there; else it is a dataset of the hub.

    Raises:
        UsageError: if a source is named twice, or there is no dataset to choose a subset of.
        CollectionError: as `reading.read_examples`, or if the hub cannot be reached or does not
            have it.
    """
    how = how or Reading()
    twice = next((one for at, one in enumerate(sources) if one in sources[:at]), None)
    if twice is not None:
        raise UsageError(f"{twice} is named twice; every source counts once")
    datasets = [_is_dataset(one) for one in sources]
    if (how.split or how.subset or how.revision) and not any(datasets):
        raise UsageError("split, subset and revision are of a dataset, and no source is one")
    sets = [
        _dataset(one, how)
        if is_dataset
        else read_examples(one, lenient=how.lenient, alone=how.alone)
        for one, is_dataset in zip(sources, datasets, strict=True)
    ]
    return [replace(one, name=name) for one, name in zip(sets, _different(sets), strict=True)]


def _is_dataset(source: Path) -> bool:
    """Tell a dataset: the folder of a copy of one, or a name on the hub.

    Raises:
        CollectionError: if it is nothing at all.
    """
    if source.is_file():
        return False
    if source.is_dir():
        if splits(source) or (source / CORPUS).is_file():
            return False
        return any(one.suffix.lower() in SUFFIXES for one in source.rglob("*"))
    name = source.as_posix()
    if source.suffix.lower() in SUFFIXES or not (known(name) or _REPOSITORY.fullmatch(name)):
        raise CollectionError(
            f"there is no file or folder {source}, and it is no name of a dataset of the hub"
            " (owner/name)"
        )
    return True


def _dataset(source: Path, how: Reading) -> TrainingSet:
    from indexer.judged.hub import load_hub, load_rows

    name = source.as_posix()
    one = known(name)
    if one is not None and one.whole:
        raise CollectionError(f"{name} is made to evaluate with, and has nothing to train on")
    found = load_rows(name, split=how.split, subset=how.subset, revision=how.revision)
    if found is not None:
        place = f"{found.name}/{found.split}"
        read = examples_of(
            found.rows, place=place, name=found.name, lenient=how.lenient, alone=how.alone
        )
        sums = {place: checksum_of(read.examples)}
        return replace(read, checksums=sums, notes=(*found.notes, *read.notes))
    split = how.split or TRAIN
    with TemporaryDirectory() as folder:
        into = Path(folder)
        collection = load_hub(
            name, into, split=split, subset=how.subset, revision=how.revision, lenient=how.lenient
        )
        [judged] = (into / "qrels").glob("*.tsv")
        judged.rename(into / "qrels" / f"{TRAIN}.tsv")
        read = read_folder(into, lenient=True)  # what `load_hub` let through
    sums = {f"{collection.name}/{path}": digest for path, digest in read.checksums.items()}
    return replace(read, name=collection.name, checksums=sums, notes=collection.notes)


def _different(sets: Sequence[TrainingSet]) -> list[str]:
    """Return a name for each set: the second `train` is called `train-2`."""
    names: list[str] = []
    for one in sets:
        name, number = one.name, 1
        while name in names:
            number += 1
            name = f"{one.name}-{number}"
        names.append(name)
    return names
