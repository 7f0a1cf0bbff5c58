# pyright: basic
"""Repositories of datasets as `datasets` reads them: copies of them, and what it has cached."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from datasets import Dataset, load_dataset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Columns = Mapping[str, Sequence[object]]

COMMIT = "0123456789abcdef" * 2 + "01234567"


def repository(name: str, files: Mapping[str, Columns], cards: Mapping[str, str]) -> Path:
    """Make the folder of a repository; `cards` says which files a configuration has, by split."""
    folder = Path(name)
    for path, columns in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Dataset.from_dict(dict(columns)).to_parquet(folder / path)
    lines = ["---", "configs:"]
    for place, path in cards.items():
        configuration, _, split = place.partition("/")
        if f"- config_name: {configuration}" not in lines:
            lines += [f"- config_name: {configuration}", "  data_files:"]
        lines += [f"  - split: {split}", f"    path: {path}"]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]))
    return folder


def leave_in_cache(cache: Path, name: str, columns: Columns) -> None:
    """Leave a dataset of one split in a cache as if it had come from the hub, at a commit."""
    folder = repository(name, {"data.parquet": columns}, {"default/train": "data.parquet"})
    load_dataset(name)
    owner, _, last = name.partition("/")
    (local,) = (cache / last / "default" / "0.0.0").glob("*/dataset_info.json")
    shutil.copytree(local.parent, cache / f"{owner}___{last}" / "default" / "0.0.0" / COMMIT)
    shutil.rmtree(folder)
