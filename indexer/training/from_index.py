"""Training examples made from an index alone, where nobody has written any.

A question is what a part of a document is called, or what it asks itself: a heading, a title, the
first sentence of a docstring, a question of a page of questions. Its answer is the passage below
it. A document that has none of these gives sentences of its own (the inverse cloze task: Lee,
Chang, Toutanova, ACL 2019): the passage without the sentence is what answers it.

Of ten answers nine are shown without the words that the question was made from (see masking), as
that paper has it, or a model would learn that the same words make an answer. One of ten is shown as
it stands, since that is what it will read when it is served.

Such questions are not what people ask. Whether a model that was trained on them helps is for the
gate, and better for a few real questions, to say.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.errors import CollectionError, UsageError
from engine.evaluation.known_items import draw, every_document, hash_of
from engine.evaluation.known_names import KINDS, Name, names
from indexer.training.examples import Candidate, Example, TrainingSet
from indexer.training.masking import sentences, without

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.analysis import Analyzer
    from engine.evaluation.known_items import Item
    from engine.protocols import Snapshot
    from engine.types import Document, Passage, StoredPassage

LEAST: Final = 10  # questions; from fewer nothing is learned
MOST_SHARED: Final = 5  # documents of one name that all answer it; beyond, it says too little
SHOWN: Final = 10  # one of so many answers is shown with the words of its question
_LETTERS: Final = 30  # that an answer must have without those words
_TAUGHT: Final = tuple(kind for kind in KINDS if kind not in ("file name", "sentence"))
# Names kept of a document for each that is wanted of it, since some turn out to be no good.
_RESERVE: Final = 4
_LEAST_KEPT: Final = 3


def examples(snapshot: Snapshot, analyzer: Analyzer, *, most: int, seed: int = 0) -> TrainingSet:
    """Return questions made from an index, each with all documents that have it as a name.

    Documents are drawn evenly from the whole index, kinds of names in turn. Equal content gives
    equal examples, whatever the order of indexing was. The index is read twice, and memory grows
    with `most` alone. The answers' texts are made for training: to read them again from the index
    (resolved.resolve) would show the words that were taken out.

    Args:
        snapshot: the index.
        analyzer: the index's own.
        most: questions wanted; there may be fewer.
        seed: another one draws others.

    Raises:
        UsageError: if no question is wanted.
        CollectionError: if the index gives too few.
    """
    if most < 1:
        raise UsageError(f"{most} questions cannot be made: ask for one or more")
    each = max(_LEAST_KEPT, _RESERVE * most // max(1, snapshot.count()[0]))
    samples, digest = draw(snapshot, analyzer, _named, documents=most, each=each, seed=seed)
    drawn = {kind: list(sample.items()) for kind, sample in samples.items()}
    owners = _owners(snapshot, {item.key for some in drawn.values() for _, item in some})
    shared = sum(len(found) > MOST_SHARED for found in owners.values())
    usable = {
        kind: [item for item in some if len(owners[item[1].key]) <= MOST_SHARED]
        for kind, some in drawn.items()
    }
    chosen = _in_turn([usable[kind] for kind in _TAUGHT], most)
    named = {document for item in chosen for document, _ in owners[item.key]}
    nameless = [item for item in usable["sentence"] if item[0] not in named]
    chosen += _in_turn([nameless], most - len(chosen))
    made = _made(snapshot, {item.key: (item, owners[item.key]) for item in chosen}, seed)
    if len(made) < min(LEAST, most):
        raise CollectionError(
            f"only {len(made)} questions can be made from this index: it has too few headings,"
            " titles, docstrings or sentences; write some questions with their answers instead"
        )
    found = [example for _, example in made]
    return TrainingSet(
        name="index",
        kind="pairs",
        examples=found,
        checksums={"index": digest},
        notes=_notes([item for item, _ in made], shared),
        verbatim=True,
    )


def split_documents(training: TrainingSet, *, most: int = 200, seed: int = 0) -> TrainingSet:
    """Return a set that holds some documents out: `dev` asks for them, nothing else does.

    A document is held out with all of its questions, until there are `most`, or a tenth of all;
    never one that has more than that alone, while others have less. A question that both a held-out
    document and another one answer is in neither part.
    """
    documents = {c.document for e in training.examples for c in e.candidates}
    by_document: dict[str, list[int]] = {document: [] for document in documents}
    waiting: list[int] = []
    for number, example in enumerate(training.examples):
        owners = {candidate.document for candidate in example.candidates}
        waiting.append(len(owners))
        for document in owners:
            by_document[document].append(number)
    wanted = min(most, len(training.examples) // 10)
    largest = max(wanted, min((len(of) for of in by_document.values()), default=0))
    small = (d for d in documents if len(by_document[d]) <= largest)
    held: set[int] = set()
    touched: set[int] = set()
    for document in sorted(small, key=lambda d: (hash_of(seed, "held out", d), d)):
        if len(held) >= wanted:
            break
        for number in by_document[document]:
            touched.add(number)
            waiting[number] -= 1
            if not waiting[number]:
                held.add(number)
    return replace(
        training,
        examples=[e for n, e in enumerate(training.examples) if n not in touched],
        dev=[e for n, e in enumerate(training.examples) if n in held],
    )


# -- what is asked -------------------------------------------------------------------------------


def _named(document: Document, passages: Sequence[Passage]) -> Mapping[str, Name]:
    """Return what a document is known by, and its sentences that are something else."""
    found = names(document, passages)
    for sentence in sentences(document, passages):
        found.setdefault(sentence.key, sentence)
    return found


def _owners(snapshot: Snapshot, keys: set[str]) -> dict[str, list[Item]]:
    """Return by key the documents that have it, with their own name for it; a few more than may."""
    owners: dict[str, list[Item]] = {key: [] for key in keys}
    for document, passages in every_document(snapshot):
        for key, item in _named(document, passages).items():
            if key in keys and len(owners[key]) <= MOST_SHARED:
                owners[key].append((document.id, item))
    return owners


def _in_turn(kinds: Iterable[Sequence[Item]], most: int) -> list[Name]:
    """Return names of different texts and series, a kind at a time and a document at a time."""
    queues = [iter(_spread(items)) for items in kinds]
    seen: set[str] = set()
    chosen: list[Name] = []
    while queues and len(chosen) < most:
        for queue in list(queues):
            item = next((item for item in queue if item.series not in seen), None)
            if item is None:
                queues.remove(queue)
            elif len(chosen) < most:
                chosen.append(item)
                seen.add(item.series)
    return chosen


def _spread(items: Iterable[Item]) -> list[Name]:
    """Return the first name of each document, then the second of each that has one, and so on."""
    counts: Counter[str] = Counter()
    rounds: list[tuple[int, Name]] = []
    for document, item in items:
        rounds.append((counts[document], item))
        counts[document] += 1
    return [item for _, item in sorted(rounds, key=lambda pair: pair[0])]


# -- what answers --------------------------------------------------------------------------------


def _made(
    snapshot: Snapshot, wanted: Mapping[str, tuple[Name, Sequence[Item]]], seed: int
) -> list[tuple[Name, Example]]:
    """Return the examples of names, those left out that no text answers."""
    asked: dict[str, list[Name]] = {}
    for _, owners in wanted.values():
        for document, item in owners:
            asked.setdefault(document, []).append(item)
    answers: dict[str, list[Candidate]] = {key: [] for key in wanted}
    for document in sorted(asked):
        passages = [stored for stored, _ in snapshot.document_passages(document)]
        for item in asked[document]:
            text = _answer(passages, item, hash_of(seed, "shown", document, item.key))
            if text:
                answers[item.key].append(Candidate(text, 1.0, document))
    return [
        # An identifier is asked for in words: `def grind_corn` still stands in its passage.
        (item, Example(item.words, tuple(answers[key])))
        for key, (item, owners) in wanted.items()
        if len(answers[key]) == len(owners)
    ]


def _answer(passages: Sequence[StoredPassage], name: Name, chance: int) -> str:
    """Return what answers a name: its passage, or the first that has a text of its own."""
    for stored in passages:
        if name.passage in (None, stored.passage.number):
            context, text = without(stored, name)
            if sum(map(str.isalpha, text)) >= _LETTERS:
                return context if chance % SHOWN else stored.context
    return ""


def _notes(chosen: Sequence[Name], shared: int) -> tuple[str, ...]:
    kinds = Counter(item.kind for item in chosen)
    told = ", ".join(f"{count:,} of kind {kind}" for kind, count in kinds.most_common())
    notes = [f"questions made from the index itself, not asked by anybody: {told}"]
    if shared:
        notes.append(f"{shared:,} left out: more than {MOST_SHARED} documents have them")
    return tuple(notes)
