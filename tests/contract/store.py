"""What every store promises. A backend inherits StoreContract and gives the fixture `store`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from engine.analysis import Analyzer
from engine.errors import IndexLocked, ModelError, UsageError
from engine.filters import Filter, parse_filter
from engine.query import parse
from engine.types import Document, Passage, by_rank
from tests.fakes import HashEncoder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.protocols import IndexWriter, Snapshot, Store
    from engine.types import FloatArray, Hit

DIM: Final = 32
ENCODER: Final = HashEncoder(dim=DIM)
OTHER: Final = HashEncoder(name="other", dim=4096)
ANALYZER: Final = Analyzer()
HOSTILE: Final = [
    *("", " ", "\0", "\ud800", "\udcff x", "🔥", "🔥" * 5000, "!!!", "*", "**", "-", "+"),
    *('"', '"""', "AND", "OR NOT", "-alpha", '-"', '+""', "a" * 100_000, "title:*", "zzz:*"),
    *("(" * 100_000, "[" * 100_000, "-(" * 30_000, "NOT " * 20_000, '"' * 99_999, "/" * 50_000),
    *("title:", "path:", "path:" + "?" * 90_000, "path:" + "*a" * 40_000, "path:[", "path:[!a]*"),
    *("\u0301", "+\u064b", "中" * 50_000, "中" * 50_000 + "*", "ไทย" * 20_000 + "*", "é" * 90_000),
    *(
        '"' + "alpha " * 16_000 + '"',
        " ".join(f"w{n}" for n in range(15_000)),
        "-x " * 30_000,
        "x* " * 30_000,
    ),
    *("alpha\r\n\u2028beta", "\ufeffalpha", "ﷺ" * 3000, "a\u0300" * 40_000, "\U0010ffff"),
]
# Ids that order, fold and match patterns in unlike ways; in no order.
STRANGE_IDS: Final = [
    *("b", "a", "a/b", "a/", "a/é", "a%", "a_", "a*", "ab", "A", "a\U0010ffff", "B", "~", "\x7f"),
    *("\U0010ffff", "\U0010ffff\U0010ffff", "\U0010fffe", "\uffff", "\ue000", "\ud7ff", "🔥", "一"),
    *("e\u0301", "\xe9a", "\xe9", "\u07ff", "\u0800", "a b", " ", "a\n", "1", "10", "2", "'\""),
]


@dataclass(frozen=True)
class Asker:
    """Asks a snapshot in words, for who is tired of batches of one."""

    snapshot: Snapshot

    def text(self, query: str, depth: int = 10, where: str = "") -> list[Hit]:
        asked = [parse(query, ANALYZER)]
        return self.snapshot.search_text(asked, depth, parse_filter(where))[0]

    def near(
        self, text: str, depth: int = 10, where: str = "", *, query: str | None = None
    ) -> list[Hit]:
        """The passages nearest to a text; `query` is what else is demanded."""
        asked = [parse(text if query is None else query, ANALYZER)]
        vectors = ENCODER.encode_queries([text])
        return self.snapshot.search_vectors(asked, vectors, depth, parse_filter(where))[0]

    def both(self, query: str, depth: int = 10, where: str = "") -> list[list[Hit]]:
        return [self.text(query, depth, where), self.near(query, depth, where)]


def passages(*texts: str) -> list[Passage]:
    return [Passage(number=n, start=0, end=len(t), text=t) for n, t in enumerate(texts)]


def put(writer: IndexWriter, document: Document | str, *texts: str) -> None:
    """Add a document with the HashEncoder's vectors; a plain id is its path too."""
    if isinstance(document, str):
        document = Document(id=document, path=document, type=document.rpartition(".")[2])
    vectors = ENCODER.encode_passages(texts) if texts else np.empty((0, DIM), np.float32)
    writer.add(document, passages(*texts), vectors)


def commit(store: Store, documents: Mapping[str, Sequence[str]]) -> int:
    """Put documents (id -> passages) and commit them."""
    with store.writer() as writer:
        for id_, texts in documents.items():
            put(writer, id_, *texts)
        return writer.commit()


def ask(store: Store) -> Asker:
    return Asker(store.snapshot())


def places(hits: Sequence[Hit]) -> list[tuple[str, int]]:
    return [(hit.document, hit.number) for hit in hits]


def documents(hits: Sequence[Hit]) -> list[str]:
    return [hit.document for hit in hits]


@dataclass(frozen=True)
class FailingEncoder(HashEncoder):
    """Fails after its first 500 passages, or gives a row too few."""

    short: bool = False

    def encode_passages(self, texts: Sequence[str]) -> FloatArray:
        if not self.short and any(text.startswith("word55") for text in texts):
            raise ModelError("this encoder fails")
        return super().encode_passages(texts)[self.short :]


