"""Known-item queries: a first number for an index that nobody has judged.

A query is a text by which somebody who has seen a document may look for it again: a heading, its
title, the first sentence of a docstring, its file name in words, a question that it answers. The
document that it was taken from is the one relevant answer, so a text that names two is not used.

**What such figures are worth.** They find out what is broken (a language without stemmer, passages
without their headings, an encoder that does not know the field) and compare settings. They flatter,
because the words of the query stand in the document by construction; people choose their own. They
flatter lexical search most. `Synthetic.shared_words` says how much: near 1, every word of a query
stands in the passage that it was made from, and BM25 only has to count.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from statistics import fmean
from typing import TYPE_CHECKING, Final

from engine.errors import CollectionError, UsageError
from engine.evaluation.collection import Collection, Synthetic
from engine.evaluation.known_names import KINDS, is_query, names
from engine.query import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.analysis import Analyzer
    from engine.evaluation.known_names import Kind, Name
    from engine.protocols import Snapshot
    from engine.types import Document, Passage

LEAST: Final = 10  # queries; fewer say nothing
HOW: Final = "known-item queries made from the index: what its documents are called and ask"
_OF_ONE_KIND: Final = 3  # names kept of a document, in case that others turn out to be ambiguous
_RESERVE: Final = 10  # documents kept for each query wanted, for the same reason

Item = tuple[str, "Name"]  # document id, what it is asked by
Finder = Callable[["Document", "Sequence[Passage]"], "Mapping[str, Name]"]


def make_queries(
    snapshot: Snapshot,
    analyzer: Analyzer,
    *,
    name: str = "index",
    most: int = 200,
    seed: int = 0,
) -> Collection:
    """Return queries made from an index, each with the one document that it was made from.

    Documents are drawn evenly from the whole index, kinds of names in turn, so that no kind swamps
    the others. Equal content gives equal queries, whatever the order of indexing was. The index is
    read twice and memory does not grow with it.

    Args:
        snapshot: the index.
        analyzer: the index's own.
        name: of the collection.
        most: queries wanted; there may be fewer.
        seed: another one draws other documents.

    Raises:
        UsageError: if no query is wanted.
        CollectionError: if the index names too few of its documents.
    """
    if most < 1:
        raise UsageError(f"{most} queries cannot be made: ask for one or more")
    samples, digest = draw(
        snapshot, analyzer, names, documents=_RESERVE * most, each=_OF_ONE_KIND, seed=seed
    )
    items = _in_turn(_unmistakable(snapshot, samples), most)
    if len(items) < min(LEAST, most):
        raise CollectionError(
            f"only {len(items)} queries can be made from this index: it has too few headings,"
            " titles or docstrings that name one document each; judge some queries by hand"
        )
    ids = _ids(items)
    inside, above = _shared_words(snapshot, analyzer, items)
    return Collection(
        name=name,
        split="",
        queries={query: item.text for query, (_, item) in ids.items()},
        qrels={query: {document: 1} for query, (document, _) in ids.items()},
        checksums={"index": digest},
        synthetic=Synthetic(
            how=HOW,
            shared_words=round(inside, 4),
            kinds=Counter(item.kind for _, item in items),
        ),
        notes=_notes(len(items), most, above),
    )


class Sample:
    """An even sample of the documents that have names of one kind: those of the least hashes."""

    def __init__(self, most: int, each: int, seed: int) -> None:
        """Keep `most` documents with up to `each` names."""
        self._most = most
        self._each = each
        self._seed = seed
        self._kept: list[tuple[int, str, list[Name]]] = []  # a heap, the greatest hash on top

    def wants(self, rank: int) -> bool:
        """Whether a document of this rank (its hash, negative) is among the chosen so far."""
        return len(self._kept) < self._most or rank > self._kept[0][0]

    def take(self, rank: int, document: str, found: Sequence[Name]) -> None:
        """Take a wanted document with its names of this kind, in place of the last chosen."""
        some = heapq.nsmallest(
            self._each, found, key=lambda item: hash_of(self._seed, document, item.key)
        )
        entry = (rank, document, some)
        if len(self._kept) < self._most:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heapreplace(self._kept, entry)

    def items(self) -> Iterator[Item]:
        """Yield what was kept, in an order that has nothing to do with that of the ids."""
        for _, document, found in sorted(self._kept, reverse=True):
            for item in found:
                yield document, item


def hash_of(seed: int, *texts: str) -> int:
    """Return a number in [0, 2**64) that orders texts by chance, the same in every run."""
    digest = blake2b("\0".join((str(seed), *texts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def draw(
    snapshot: Snapshot, analyzer: Analyzer, find: Finder, *, documents: int, each: int, seed: int
) -> tuple[Mapping[Kind, Sample], str]:
    """Return a sample of documents for each kind of name, and a checksum of the whole content.

    Args:
        snapshot: the index.
        analyzer: the index's own.
        find: what a document is known by, good or not, by key.
        documents: of each kind of name.
        each: names of a kind that are kept of a document.
        seed: another one draws others.
    """
    samples: dict[Kind, Sample] = {kind: Sample(documents, each, seed) for kind in KINDS}
    content = blake2b(digest_size=16)
    for document, passages in every_document(snapshot):
        rank = -hash_of(seed, document.id)
        found: dict[Kind, list[Name]] = {}
        for item in find(document, passages).values():
            if samples[item.kind].wants(rank) and is_query(item, analyzer):
                found.setdefault(item.kind, []).append(item)
        for kind, some in found.items():
            samples[kind].take(rank, document.id, some)
        content.update(repr((document.id, document.title, document.path)).encode())
        for passage in passages:
            content.update(repr((passage.number, passage.heading, passage.text)).encode())
    return samples, content.hexdigest()


def every_document(snapshot: Snapshot) -> Iterator[tuple[Document, list[Passage]]]:
    """Yield the documents that can be found, those with passages, in order of their ids."""
    after = ""
    while page := snapshot.documents(after=after):
        for document in page:
            stored = snapshot.document_passages(document.id)
            if stored:
                yield document, [passage.passage for passage, _ in stored]
        after = page[-1].id


def _unmistakable(
    snapshot: Snapshot, samples: Mapping[Kind, Sample]
) -> Mapping[Kind, Iterable[Item]]:
    """Return the sampled names that no other document of the index has, of whatever kind."""
    items: dict[Kind, list[Item]] = {kind: list(s.items()) for kind, s in samples.items()}
    wanted = {item.key for some in items.values() for _, item in some}
    named: Counter[str] = Counter()
    for document, passages in every_document(snapshot):
        named.update(names(document, passages).keys() & wanted)
    return {
        kind: [(document, item) for document, item in some if named[item.key] == 1]
        for kind, some in items.items()
    }


def _in_turn(items: Mapping[Kind, Iterable[Item]], most: int) -> list[Item]:
    """Return one name a document and series, a kind at a time: all kinds while they last."""
    rarest_first = sorted(items, key=lambda kind: len({document for document, _ in items[kind]}))
    queues = [iter(items[kind]) for kind in rarest_first]
    documents: set[str] = set()
    series: set[str] = set()
    chosen: list[Item] = []
    while queues and len(chosen) < most:
        for queue in list(queues):
            new = (i for i in queue if i[0] not in documents and i[1].series not in series)
            item = next(new, None)
            if item is None:
                queues.remove(queue)
            else:
                chosen.append(item)
                documents.add(item[0])
                series.add(item[1].series)
    return chosen[:most]


def _ids(items: Sequence[Item]) -> dict[str, Item]:
    """Return items by query id, which says what the query was made from: `file-name-12`."""
    counts: Counter[str] = Counter()
    ids: dict[str, Item] = {}
    for item in items:
        kind = item[1].kind.replace(" ", "-")
        counts[kind] += 1
        ids[f"{kind}-{counts[kind]}"] = item
    return ids


def _shared_words(
    snapshot: Snapshot, analyzer: Analyzer, items: Sequence[Item]
) -> tuple[float, float]:
    """Return the mean share of a query's terms that its document gives away: (inside, above).

    Inside counts the text of the passage that the query was made from, without what stands above
    it; for a title or a file name, of the passage that has most. Above counts the document's title
    and that passage's headings, which both sources of stage one read before the text. A query's
    terms are those that search has of it: no stop words.
    """
    shares: list[tuple[float, float]] = []
    for document, item in items:
        terms = set(plain(item.text, analyzer).terms)
        every = [stored for stored, _ in snapshot.document_passages(document)]
        some = [s for s in every if item.passage in (None, s.passage.number)]
        shares.append(
            max(
                (_share(terms, s.passage.text, analyzer), _share(terms, above, analyzer))
                for s in some
                for above in [" ".join((s.document.title, *s.passage.heading))]
            )
        )
    return fmean(inside for inside, _ in shares), fmean(above for _, above in shares)


def _share(terms: set[str], text: str, analyzer: Analyzer) -> float:
    return len(terms.intersection(analyzer.terms(text))) / len(terms) if terms else 0.0


def _notes(made: int, most: int, above: float) -> tuple[str, ...]:
    notes = [f"{above:.0%} of the words of a query stand in the title or headings of its document"]
    if made < most:
        notes.append(f"the index gives {made} queries, not {most}")
    return tuple(notes)
