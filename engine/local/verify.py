"""Proving an index whole: damaged tantivy and FAISS files often load and then answer wrongly."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import DamagedIndex, NoIndex
from engine.local.catalog import Catalog
from engine.local.connection import connect
from engine.local.dense import DensePart
from engine.local.files import checksum
from engine.local.parts import Parts
from engine.local.text import TextPart

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True)
class Verdict:
    """What a check found. Strangers are what an interrupted write left: harmless."""

    generation: int = 0
    documents: int = 0
    passages: int = 0
    vectors: int = 0
    files: int = 0
    strangers: list[str] = field(default_factory=list[str])
    damage: list[str] = field(default_factory=list[str])
    beyond_repair: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damage


def verify(folder: Path) -> Verdict:
    """Check the catalogue, every checksum, and every passage and vector in every part.

    Raises:
        NoIndex: if there is no index.
    """
    verdict = Verdict()
    try:
        catalog = Catalog(connect(folder, write=False))
    except DamagedIndex as error:
        return _beyond_repair(verdict, str(error))
    try:
        if not catalog.check_format() or not catalog.generation:
            raise NoIndex(f"no index at {folder}: its first build did not reach a commit")
        catalog.execute("BEGIN")
        verdict.damage += _catalog_damage(catalog)
        if verdict.damage:
            verdict.beyond_repair = True
            return verdict
        _check_parts(folder, catalog, verdict)
    except (DamagedIndex, sqlite3.DatabaseError) as error:
        return _beyond_repair(verdict, str(error))
    finally:
        catalog.connection.close()
    return verdict


def _beyond_repair(verdict: Verdict, reason: str) -> Verdict:
    verdict.damage.append(reason)
    verdict.beyond_repair = True
    return verdict


def _catalog_damage(catalog: Catalog) -> list[str]:
    rows = catalog.execute("PRAGMA integrity_check(5)").fetchall()
    damage = [f"catalogue: {row[0]}" for row in rows if row[0] != "ok"]
    orphans = catalog.execute("PRAGMA foreign_key_check").fetchall()
    if orphans:
        damage.append(f"catalogue: {len(orphans)} rows belong to nothing")
    return damage


def _check_parts(folder: Path, catalog: Catalog, verdict: Verdict) -> None:
    parts = Parts.read(catalog)
    verdict.generation = catalog.generation
    verdict.documents, verdict.passages = catalog.count()
    verdict.strangers = _strangers(folder, parts)
    damaged: list[str] = []
    for name, (size, digest) in sorted(catalog.parts().items()):
        verdict.files += 1
        path = folder / name
        if not path.is_file():
            damaged.append(f"{name}: missing")
        elif path.stat().st_size != size or checksum(path) != digest:
            damaged.append(f"{name}: not what was written")
    verdict.damage += damaged
    # A damaged file is not opened: tantivy and FAISS trust what they read.
    for part, check in (("text/", _check_text), ("dense/", _check_dense)):
        if not any(line.startswith(part) for line in damaged):
            try:
                check(folder, catalog, parts, verdict)
            except DamagedIndex as error:
                verdict.damage.append(str(error))


def _strangers(folder: Path, parts: Parts) -> list[str]:
    found = [f"{part}/{p.name}" for part in ("text", "dense") for p in _entries(folder / part)]
    return sorted(set(found) - parts.named)


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _check_text(folder: Path, catalog: Catalog, parts: Parts, verdict: Verdict) -> None:
    wanted = _ids(catalog, "SELECT id FROM passage ORDER BY id")
    text = TextPart(folder / parts.text)
    try:
        found = text.ids()
    finally:
        text.close()
    if not np.array_equal(found, wanted):
        missing = len(np.setdiff1d(wanted, found))
        verdict.damage.append(
            f"text: {missing} passages missing, {len(np.setdiff1d(found, wanted))} unknown"
        )


def _check_dense(folder: Path, catalog: Catalog, parts: Parts, verdict: Verdict) -> None:
    dim = catalog.settings.dim
    ids, vectors = catalog.vectors(0, dim)
    verdict.vectors = len(ids)
    newer = ids > parts.dense_through
    path = folder / parts.dense if parts.dense else None
    gone = catalog.gone()
    dense = DensePart(path, gone, ids[newer], vectors[newer])
    live = np.setdiff1d(dense.ids, gone)
    if not np.array_equal(live, ids[~newer]):
        verdict.damage.append("dense: its passages are not those of the catalogue")
        return
    kept = np.isin(dense.ids, live)
    if len(live) and not np.array_equal(dense.vectors()[kept], vectors[~newer]):
        verdict.damage.append("dense: vectors differ from the catalogue's")


def _ids(catalog: Catalog, sql: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.fromiter((row[0] for row in catalog.execute(sql)), np.int64)
