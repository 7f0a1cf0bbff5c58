from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.types import Passage
from engine.whole import length, text_between


@given(st.text(min_size=1), st.data())
def test_any_stretch_of_a_document_comes_out_of_its_overlapping_passages(
    text: str, data: st.DataObject
) -> None:
    places = st.integers(0, len(text))
    starts = sorted({0, *data.draw(st.lists(places, max_size=5))})
    ends = [data.draw(st.integers(start, len(text))) for start in [*starts[1:], len(text)]]
    passages = [
        Passage(number=number, start=start, end=end, text=text[start:end])
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    start, end = sorted(data.draw(st.tuples(places, places)))
    assert length(passages) == len(text)
    assert text_between(passages, start, end) == text[start:end]
    assert text_between(passages, start, len(text) + 10) == text[start:]


def test_a_document_without_passages_is_empty() -> None:
    assert length([]) == 0
    assert text_between([], 0, 10) == ""
