# pyright: basic
"""Texts as tokens, one after the other: rows and bags of some of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from benchmarks.texts import Texts
from engine import bundled

TOKENS = st.lists(st.lists(st.integers(1, 99), max_size=5), min_size=1, max_size=8)


def texts_of(tokens: list[list[int]]) -> Texts:
    flat = np.array([token for text in tokens for token in text], dtype=np.int32)
    return Texts(flat, np.cumsum([0, *map(len, tokens)]))


@given(tokens=TOKENS, data=st.data())
def test_bags_and_rows_have_the_tokens_of_their_texts(
    tokens: list[list[int]], data: st.DataObject
) -> None:
    some = data.draw(st.lists(st.integers(0, len(tokens) - 1), min_size=1, max_size=6))
    texts = texts_of(tokens)
    assert texts.lengths.tolist() == [len(text) for text in tokens]
    bags, starts = texts.bags(np.array(some))
    ends = [*starts.tolist()[1:], len(bags)]
    wanted = [tokens[number] for number in some]
    assert [bags[a:b].tolist() for a, b in zip(starts.tolist(), ends, strict=True)] == wanted
    rows, real = texts.rows(np.array(some))
    assert [row[inside].tolist() for row, inside in zip(rows, real, strict=True)] == wanted
    assert not rows[~real].any()
    assert real.sum(1).tolist() == [len(text) for text in wanted]


def test_texts_are_cut_and_special_tokens_are_among_them_on_request() -> None:
    place = bundled.models()[bundled.ENCODER] / "tokenizer.json"
    words = ["a mill grinds corn", "corn", "", "mill " * 50]
    plain = Texts.read(words, place, 6, special=False)
    special = Texts.read(words, place, 6, special=True)
    assert plain.lengths.tolist() == [
        len(Tokenizer.from_file(str(place)).encode(words[0], add_special_tokens=False).ids),
        1,
        0,
        6,
    ]
    ends = [special.tokens[special.starts[n + 1] - 1] for n in range(4)]
    firsts = [special.tokens[special.starts[n]] for n in range(4)]
    assert len(set(ends)) == len(set(firsts)) == 1
    assert special.lengths.tolist()[1:] == [3, 2, 6]
