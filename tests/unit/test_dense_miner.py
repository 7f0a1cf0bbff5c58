# pyright: basic
"""The published recipe, beside the library itself."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from datasets import Dataset
from sentence_transformers.util import mine_hard_negatives
from tokenizers import Tokenizer, models, pre_tokenizers

from engine.errors import ModelError, UsageError
from engine.static import StaticEncoder
from indexer.training.dense_miner import PUBLISHED, arguments, mine_dense, static_model
from indexer.training.examples import Candidate, Example
from indexer.training.guards import MiningOptions
from indexer.training.mined import as_rows, read, write
from indexer.training.statistics import table
from tests.fakes import HashEncoder, make_engine
from tests.tiny_models import save_bi_encoder, save_cross_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from engine.search import SearchEngine
    from indexer.training.mined import Format, Mined

WORDS = [f"w{number}" for number in range(40)]
UNGUARDED = MiningOptions(
    num_negatives=3, random_negatives=0, near_duplicate=None, spare_documents=False
)


def encoder() -> StaticEncoder:
    tokenizer = Tokenizer(
        models.WordLevel({w: n for n, w in enumerate(["[UNK]", *WORDS])}, "[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    table = np.random.default_rng(5).normal(size=(len(WORDS) + 1, 16)).astype(np.float32)
    return StaticEncoder("tiny", tokenizer, table)


@pytest.fixture(scope="module")
def engine() -> SearchEngine:
    random = np.random.default_rng(6)
    library = {f"d{n}": " ".join(random.choice(WORDS, 12)) for n in range(30)}
    return make_engine(library, encoder=encoder(), rerank=False)


@pytest.fixture(scope="module")
def examples(engine: SearchEngine) -> list[Example]:
    stored = engine.snapshot.passages(range(1, 31))
    made = []
    for n in range(8):
        positives = stored[3 * n : 3 * n + 1 + n % 2]
        query = " ".join(positives[0].passage.text.split()[2:7])
        made.append(
            Example(query, tuple(Candidate(p.context, 1.0, p.document.id) for p in positives))
        )
    return made


def library(
    engine: SearchEngine, examples: list[Example], options: MiningOptions, output: Format
) -> list[dict]:
    """Return the rows of mine_hard_negatives itself."""
    ordered = sorted(examples, key=lambda e: e.query)
    pairs = [(e.query, p.text) for e in ordered for p in e.positives]
    columns = {"query": [q for q, _ in pairs], "positive": [p for _, p in pairs]}
    corpus = [p.context for p in engine.snapshot.passages(range(1, 31))]
    return mine_hard_negatives(
        Dataset.from_dict(columns), static_model(engine.encoder), corpus=corpus, use_faiss=True,
        output_format=output, verbose=False, **arguments(options),
    ).to_list()  # fmt: skip


def ours(mined: Mined, output: Format) -> list[tuple]:
    examples = sorted(mined.examples, key=lambda e: e.query)
    return [tuple(row.values()) for row in as_rows(examples, output)]


@pytest.mark.parametrize("output", ["triplet", "n-tuple", "labeled-pair", "labeled-list"])
@pytest.mark.parametrize(
    "options",
    [
        UNGUARDED,
        replace(UNGUARDED, range_min=2, range_max=9),
        replace(UNGUARDED, margin=0.1, max_score=0.6),
        replace(UNGUARDED, relative_margin=0.05),
    ],
    ids=["plain", "range", "margin", "relative"],
)
def test_every_format_is_what_the_library_makes(
    engine: SearchEngine, examples: list[Example], options: MiningOptions, output: Format
) -> None:
    mined = mine_dense(engine, examples, options)
    rows = [tuple(row.values()) for row in library(engine, examples, options, output)]
    found = ours(mined, output)
    assert found == rows
    assert rows


def test_every_option_is_the_librarys_of_that_name() -> None:
    options = MiningOptions(
        num_negatives=4, range_min=1, range_max=9, max_score=0.9, margin=0.1, relative_margin=0.2,
        sampling="random", include_positives=True,
    )  # fmt: skip
    assert arguments(options) == {
        "num_negatives": 4,
        "range_min": 1,
        "range_max": 9,
        "max_score": 0.9,
        "absolute_margin": 0.1,
        "relative_margin": 0.2,
        "sampling_strategy": "random",
        "include_positives": True,
    }
    assert set(arguments(options)) < set(inspect.signature(mine_hard_negatives).parameters)


def test_the_published_recipe_gives_its_number_of_pairs(
    engine: SearchEngine, examples: list[Example]
) -> None:
    wide = replace(PUBLISHED, margin=None)
    statistics = mine_dense(engine, examples, wide).statistics
    positives = sum(len(e.positives) for e in examples)
    assert statistics.pairs == wide.num_negatives * positives
    assert statistics.hard == wide.num_negatives * len(examples)
    assert statistics.random == 0


def test_positives_can_stand_in_the_ranking(engine: SearchEngine, examples: list[Example]) -> None:
    options = replace(UNGUARDED, include_positives=True, num_negatives=6)
    mined = mine_dense(engine, examples, options)
    rows = {row["query"]: row for row in library(engine, examples, options, "n-tuple")}
    for before, after in zip(examples, mined.examples, strict=True):
        listed = [rows[before.query][f"negative_{number}"] for number in range(1, 7)]
        assert [c.text for c in after.candidates][-6:] == listed
        positives = {c.text for c in before.positives}
        assert [c.label for c in after.candidates][-6:] == [float(t in positives) for t in listed]
        assert {c.text for c in after.positives} == {c.text for c in before.positives}


def test_our_guards_look_at_what_the_library_chose(
    engine: SearchEngine, examples: list[Example]
) -> None:
    bare = [
        Example(e.query, (Candidate(e.candidates[0].text.partition("\n")[2], 1.0),))
        for e in examples
    ]
    options = replace(UNGUARDED, near_duplicate=0.8, random_negatives=1)
    mined = mine_dense(engine, bare, options)
    for before, after in zip(bare, mined.examples, strict=True):
        assert len(after.negatives) == 4
        assert not any(before.candidates[0].text in c.text for c in after.negatives)
    assert mined.statistics.skipped["labelled"] > 0


def test_drawing_repeats_and_leaves_the_generator_of_the_process_alone(
    engine: SearchEngine, examples: list[Example]
) -> None:
    import random

    options = replace(UNGUARDED, sampling="random")
    random.seed(1)
    state = random.getstate()
    one = mine_dense(engine, examples, options)
    assert random.getstate() == state
    random.seed(2)
    other = mine_dense(engine, examples[::-1], options)
    assert sorted(one.examples, key=repr) == sorted(other.examples, key=repr)
    assert one != mine_dense(engine, examples, replace(options, seed=1))


def test_what_was_mined_densely_says_so_and_can_be_kept(
    engine: SearchEngine, examples: list[Example], tmp_path: Path
) -> None:
    mined = mine_dense(engine, examples[:3], UNGUARDED)
    assert mined.miner == "dense"
    assert mined.options == UNGUARDED
    assert len(mined.examples) == 3
    assert mined.statistics.missed is None
    shown = table(mined.statistics)
    assert "cosines of tiny" in shown
    assert "stage one" not in shown
    write(tmp_path / "mined.jsonl", mined)
    assert read(tmp_path / "mined.jsonl") == mined


def test_a_named_model_mines_and_its_cosines_are_shown(
    engine: SearchEngine, examples: list[Example], tmp_path: Path
) -> None:
    folder = save_bi_encoder(tmp_path)
    mined = mine_dense(engine, examples, UNGUARDED, model=str(folder))
    assert mined.statistics.hard == 3 * len(examples)
    assert mined.statistics.model == str(folder)


def test_nothing_to_mine_is_nothing_mined(engine: SearchEngine) -> None:
    given = [Example("q", (Candidate("a", 1.0), Candidate("b", 0.0)))]
    assert mine_dense(engine, given, UNGUARDED).examples == tuple(given)


def test_an_encoder_that_is_none_of_the_librarys_is_refused() -> None:
    with pytest.raises(UsageError, match="hash cannot mine; name a"):
        mine_dense(make_engine({"a": "b"}, encoder=HashEncoder()), [], UNGUARDED)


def test_a_cross_encoder_cannot_mine(engine: SearchEngine, tmp_path: Path) -> None:
    save_cross_encoder(tmp_path)
    with pytest.raises(ModelError, match="it reads pairs; a bi-encoder is needed"):
        mine_dense(engine, [], UNGUARDED, model=str(tmp_path))
