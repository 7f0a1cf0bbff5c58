"""The local store against the exact one in memory, through any sequence of changes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,  # pyright: ignore[reportUnknownVariableType]
)

from engine.config import IndexSettings
from engine.filters import Filter, parse_filter
from engine.local.store import LocalStore
from engine.local.verify import verify
from engine.local.writer import LocalWriter
from engine.memory import MemoryStore
from engine.query import parse
from engine.types import Document
from tests.contract.store import ANALYZER, DIM, ENCODER, passages

if TYPE_CHECKING:
    from engine.types import Hit

ALL = 10_000
VOCABULARY = ["alpha", "beta", "beta", "gamma", "delta", "GitHub", "中文", "ไทย", "the", "running"]
# Below 40 terms tantivy keeps the length of a passage exactly.
TEXT = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=7).map(" ".join)
PART = st.sampled_from(
    [
        *(*VOCABULARY, "run", "runs", "del*", "g*", "+beta", "-gamma", '"beta gamma"', '"alpha'),
        *("文", "title:one", "-title:one", "path:a", "-path:b/*", "nowhere", "zz*", "Git*", "中*"),
    ]
)
QUERY = st.lists(PART, max_size=4).map(" ".join)
WHERE = st.sampled_from(["", "", "path:a", "path:*.md", "type:md", "k:x", "k:x k:y type:txt"])
IDS = st.sampled_from([f"{folder}/{n}.{kind}" for folder in "ab" for n in "12" for kind in "mt"])


class Folding(LocalWriter):
    """Folds, as soon as the class says."""


class Stores(RuleBasedStateMachine):
    """Does the same to both, and compares what they answer."""

    @initialize(fold=st.sampled_from([0, 2, 256]))
    def begin(self, fold: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="shortlist-test-"))
        self.fold = fold
        self.memory = MemoryStore()
        self.local = LocalStore(self.folder / "index")
        self.open()
        self.commit()

    def open(self) -> None:
        settings_ = IndexSettings(dim=DIM)
        writer = type("Folding", (Folding,), {"smallest_fold": self.fold})
        self.writers = (writer(self.folder / "index", settings_), self.memory.writer())

    def leave(self) -> None:
        for writer in self.writers:
            writer.__exit__(None, None, None)

    @rule(id_=IDS, texts=st.lists(TEXT, max_size=4), title=st.sampled_from(["", "one", "One two"]))
    def put(self, id_: str, texts: list[str], title: str) -> None:
        kind = {"m": "md", "t": "txt"}[id_[-1]]
        metadata = {"k": "xyz"[len(texts) % 3]}
        document = Document(id=id_, path=id_ + kind[1:], type=kind, title=title, metadata=metadata)
        vectors = ENCODER.encode_passages(texts)
        for writer in self.writers:
            writer.add(document, passages(*texts), vectors)

    @rule(id_=IDS)
    def delete(self, id_: str) -> None:
        there = [writer.delete_document(id_) for writer in self.writers]
        assert there[0] is there[1]

    @rule()
    def commit(self) -> None:
        generations = [writer.commit() for writer in self.writers]
        assert generations[0] >= generations[1]

    @rule()
    def abandon(self) -> None:
        self.leave()
        self.open()

    @rule()
    def commit_and_reopen(self) -> None:
        self.commit()
        self.abandon()

    @rule(queries=st.lists(st.tuples(QUERY, WHERE), min_size=1, max_size=6))
    def same_answers_after_a_rebuild(self, queries: list[tuple[str, str]]) -> None:
        self.writers[0].rebuild()
        self.writers[1].commit()
        snapshot, exact = self.local.snapshot(), self.memory.snapshot()
        for words, where in queries:
            asked, kept = [parse(words, ANALYZER)], parse_filter(where)
            depth = 3 if "alpha" in words else ALL
            mine = snapshot.search_text(asked, depth, kept)[0]
            theirs = exact.search_text(asked, depth, kept)[0]
            same_ranking(mine, theirs)
        snapshot.close()

    @rule(queries=st.lists(st.tuples(QUERY, WHERE), min_size=1, max_size=6))
    def same_passages_found_at_any_time(self, queries: list[tuple[str, str]]) -> None:
        snapshot, exact = self.local.snapshot(), self.memory.snapshot()
        for words, where in queries:
            asked, kept = [parse(words, ANALYZER)], parse_filter(where)
            vectors = ENCODER.encode_queries([asked[0].text])
            if not asked[0].prefixes:  # what a prefix means depends on terms, also of removed text
                mine, theirs = (s.search_text(asked, ALL, kept)[0] for s in (snapshot, exact))
                assert sorted(map(place, mine)) == sorted(map(place, theirs))
            for depth in (2, ALL):
                mine = snapshot.search_vectors(asked, vectors, depth, kept)[0]
                theirs = exact.search_vectors(asked, vectors, depth, kept)[0]
                same_ranking(mine, theirs)
        snapshot.close()

    @rule(id_=IDS)
    def same_documents(self, id_: str) -> None:
        snapshot, exact = self.local.snapshot(), self.memory.snapshot()
        assert snapshot.count() == exact.count()
        mine, theirs = (s.document_passages(id_) for s in (snapshot, exact))
        assert [(s.document, s.passage) for s, _ in mine] == [
            (s.document, s.passage) for s, _ in theirs
        ]
        for (_, a), (_, b) in zip(mine, theirs, strict=True):
            assert (a is None and b is None) or (a is not None and b is not None and (a == b).all())
        snapshot.close()

    @precondition(lambda self: self.fold < 3)
    @rule()
    def verified(self) -> None:
        verdict = verify(self.folder / "index")
        assert verdict.damage == []

    @invariant()
    def only_named_parts_and_one_unfinished_lie_there(self) -> None:
        if hasattr(self, "folder"):
            assert len(list((self.folder / "index" / "text").iterdir())) <= 6

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.leave()
            shutil.rmtree(self.folder)


def place(hit: Hit) -> tuple[str, int]:
    return hit.document, hit.number


def same_ranking(mine: list[Hit], theirs: list[Hit]) -> None:
    """Equal scores at every rank; equal places except among scores that are nearly the same."""
    assert len(mine) == len(theirs)
    assert all(abs(a.score - b.score) < 1e-3 for a, b in zip(mine, theirs, strict=True))
    for a, b in zip(mine, theirs, strict=True):
        near = [h for h in theirs if abs(h.score - b.score) < 2e-3]
        cut = abs(theirs[-1].score - a.score) < 2e-3
        assert place(a) in set(map(place, near)) or cut


def test_any_sequence_of_changes_leaves_both_stores_with_the_same_answers() -> None:
    run_state_machine_as_test(
        Stores, settings=settings(max_examples=20, stateful_step_count=15, deadline=None)
    )


def test_the_filter_of_a_query_and_the_filter_beside_it_bind_both(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "index", IndexSettings(dim=DIM))
    with store.writer() as writer:
        for id_ in ("a/x.md", "b/x.md", "a/y.txt"):
            document = Document(id=id_, path=id_, type=id_.rpartition(".")[2])
            writer.add(document, passages("alpha"), ENCODER.encode_passages(["alpha"]))
        writer.commit()
    snapshot = store.snapshot()
    [hits] = snapshot.search_text([parse("alpha path:a", ANALYZER)], 9, Filter(types=("md",)))
    assert [hit.document for hit in hits] == ["a/x.md"]