def near_other(snapshot: Snapshot, text: str, depth: int) -> list[tuple[str, float]]:
    """Return (document, cosine) of the passages nearest to a text, for OTHER."""
    vectors = OTHER.encode_queries([text])
    hits = snapshot.search_vectors([parse(text, ANALYZER)], vectors, depth, Filter())[0]
    return [(hit.document, hit.score) for hit in hits]


class StoreContract:
    """Inherit, and override the fixture `store`."""

    @pytest.fixture
    def store(self) -> Store:
        pytest.fail("a backend gives its own store")

    # -- commits ---------------------------------------------------------------------------------

    def test_uncommitted_writes_are_invisible(self, store: Store) -> None:
        commit(store, {"a": ["alpha"]})
        with store.writer() as writer:
            put(writer, "b", "alpha")
            writer.delete_document("a")
            assert [documents(hits) for hits in ask(store).both("alpha")] == [["a"], ["a"]]
            writer.commit()
            assert [documents(hits) for hits in ask(store).both("alpha")] == [["b"], ["b"]]

    def test_leaving_without_commit_discards_everything(self, store: Store) -> None:
        commit(store, {"a": ["alpha"]})
        with store.writer() as writer:
            put(writer, "a", "beta")
            put(writer, "b", "beta")
        with pytest.raises(ZeroDivisionError), store.writer() as writer:
            writer.delete_document("a")
            raise ZeroDivisionError
        asker = ask(store)
        assert asker.snapshot.generation == 1
        assert [documents(hits) for hits in asker.both("alpha")] == [["a"], ["a"]]
        assert asker.text("beta") == []
        assert asker.snapshot.count() == (1, 1)

    def test_work_after_a_discarded_batch_is_whole(self, store: Store) -> None:
        commit(store, {"a": ["alpha"], "b": ["beta"]})
        with store.writer() as writer:
            put(writer, "a", "gamma")
            put(writer, "c", "gamma")
        commit(store, {"a": ["delta"], "d": ["delta"]})
        asker = ask(store)
        assert asker.text("gamma") == []
        assert asker.text("alpha") == []
        assert documents(asker.text("delta")) == ["a", "d"]
        stored = asker.snapshot.passages([h.passage for h in asker.text("delta")])
        assert [p.document.id for p in stored] == ["a", "d"]

    def test_a_snapshot_keeps_its_view_while_commits_go_on(self, store: Store) -> None:
        commit(store, {"a": ["alpha one"], "b": ["beta"]})
        before = ask(store)
        seen = before.both("alpha")
        for text in ("alpha", "gamma", "delta", "alpha alpha", "epsilon"):
            commit(store, {"a": [text], text: ["alpha"]})
        assert before.both("alpha") == seen
        assert before.snapshot.generation == 1
        assert before.snapshot.count() == (2, 2)
        [stored] = before.snapshot.passages([seen[0][0].passage])
        assert stored.passage.text == "alpha one"
        [(stored, _)] = before.snapshot.document_passages("a")
        assert stored.passage.text == "alpha one"

    def test_generations_count_commits_from_one(self, store: Store) -> None:
        assert [commit(store, {"a": [str(n)]}) for n in range(3)] == [1, 2, 3]
        assert store.snapshot().generation == 3

    def test_one_writer_can_commit_several_times(self, store: Store) -> None:
        with store.writer() as writer:
            for n in range(4):
                put(writer, f"d{n}", "alpha")
                assert writer.commit() == n + 1
                assert len(ask(store).text("alpha")) == n + 1
            put(writer, "lost", "alpha")
        assert documents(ask(store).text("alpha")) == ["d0", "d1", "d2", "d3"]

    def test_the_first_commit_makes_an_index_even_of_nothing(self, store: Store) -> None:
        with store.writer() as writer:
            assert writer.commit() == 1
        asker = ask(store)
        assert asker.snapshot.count() == (0, 0)
        assert asker.both("alpha") == [[], []]
        assert asker.snapshot.document_passages("a") == []

    def test_a_commit_without_a_change_makes_no_generation(self, store: Store) -> None:
        commit(store, {"a": ["alpha"]})
        with store.writer() as writer:
            assert writer.delete_document("never there") is False
            assert writer.commit() == 1
            assert writer.commit() == 1
        assert store.snapshot().generation == 1

    def test_a_second_writer_is_refused_until_the_first_leaves(self, store: Store) -> None:
        with store.writer() as first:
            with pytest.raises(IndexLocked, match="writ"):
                store.writer()
            put(first, "a", "alpha")
            first.commit()
        assert commit(store, {"b": ["alpha"]}) == 2

    # -- documents -------------------------------------------------------------------------------

    def test_a_replaced_document_answers_once_and_with_its_new_text(self, store: Store) -> None:
        commit(store, {"a": ["alpha old", "alpha older"], "b": ["alpha"]})
        commit(store, {"a": ["alpha new"]})
        asker = ask(store)
        assert sorted(documents(asker.text("alpha"))) == ["a", "b"]
        assert sorted(documents(asker.near("alpha"))) == ["a", "b"]
        assert asker.text("old") == asker.text("older") == []
        [hit] = asker.text("new")
        [stored] = asker.snapshot.passages([hit.passage])
        assert (stored.document.id, stored.passage.text) == ("a", "alpha new")

    def test_a_document_put_twice_in_one_batch_answers_once(self, store: Store) -> None:
        with store.writer() as writer:
            put(writer, "a", "alpha first")
            put(writer, "a", "alpha second")
            writer.commit()
        asker = ask(store)
        assert [len(hits) for hits in asker.both("alpha")] == [1, 1]
        assert asker.text("first") == []
        assert asker.snapshot.count() == (1, 1)

    def test_deleted_and_put_again_in_one_batch_it_is_there_once(self, store: Store) -> None:
        commit(store, {"a": ["alpha"], "b": ["beta"]})
        with store.writer() as writer:
            assert writer.delete_document("a")
            put(writer, "a", "alpha again")
            assert writer.delete_document("b")
            put(writer, "b", "beta again")
            assert writer.delete_document("b")
            writer.commit()
        asker = ask(store)
        assert [places(hits) for hits in asker.both("again")] == [[("a", 0)], [("a", 0)]]
        assert asker.text("beta") == []
        assert asker.snapshot.count() == (1, 1)

    def test_a_deleted_document_vanishes_from_every_answer(self, store: Store) -> None:
        commit(store, {"a": ["alpha", "alpha two"], "b": ["alpha"]})
        ids = [hit.passage for hit in ask(store).text("alpha") if hit.document == "a"]
        with store.writer() as writer:
            assert writer.delete_document("a") is True
            assert writer.delete_document("a") is False
            writer.commit()
        asker = ask(store)
        assert [documents(hits) for hits in asker.both("alpha")] == [["b"], ["b"]]
        assert asker.snapshot.passages(ids) == []
        assert asker.snapshot.document_passages("a") == []
        assert asker.snapshot.count() == (1, 1)

    def test_everything_can_be_deleted(self, store: Store) -> None:
        commit(store, {f"d{n}": ["alpha"] for n in range(30)})
        with store.writer() as writer:
            for n in range(30):
                writer.delete_document(f"d{n}")
            writer.commit()
        assert ask(store).both("alpha") == [[], []]
        commit(store, {"back": ["alpha"]})
        assert [documents(hits) for hits in ask(store).both("alpha")] == [["back"], ["back"]]

    def test_a_document_without_passages_counts_but_answers_nothing(self, store: Store) -> None:
        with store.writer() as writer:
            writer.add(Document(id="empty", title="alpha"), [], None)
            writer.add(Document(id="none", title="alpha"), [], np.empty((0, DIM), np.float32))
            put(writer, "a", "alpha")
            writer.commit()
        asker = ask(store)
        assert documents(asker.text("alpha")) == ["a"]
        assert asker.snapshot.count() == (3, 1)
        assert asker.snapshot.document_passages("empty") == []
        with store.writer() as writer:
            assert writer.delete_document("empty")
            writer.commit()
        assert store.snapshot().count() == (2, 1)

    def test_what_is_stored_comes_back_as_it_was(self, store: Store) -> None:
        document = Document(
            id="folder/ä b.md",
            title="Ein Titel 標題",
            path="folder/ä b.md",
            type="md",
            date=1_700_000_000.5,
            metadata={"n": 1, "x": 1.5, "yes": True, "tags": ["A", "b"], "s": "Straße"},
        )
        passage = Passage(
            number=0, start=7, end=12, text="a\r\n\tz", page=3, heading=("Über", "二", "c")
        )
        with store.writer() as writer:
            writer.add(document, [passage], ENCODER.encode_passages(["a z"]))
            writer.commit()
        [(stored, _)] = store.snapshot().document_passages("folder/ä b.md")
        assert stored.document == document
        assert stored.passage == passage
        assert store.snapshot().passages([stored.id]) == [stored]

    def test_vectors_come_back_rounded_to_float16(self, store: Store) -> None:
        rows = ENCODER.encode_passages(["one two three", "two three four five"])
        with store.writer() as writer:
            writer.add(Document(id="a"), passages("one two three", "two three four five"), rows)
            writer.commit()
        back = [vector for _, vector in store.snapshot().document_passages("a")]
        for row, vector in zip(rows, back, strict=True):
            assert vector is not None
            assert vector.dtype == np.float32
            assert np.array_equal(vector, row.astype(np.float16).astype(np.float32))

    def test_passages_come_in_the_order_asked_without_those_that_are_gone(
        self, store: Store
    ) -> None:
        commit(store, {"a": ["alpha", "beta", "gamma"], "b": ["delta"]})
        snapshot = store.snapshot()
        ids = [stored.id for stored, _ in snapshot.document_passages("a")]
        asked = [ids[2], 10**12, ids[0], -1, 0, ids[1]]
        assert [p.id for p in snapshot.passages(asked)] == [ids[2], ids[0], ids[1]]
        assert snapshot.passages([]) == []

    def test_passages_of_a_document_come_by_number(self, store: Store) -> None:
        mixed = [passages("a", "b", "c")[n] for n in (2, 0, 1)]
        with store.writer() as writer:
            writer.add(Document(id="a"), mixed, ENCODER.encode_passages(["c", "a", "b"]))
            writer.commit()
        found = store.snapshot().document_passages("a")
        assert [(s.passage.number, s.passage.text) for s, _ in found] == [
            (0, "a"), (1, "b"), (2, "c"),
        ]  # fmt: skip
        rows = ENCODER.encode_passages(["a", "b", "c"])
        for row, (_, vector) in zip(rows, found, strict=True):
            assert vector is not None
            assert np.array_equal(row, vector)

    def test_documents_come_in_order_of_their_ids_and_whole(self, store: Store) -> None:
        every = [
            Document(id="b/2.md", title="Two", path="b/2.md", type="md", metadata={"k": ["x"]}),
            Document(id="a", date=1.5),
            Document(id="b", title="no passage"),
        ]
        with store.writer() as writer:
            for document in every:
                put(writer, document, *(() if document.id == "b" else ("alpha", "beta")))
            writer.commit()
        snapshot = store.snapshot()
        assert snapshot.documents() == [every[1], every[2], every[0]]
        assert snapshot.documents("b") == [every[2], every[0]]
        assert snapshot.documents("b/") == snapshot.documents(after="b") == [every[0]]
        assert snapshot.documents("c") == snapshot.documents("b/2.md.") == []

    @pytest.mark.parametrize("prefix", ["", *"aAZz~é一🔥", "a/", "\U0010ffff", "\x7f", "\uffff"])
    def test_pages_of_documents_together_are_what_begins_so(
        self, store: Store, prefix: str
    ) -> None:
        commit(store, {id_: ["alpha"] for id_ in STRANGE_IDS})
        snapshot = store.snapshot()
        wanted = sorted(id_ for id_ in STRANGE_IDS if id_.startswith(prefix))
        for limit in (1, 2, 3, 1000):
            found: list[str] = []
            while page := snapshot.documents(prefix, found[-1] if found else "", limit):
                assert len(page) <= limit
                found += [document.id for document in page]
            assert found == wanted

    def test_documents_begin_after_any_text(self, store: Store) -> None:
        commit(store, {id_: ["alpha"] for id_ in STRANGE_IDS})
        snapshot = store.snapshot()
        for after in [*STRANGE_IDS, "\0", "a\0", "\ud800", "\udfff", "b\udfff", "%", "_", "a*"]:
            for prefix in ("", "a", "b", "\ud800", "\U0010ffff"):
                assert [document.id for document in snapshot.documents(prefix, after)] == sorted(
                    id_ for id_ in STRANGE_IDS if id_.startswith(prefix) and id_ > after
                )
        assert snapshot.documents(limit=0) == snapshot.documents(limit=-1) == []

    def test_documents_are_those_of_the_commit_that_the_snapshot_shows(self, store: Store) -> None:
        commit(store, {"a": ["alpha"], "b": ["beta"]})
        before = store.snapshot()
        with store.writer() as writer:
            writer.delete_document("a")
            put(writer, Document(id="b", title="new"), "beta")
            put(writer, "c", "gamma")
            assert [d.id for d in store.snapshot().documents()] == ["a", "b"]
            writer.commit()
        assert [(d.id, d.title) for d in before.documents()] == [("a", ""), ("b", "")]
        assert before.known(["a", "b", "c"]) == {"a", "b"}
        after = store.snapshot()
        assert [(d.id, d.title) for d in after.documents()] == [("b", "new"), ("c", "")]
        assert after.known(["a", "b", "c"]) == {"b", "c"}

    def test_known_are_the_ids_that_are_here(self, store: Store) -> None:
        commit(store, {id_: ["alpha"] for id_ in [*STRANGE_IDS, "12"]})
        snapshot = store.snapshot()
        assert snapshot.known([*STRANGE_IDS, "12"]) == {*STRANGE_IDS, "12"}
        assert snapshot.known([]) == set()
        assert snapshot.known(["a", "a", "a/x"]) == {"a"}
        strangers = ["", "A/", " a", "a ", "a\0", "a\0b", "\ud800", "a\udc80", "ê", "12.0", "'"]
        assert snapshot.known(strangers) == set()
        assert snapshot.known(["a\0b", "a"]) == {"a"}

    def test_any_number_of_ids_can_be_asked_for(self, store: Store) -> None:
        commit(store, {f"d{n}": [] for n in range(0, 100_000, 5000)})
        asked = [f"d{n}" for n in range(100_000)]
        assert store.snapshot().known(asked) == {f"d{n}" for n in range(0, 100_000, 5000)}

    def test_ids_are_never_used_again(self, store: Store) -> None:
        meaning: dict[int, str] = {}
        for round_ in range(5):
            with store.writer() as writer:
                writer.delete_document("a")
                put(writer, "a", f"text {round_}", f"more {round_}")
                writer.commit()
            with store.writer() as writer:
                put(writer, "lost", "never committed")
            for stored, _ in store.snapshot().document_passages("a"):
                assert meaning.setdefault(stored.id, stored.passage.text) == stored.passage.text
        assert len(meaning) == 10

    def test_a_refused_document_changes_nothing(self, store: Store) -> None:
        rows = ENCODER.encode_passages(["x", "y"])
        twice = [passages("x")[0], passages("y")[0]]
        with store.writer() as writer:
            put(writer, "a", "alpha")
            for id_, texts, vectors in (
                ("a", twice, rows),
                ("a", passages("x"), rows),
                ("a\ud800", passages("x", "y"), rows),
                ("a\0", passages("x", "y"), rows),
            ):
                with pytest.raises(UsageError):
                    writer.add(Document(id=id_), texts, vectors)
            writer.commit()
        asker = ask(store)
        assert [documents(hits) for hits in asker.both("alpha")] == [["a"], ["a"]]
        assert asker.snapshot.count() == (1, 1)

    # -- another encoder -------------------------------------------------------------------------

    def test_an_index_encoded_again_has_the_vectors_of_that_encoder(self, store: Store) -> None:
        texts = {f"{n}": [f"alpha {'x ' * (n % 3)}{n}", "beta 🔥"] for n in range(300)}
        commit(store, texts)
        with store.writer() as writer:
            put(writer, Document(id="headed", title="Guide"), "alpha")
            writer.add(Document(id="bare"), passages("alpha"), None)
            put(writer, "nothing", "🔥")
            writer.commit()
        before = ask(store)
        ids = [hit.passage for hit in before.text("alpha", 999)]
        told: list[int] = []
        with store.writer() as writer:
            writer.reencode(OTHER, tell=told.append)
            writer.commit()
        after = store.snapshot()
        assert after.generation == before.snapshot.generation + 1
        assert sum(told) == after.count()[1] == 603
        for document in ("0", "299", "headed", "bare"):
            for stored, vector in after.document_passages(document):
                wanted = OTHER.encode_passages([stored.context])[0]
                assert vector is not None
                np.testing.assert_allclose(vector, wanted, atol=1e-3)
        assert [vector for _, vector in after.document_passages("nothing")] == [None]
        assert [hit.passage for hit in Asker(after).text("alpha", 999)] == ids
        nearest = near_other(after, "alpha 6", 3)
        assert nearest[0][0] == "6"
        assert nearest[0][1] > nearest[1][1]
        # A view of the commit before keeps its vectors, and their length.
        assert len(before.near("alpha", 999)) == 601
        assert before.near("alpha", 1)[0].score == pytest.approx(1, abs=1e-3)

    def test_an_encoding_that_is_not_committed_is_invisible_and_discarded(
        self, store: Store
    ) -> None:
        commit(store, {"a": ["alpha"], "b": ["beta"]})
        with store.writer() as writer:
            writer.reencode(OTHER)
            assert documents(ask(store).near("alpha", 1)) == ["a"]
        assert documents(ask(store).near("alpha", 1)) == ["a"]
        assert commit(store, {"c": ["gamma"]}) == 2
        assert documents(ask(store).near("gamma", 1)) == ["c"]

    def test_changes_before_and_after_an_encoding_come_with_it(self, store: Store) -> None:
        commit(store, {"a": ["alpha"], "b": ["beta"], "c": ["gamma"]})
        with store.writer() as writer:
            put(writer, "a", "alpha anew")
            writer.reencode(OTHER)
            writer.delete_document("b")
            writer.add(Document(id="d"), passages("delta"), OTHER.encode_passages(["delta"]))
            writer.commit()
        snapshot = store.snapshot()
        for word, document in (("alpha anew", "a"), ("gamma", "c"), ("delta", "d")):
            assert near_other(snapshot, word, 9)[0] == (document, pytest.approx(1, abs=1e-3))
            assert "b" not in [found for found, _ in near_other(snapshot, word, 9)]
            assert documents(Asker(snapshot).text(word.split()[0])) == [document]

    def test_an_encoder_that_fails_changes_nothing(self, store: Store) -> None:
        commit(store, {f"{n}": [f"word{n}"] for n in range(600)})
        for encoder in (FailingEncoder(dim=48), FailingEncoder(dim=48, short=True)):
            with store.writer() as writer:
                put(writer, "new", "kept")
                with pytest.raises(ModelError):
                    writer.reencode(encoder)
                writer.commit()
            snapshot = store.snapshot()
            for document, text in (("7", "word7"), ("599", "word599"), ("new", "kept")):
                [(_, vector)] = snapshot.document_passages(document)
                assert vector is not None
                np.testing.assert_allclose(vector, ENCODER.encode_passages([text])[0], atol=1e-3)
            assert len(Asker(snapshot).near("word7 kept", 999)) == 601

    def test_an_empty_index_gets_another_encoder_too(self, store: Store) -> None:
        with store.writer() as writer:
            writer.reencode(OTHER)
            assert writer.commit() == 1
            writer.add(Document(id="a"), passages("alpha"), OTHER.encode_passages(["alpha"]))
            writer.commit()
        assert near_other(store.snapshot(), "alpha", 1) == [("a", pytest.approx(1, abs=1e-3))]

    # -- filters and constraints -----------------------------------------------------------------

    def test_a_filter_that_keeps_one_in_a_thousand_still_fills_k(self, store: Store) -> None:
        with store.writer() as writer:
            for n in range(100):
                put(writer, f"noise/{n}.md", *["alpha alpha"] * 50)
            for n in range(5):
                put(writer, f"rare/{n}.txt", "alpha and quite other words")
            writer.commit()
        asker = ask(store)
        rare = [f"rare/{n}.txt" for n in range(5)]
        for where in ("path:rare", "type:txt", "path:rare/* type:txt"):
            for hits in asker.both("alpha", 5, where):
                assert sorted(documents(hits)) == rare
        for hits in asker.both("alpha path:rare", 5):
            assert sorted(documents(hits)) == rare

    def test_a_filter_keeps_the_order_and_the_scores(self, store: Store) -> None:
        texts = [f"{'alpha ' * (n % 4)}{'beta ' * (n % 3)}end" for n in range(40)]
        commit(store, {f"{'x' if n % 2 else 'y'}/{n}": [t] for n, t in enumerate(texts)})
        asker = ask(store)
        for every, kept in zip(
            asker.both("alpha beta", 40), asker.both("alpha beta", 40, "path:x"), strict=True
        ):
            assert places(kept) == [p for p in places(every) if p[0].startswith("x/")]
            of = {h.passage: h.score for h in every}
            assert all(abs(hit.score - of[hit.passage]) < 1e-4 for hit in kept)

    def test_a_filter_that_keeps_nothing_finds_nothing(self, store: Store) -> None:
        commit(store, {"a": ["alpha"]})
        for where in ("path:b", "type:pdf", "date:2024", "author:nobody", "path:a path:b type:q"):
            assert ask(store).both("alpha", 10, where) == [[], []]

    def test_metadata_types_and_dates_filter(self, store: Store) -> None:
        with store.writer() as writer:
            meta = {"author": "Ada Lovelace", "tags": ["X", "y"], "year": 1843, "done": True}
            put(writer, Document(id="a", type="pdf", date=1_704_067_200.0, metadata=meta), "alpha")
            put(writer, Document(id="b", type="md", metadata={"author": "ada"}), "alpha")
            writer.commit()
        asker = ask(store)
        for where in (
            *('author:"ADA lovelace"', "tags:x", "tags:Y", "year:1843", "done:true", "type:.PDF"),
            *("date:2024-01-01", "date:2023..2024", "date:..2024", "date:2024..", "date:2024-1"),
        ):
            assert [documents(h) for h in asker.both("alpha", 5, where)] == [["a"], ["a"]], where
        assert documents(asker.text("alpha", 5, "author:ada author:none")) == ["b"]
        assert asker.text("alpha", 5, "date:2025..") == []

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("alpha +gamma", ["a", "d"]),
            ("alpha -gamma", ["b", "c"]),
            ('"alpha beta"', ["a", "b"]),
            ('alpha -"alpha beta"', ["c", "d"]),
            ("alpha title:guide", ["b"]),
            ('alpha title:"user guide"', ["b"]),
            ("alpha -title:guide", ["a", "c", "d"]),
            ("alpha +gamma +delta", ["d"]),
            ("alpha +nowhere", []),
            ("alpha path:c", ["c"]),
            ("alpha -path:c -path:d", ["a", "b"]),
        ],
    )
    def test_constraints_bind_both_sources(
        self, store: Store, query: str, found: list[str]
    ) -> None:
        with store.writer() as writer:
            put(writer, "a", "alpha beta gamma")
            put(writer, Document(id="b", path="b", title="The User Guide"), "alpha beta")
            put(writer, Document(id="c", path="c", title="Using"), "beta alpha")
            put(writer, Document(id="d", path="d"), "delta gamma alpha")
            writer.commit()
        asker = ask(store)
        assert sorted(documents(asker.text(query))) == found
        assert sorted(documents(asker.near("alpha", query=query))) == found

    def test_a_query_of_exclusions_alone_lists_the_rest(self, store: Store) -> None:
        commit(store, {"b": ["alpha", "beta"], "a": ["beta"], "c": ["beta alpha"]})
        assert places(ask(store).text("-alpha")) == [("a", 0), ("b", 1)]
        assert places(ask(store).text("-alpha", 1)) == [("a", 0)]

    def test_an_empty_query_with_a_filter_lists_what_the_filter_keeps(self, store: Store) -> None:
        commit(store, {"z.md": ["one", "two"], "b.md": ["three"], "a.txt": ["four"]})
        asker = ask(store)
        assert places(asker.text("", 5, "type:md")) == [("b.md", 0), ("z.md", 0), ("z.md", 1)]
        assert asker.near("", 5, "type:md") == []

    @pytest.mark.parametrize("query", ["🔥", "!!!", "a" * 100, "🔥 -beta"])
    def test_words_that_no_passage_could_have_find_none(self, store: Store, query: str) -> None:
        commit(store, {"a": ["alpha 🔥 !!!"], "b": ["beta"]})
        assert ask(store).text(query) == []

    def test_a_prefix_finds_every_word_that_begins_so(self, store: Store) -> None:
        texts = ["installation guide", "installing", "install", "in", "stall", "München", "café au"]
        commit(store, {f"{n}": [text] for n, text in enumerate(texts)})
        asker = ask(store)
        for typed in ("inst*", "insta*", "install*", "installa*", "installatio*", "INSTALL*"):
            assert set(documents(asker.text(typed))) >= {"0", "1", "2"}, typed
            assert not set(documents(asker.text(typed))) & {"3", "4"}, typed
        for typed, found in (("Münch*", "5"), ("munc*", "5"), ("café*", "6"), ("caf*", "6")):
            assert documents(asker.text(typed)) == [found]
        assert asker.text("zzz*") == []

    @pytest.mark.parametrize(
        ("text", "phrase"),
        [
            ("how to use GitHub Actions today", "GitHub Actions"),
            ("the iPhone case of the PowerBook user", "case of the PowerBook"),
            ("call parseHTTPQuery first", "http query"),
            ("東京都に住んでいます。", "京都に住"),
            ("東京都に住んでいます。", "京"),
            ("ภาษาไทยสวยงามมาก", "ไทยสวย"),
            ("ภาษาไทยสวยงามมาก", "ภาษาไทย"),
            ("ระบบค้นหา fast search", "ค้นหา fast"),
            ("naïve café crowd", "naive cafe"),
            ("don't stop", "don't stop"),
        ],
    )
    def test_a_phrase_is_found_where_it_stands(self, store: Store, text: str, phrase: str) -> None:
        commit(store, {"a": [f"before {text} after"], "b": ["something else"]})
        assert documents(ask(store).text(f'"{phrase}"')) == ["a"]

    # -- ranking ---------------------------------------------------------------------------------

    def test_ties_break_by_document_and_number_also_at_the_cut(self, store: Store) -> None:
        ids = [f"d{n * 37 % 100:02}" for n in range(100)]
        for part in range(4):
            commit(store, {i: ["alpha"] * 5 for i in ids[part::4]})
        wanted = [(f"d{n:02}", number) for n in range(100) for number in range(5)]
        asker = ask(store)
        for depth in (1, 2, 7, 100, 499, 500, 10_000):
            for hits in asker.both("alpha", depth):
                assert places(hits) == wanted[:depth]

    def test_the_cut_in_ten_thousand_equal_passages_is_the_first_ones(self, store: Store) -> None:
        commit(store, {f"d{n:02}": ["alpha"] * 400 for n in reversed(range(25))})
        for hits in ask(store).both("alpha", 3):
            assert places(hits) == [("d00", 0), ("d00", 1), ("d00", 2)]

    def test_equal_passages_tie_in_whatever_commit_they_came(self, store: Store) -> None:
        texts = [f"alpha {'beta ' * n}" for n in range(1, 9)]
        for copy in range(7):
            commit(store, {f"{copy}": [t * 2 for t in texts[:4]] + texts[4:]})
        for hits in ask(store).both("alpha beta", 100):
            assert hits == sorted(hits, key=by_rank)
            for number in range(8):
                assert len({hit.score for hit in hits if hit.number == number}) == 1

    def test_scores_never_rise(self, store: Store) -> None:
        commit(store, {f"{n}": [f"alpha {'x ' * n}", "beta " * n + "z"] for n in range(20)})
        for hits in ask(store).both("alpha beta x"):
            assert len(hits) == 10
            assert hits == sorted(hits, key=by_rank)

    def test_a_deeper_search_begins_with_the_shallower(self, store: Store) -> None:
        commit(store, {f"{n}": [f"alpha {'x ' * (n % 5)}"] for n in range(60)})
        asker = ask(store)
        for shallow, deep in zip(asker.both("alpha x", 7), asker.both("alpha x", 50), strict=True):
            assert deep[:7] == shallow

    def test_a_depth_beyond_the_index_gives_everything_once(self, store: Store) -> None:
        commit(store, {f"{n}": ["alpha beta", "alpha"] for n in range(9)})
        for hits in ask(store).both("alpha", 100_000):
            assert len(hits) == len({h.passage for h in hits}) == 18

    def test_queries_of_a_batch_answer_as_if_alone(self, store: Store) -> None:
        commit(store, {f"{n}": [f"alpha {'x ' * (n % 5)}", "beta"] for n in range(20)})
        words = ["alpha x", "", "beta -alpha", "path:3 x", "🔥"]
        queries = [parse(word, ANALYZER) for word in words]
        vectors: FloatArray = ENCODER.encode_queries([query.text for query in queries])
        snapshot, where = store.snapshot(), Filter()
        asker = Asker(snapshot)
        assert snapshot.search_text(queries, 5, where) == [asker.text(w, 5) for w in words]
        assert snapshot.search_vectors(queries, vectors, 5, where) == [
            asker.near(query.text, 5, query=word)
            for word, query in zip(words, queries, strict=True)
        ]
        assert snapshot.search_text([], 5, where) == []
        assert snapshot.search_vectors([], np.empty((0, DIM), np.float32), 5, where) == []

    def test_zero_vectors_find_nothing_and_are_not_found(self, store: Store) -> None:
        commit(store, {"a": ["alpha", "🔥", "beta"], "b": ["!!!"]})
        asker = ask(store)
        assert sorted(places(asker.near("alpha", 10))) == [("a", 0), ("a", 2)]
        assert asker.near("🔥", 10, query="alpha") == []
        [_, (fire, vector), _] = asker.snapshot.document_passages("a")
        assert (fire.passage.text, vector) == ("🔥", None)

    def test_passages_without_vectors_are_found_by_text_alone(self, store: Store) -> None:
        with store.writer() as writer:
            writer.add(Document(id="a"), passages("alpha"), None)
            put(writer, "b", "alpha")
            writer.commit()
        assert [documents(hits) for hits in ask(store).both("alpha")] == [["a", "b"], ["b"]]
        [(_, vector)] = store.snapshot().document_passages("a")
        assert vector is None

    # -- hostile text ----------------------------------------------------------------------------

    def test_no_query_makes_a_search_raise(self, store: Store) -> None:
        commit(store, {"a": ["alpha beta"], "b": ["中文 ไทย"]})
        asker = ask(store)
        for text in HOSTILE:
            for hits in asker.both(text[:100_000]):
                assert len(hits) <= 2
            assert len(asker.near("alpha", query=text[:100_000])) <= 2

    def test_no_text_is_too_strange_to_store(self, store: Store) -> None:
        texts = [text[:5000] for text in HOSTILE]
        with store.writer() as writer:
            for n, text in enumerate(texts):
                metadata = {"k": text, text or "empty": [text]}
                document = Document(
                    id=f"d{n:02}", title=text, path=text, type=text, metadata=metadata
                )
                passage = Passage(
                    number=0, start=0, end=len(text) + 9, text=f"{text} findable", heading=(text,)
                )
                writer.add(document, [passage], ENCODER.encode_passages(["findable"]))
            writer.commit()
        asker = ask(store)
        for hits in asker.both("findable", 1000):
            assert sorted(documents(hits)) == [f"d{n:02}" for n in range(len(texts))]
        for stored in asker.snapshot.passages([h.passage for h in asker.text("findable", 1000)]):
            assert len(stored.passage.text) == stored.passage.end
