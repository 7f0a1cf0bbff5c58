# pyright: basic
"""LEAF (datasets, huggingface_hub): repositories of datasets, of the hub or copies of them.

No code of a repository ever runs: `datasets` reads data files alone, and is not told otherwise.
"""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import datasets
from huggingface_hub import HfApi, is_offline_mode
from huggingface_hub.errors import OfflineModeIsEnabled

from engine.errors import CollectionError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from indexer.judged.tables import Rows

_COMMIT = re.compile(r"[0-9a-f]{40}")
_PATIENCE = 30.0  # seconds for the hub's first answer


class Hub:
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
        """Return the names of a repository's configurations."""
        return datasets.get_dataset_config_names(name, revision=self._pin(name))

    def names(self, name: str, configuration: str | None) -> list[str]:
        """Return the names of the splits of a configuration."""
        return datasets.get_dataset_split_names(name, configuration, revision=self._pin(name))

    def splits(self, name: str, configuration: str | None) -> Mapping[str, Rows]:
        """Return split -> rows of a configuration."""
        found = cast(
            "datasets.DatasetDict",
            datasets.load_dataset(name, configuration, revision=self._pin(name)),
        )
        return {str(split): self._seen(name, table) for split, table in found.items()}

    def rows(self, name: str, configuration: str | None, split: str) -> Rows:
        """Return the rows of a split, or of a part of it: `train[:1000]`."""
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
def said(name: str) -> Generator[None]:
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
                f" download it elsewhere and give the folder or file{again}"
            )
        elif kinds & {"DatasetNotFoundError", "RepositoryNotFoundError", "RevisionNotFoundError"}:
            message = f"no collection {name}: there is no such folder, and not on the hub: {reason}"
        else:
            message = f"{name} cannot be read as a dataset: {reason}"
        raise CollectionError(message) from error


def quiet() -> None:
    """Show no bars where nobody looks at them."""
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
