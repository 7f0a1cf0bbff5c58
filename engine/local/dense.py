# pyright: basic, reportAttributeAccessIssue=false, reportCallIssue=false
"""The dense part: cosine search in FAISS over unit vectors (LEAF: faiss).

* A file holds one float16 row a passage, exact (SQfp16: 2.7 ms at 100,000 rows, half of float32).
* From `approximate_from` rows on it is an inverted file over the same rows: the number of lists
  read is raised until the measured recall@100 is 0.95. Reading all lists is exact, and filtered
  searches do that: with a filter, HNSW and a short IVF probe silently lose results.
* Vectors newer than the file are a small exact tail; rows whose passage is gone are masked. FAISS
  scores the tail too: numpy adds in another order, and equal passages would not tie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import faiss
import numpy as np

from engine.errors import DamagedIndex, IndexFault
from engine.local.files import sync

if TYPE_CHECKING:
    from pathlib import Path

    from engine.types import FloatArray, IdArray

WANTED_RECALL = 0.95
DECIMALS = 6
_KIND, _METRIC = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
_SAMPLE = 200
_TRAINED_ON = 64  # vectors a list


def write(path: Path, ids: IdArray, vectors: FloatArray, approximate_from: int) -> dict[str, float]:
    """Write (n,) int64 ids and their (n, dim) float32 unit rows; return what was measured.

    The result is empty for an exact file, else `{"lists", "probes", "recall"}`.
    """
    dim = vectors.shape[1]
    measured: dict[str, float] = {}
    if len(ids) < approximate_from:
        rows = _exact(dim)
    else:
        lists = max(1, int(np.sqrt(len(ids))))
        rows = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dim), dim, lists, _KIND, _METRIC, False
        )
        rows.cp.seed = 0
        step = max(1, len(ids) // (lists * _TRAINED_ON))
        rows.train(np.ascontiguousarray(vectors[::step]))
    index = faiss.IndexIDMap(rows)
    index.add_with_ids(vectors, np.ascontiguousarray(ids, np.int64))
    if isinstance(rows, faiss.IndexIVF):
        measured = _measure(rows, vectors)
    unfinished = path.with_suffix(".tmp")
    try:
        faiss.write_index(index, str(unfinished))
    except RuntimeError as error:
        reason = str(error).rpartition("failed: ")[2]  # before it stand FAISS's own code lines
        raise IndexFault(f"the dense part cannot be written: {reason}") from error
    sync(unfinished)
    unfinished.rename(path)
    sync(path.parent)
    return measured


def _exact(dim: int) -> faiss.IndexScalarQuantizer:
    return faiss.IndexScalarQuantizer(dim, _KIND, _METRIC)


def _measure(rows: faiss.IndexIVF, vectors: np.ndarray) -> dict:
    """Raise the probes until a sample of passages finds its exact 100 nearest."""
    sample = vectors[:: max(1, len(vectors) // _SAMPLE)][:_SAMPLE]
    depth = min(100, len(vectors))
    rows.nprobe = rows.nlist
    exact = rows.search(sample, depth)[1]
    probes = 1
    while True:
        rows.nprobe = probes
        found = rows.search(sample, depth)[1]
        same = [len(np.intersect1d(a, b)) for a, b in zip(exact, found, strict=True)]
        recall = float(np.mean(same)) / depth
        if recall >= WANTED_RECALL or probes >= rows.nlist:
            return {"lists": rows.nlist, "probes": probes, "recall": round(recall, 4)}
        probes = min(rows.nlist, probes * 2)


class DensePart:
    """Reads a file of vectors and the tail that came after it."""

    def __init__(
        self,
        path: Path | None,
        gone: np.ndarray,
        tail_ids: np.ndarray,
        tail: np.ndarray,
    ) -> None:
        """Open a file, or none.

        Args:
            path: the file, or None before the first compaction.
            gone: (m,) int64 ids in the file whose passages were removed since.
            tail_ids: (t,) int64 ids newer than the file, ascending.
            tail: (t, dim) float32 unit rows of those.
        """
        self._rows = None
        self.ids = np.empty(0, np.int64)
        if path is not None:
            try:
                index = faiss.read_index(str(path))
            except (RuntimeError, MemoryError) as error:
                raise DamagedIndex(f"the dense part cannot be opened: {error}") from error
            self.ids = faiss.vector_to_array(index.id_map).astype(np.int64)
            self._index, self._rows = index, faiss.downcast_index(index.index)
        self._live = np.ones(len(self.ids), bool)
        self._live[np.searchsorted(self.ids, gone)] = False
        self._masked = len(gone) > 0
        self.tail_ids = tail_ids
        self._tail = _exact(max(1, tail.shape[1]))
        if len(tail):
            self._tail.add(np.ascontiguousarray(tail))

    def __len__(self) -> int:
        return int(self._live.sum()) + len(self.tail_ids)

    def search(
        self, vector: np.ndarray, depth: int, allowed: np.ndarray | None
    ) -> list[tuple[int, float]]:
        """Return (passage, cosine) of the best `depth` and of all that tie with the last of them.

        `allowed` are the ids that may answer, ascending; None means all.
        """
        if depth < 1:
            return []
        # A setting of each thread. A query on two took 12 ms, on one 2.7; batches gain nothing.
        faiss.omp_set_num_threads(1)
        limit = depth + 16
        while True:
            ids, scores = self._nearest(vector, limit, allowed)
            order = np.argsort(-scores, kind="stable")
            ids, scores = ids[order], scores[order]
            if len(ids) <= depth or len(ids) < limit or scores[-1] < scores[depth - 1]:
                last = scores[min(depth, len(ids)) - 1] if len(ids) else 0.0
                keep = scores >= last
                return list(zip(ids[keep].tolist(), scores[keep].tolist(), strict=True))
            limit *= 8

    def _nearest(
        self, vector: np.ndarray, limit: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the best `limit` of the file and the best `limit` of the tail, cut to `limit`."""
        tail_ids, tail_scores = self._nearest_in_tail(vector, limit, allowed)
        file_ids, file_scores = self._nearest_in_file(vector, limit, allowed)
        ids = np.concatenate([file_ids, tail_ids])
        scores = np.round(np.concatenate([file_scores, tail_scores]).astype(np.float64), DECIMALS)
        best = np.argsort(-scores, kind="stable")[:limit]
        return ids[best], scores[best]

    def _nearest_in_file(
        self, vector: np.ndarray, limit: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        if self._rows is None or not len(self.ids):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        keep = self._live
        if allowed is not None:
            keep = keep & np.isin(self.ids, allowed, assume_unique=True)
        parameters = self._parameters(keep, exact=allowed is not None)
        return _search(self._rows, self.ids, vector, limit, parameters)

    def _nearest_in_tail(
        self, vector: np.ndarray, limit: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        if not len(self.tail_ids):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        parameters = None
        if allowed is not None:
            keep = np.isin(self.tail_ids, allowed, assume_unique=True)
            parameters = faiss.SearchParameters(sel=_selector(keep))
        return _search(self._tail, self.tail_ids, vector, limit, parameters)

    def _parameters(self, keep: np.ndarray, *, exact: bool) -> faiss.SearchParameters | None:
        selector = None
        if exact or self._masked:
            selector = _selector(keep)
        if isinstance(self._rows, faiss.IndexIVF):
            probes = self._rows.nlist if exact else self._rows.nprobe
            return faiss.SearchParametersIVF(sel=selector, nprobe=probes)
        return faiss.SearchParameters(sel=selector) if selector else None

    def vectors(self) -> np.ndarray:
        """Return the file's rows as (n, dim) float32, in the order of `ids`."""
        if self._rows is None:
            return np.empty((0, 0), np.float32)
        if isinstance(self._rows, faiss.IndexIVF):
            self._rows.make_direct_map()
        return self._rows.reconstruct_n(0, len(self.ids))


def _selector(keep: np.ndarray) -> faiss.IDSelectorBitmap:
    return faiss.IDSelectorBitmap(np.packbits(keep, bitorder="little"))


def _search(
    index: faiss.Index,
    ids: np.ndarray,
    vector: np.ndarray,
    limit: int,
    parameters: faiss.SearchParameters | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (ids, scores) of the nearest rows of an index."""
    query = np.ascontiguousarray(vector.reshape(1, -1), np.float32)
    scores, rows = index.search(query, min(limit, len(ids)), params=parameters)
    found = rows[0] >= 0
    return ids[rows[0][found]], scores[0][found]
