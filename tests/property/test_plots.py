from __future__ import annotations

import math
from html.parser import HTMLParser
from itertools import pairwise
from statistics import fmean
from xml.etree import ElementTree

from hypothesis import assume, given
from hypothesis import strategies as st

from engine.evaluation.page.changes import BINS, bin_of, height
from engine.evaluation.page.figures import percent, signed
from engine.evaluation.page.latency import Spot, pareto
from engine.evaluation.page.markup import clip, tag
from engine.evaluation.page.plots import (
    Box,
    Scale,
    drawing,
    label_boxes,
    log_ticks,
    percent_ticks,
    shorten,
    spread,
    text,
    text_width,
    ticks,
)

SHARES = st.floats(0, 1)
PLACES = st.lists(st.floats(0, 300), max_size=12)
# Anything that a file can hold, and all that means something in markup.
TEXTS = st.text(max_size=30) | st.text(
    st.sampled_from("<>&\"'=/!-[]\x00\x0b\x7f\ud800\ufffe\u202e\r\n\t ascript;:"), max_size=30
)


def slow_spread(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """The min-max formula of isotonic regression (Barlow et al. 1972), as it stands."""
    n = len(wanted)
    gap = min(gap, (high - low) / (n - 1)) if n > 1 else gap
    order = sorted(range(n), key=lambda i: wanted[i])
    z = [wanted[i] - rank * gap for rank, i in enumerate(order)]
    places = [0.0] * n
    for r, i in enumerate(order):
        best = max(min(fmean(z[a : b + 1]) for b in range(r, n)) for a in range(r + 1))
        places[i] = min(max(best, low), high - (n - 1) * gap) + r * gap
    return places


@given(PLACES, st.floats(1, 40))
def test_spread_is_its_slow_twin(wanted: list[float], gap: float) -> None:
    found, slow = spread(wanted, gap, 0, 300), slow_spread(wanted, gap, 0, 300)
    assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(found, slow, strict=True))


@given(PLACES, st.floats(1, 40))
def test_spread_keeps_order_distance_and_edges(wanted: list[float], gap: float) -> None:
    found = spread(wanted, gap, 0, 300)
    room = gap if len(wanted) < 2 else min(gap, 300 / (len(wanted) - 1))
    assert all(b - a >= room - 1e-6 for a, b in pairwise(sorted(found)))
    assert all(-1e-6 <= place <= 300 + 1e-6 for place in found)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    assert [found[i] for i in order] == sorted(found)


@given(SHARES, SHARES, st.integers(3, 8))
def test_ticks_reach_around_the_values_at_equal_distances(a: float, b: float, most: int) -> None:
    low, high = min(a, b), max(a, b)
    found = ticks(low, high, most)
    assert found[0] <= low + 1e-9
    assert found[-1] >= high - 1e-9
    assert 2 <= len(found) <= most + 1
    steps = [after - before for before, after in pairwise(found)]
    assert all(math.isclose(step, steps[0], rel_tol=1e-6) for step in steps)


@given(st.lists(SHARES, min_size=1, max_size=9))
def test_an_axis_of_measures_holds_them_and_stays_in_range(values: list[float]) -> None:
    axis = percent_ticks(values)
    assert -1e-9 <= axis[0] <= min(values) + 1e-9
    assert max(values) - 1e-9 <= axis[-1] <= 1 + 1e-9
    assert len(axis) >= 2


@given(st.floats(1e-3, 1e6), st.floats(10, 1e6))
def test_time_has_ticks_in_its_range(low: float, times: float) -> None:
    found = log_ticks(low, low * times)
    assert found
    assert found == sorted(set(found))
    assert all(low <= tick <= low * times for tick in found)


@given(SHARES, SHARES, st.booleans())
def test_a_scale_keeps_order(a: float, b: float, log: bool) -> None:
    scale = Scale(0.001, 1.001, 0, 500, log)
    assume(abs(a - b) > 1e-9)
    assert (scale(a + 0.001) < scale(b + 0.001)) == (a < b)


POINTS = st.lists(
    st.tuples(st.floats(20, 380), st.floats(20, 280), st.floats(10, 150)), max_size=25
)


@given(POINTS)
def test_labels_never_overlap_and_stay_with_their_points(
    drawn: list[tuple[float, float, float]],
) -> None:
    points, frame = [(x, y) for x, y, _ in drawn], Box(0, 0, 400, 300)
    widths = [[width, 15.0] for _, _, width in drawn]
    found = label_boxes(points, widths, frame)
    placed = [(n, entry[1]) for n, entry in enumerate(found) if entry is not None]
    for n, box in placed:
        assert frame.holds(box)
        assert not any(box.meets(other) for m, other in placed if m != n)
        distances = [box.off(*point) for point in points]
        assert min(distances) == distances[n] > 0


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), max_size=15))
def test_the_front_is_what_no_other_point_dominates(drawn: list[tuple[int, int]]) -> None:
    spots = [Spot(ms, v / 6, "", None, str(n), "") for n, (ms, v) in enumerate(drawn)]
    front = [
        s
        for s in spots
        if not any(
            o.ms <= s.ms and o.value >= s.value and (o.ms, o.value) != (s.ms, s.value)
            for o in spots
        )
    ]
    assert sorted(pareto(spots)) == sorted(front)


@given(SHARES, SHARES)
def test_a_change_is_in_the_bin_that_says_so(before: float, after: float) -> None:
    change = after - before
    bin_ = bin_of(change)
    assert bin_of(-change) == -bin_
    assert abs(bin_) <= BINS
    if abs(change) > 1e-8:
        assert (bin_ > 0) == (change > 0)
        assert (abs(bin_) - 1) / BINS - 1e-8 <= abs(change) <= abs(bin_) / BINS + 1e-8


@given(SHARES)
def test_a_value_is_in_the_bin_that_says_so(value: float) -> None:
    bin_ = height(value)
    if 1e-8 < value < 1 - 1e-8:
        assert (bin_ - 1) / BINS - 1e-8 <= value <= bin_ / BINS + 1e-8
    assert (height(0.0), height(1.0)) == (0, BINS + 1)


@given(SHARES, SHARES)
def test_a_figure_read_back_is_the_value_to_half_a_digit(before: float, after: float) -> None:
    assert abs(float(percent(after)) / 100 - after) <= 0.0005 + 1e-12
    change = float(signed(after - before).replace("\u2212", "-"))
    assert abs(change / 100 - (after - before)) <= 0.0005 + 1e-12


class Reader(HTMLParser):
    """What a browser would make of markup, near enough: elements, attributes and texts."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


@given(TEXTS, TEXTS)
def test_no_text_becomes_markup_in_an_element_or_an_attribute(inside: str, named: str) -> None:
    read = Reader(tag("p", tag("b", inside, title=named, class_="x"), lang="en"))
    assert [name for name, _ in read.tags] == ["p", "b"]
    attributes = dict(read.tags[1][1])
    assert list(attributes) == ["title", "class"]
    assert len(read.text) == len(inside)
    assert len(attributes["title"] or "") == len(named)
    kept = [c for c in inside if c.isprintable()]
    assert [c for c in read.text if c.isprintable() and c != "\ufffd"] == [
        c for c in kept if c != "\ufffd"
    ]


@given(TEXTS, TEXTS, TEXTS)
def test_no_text_becomes_markup_in_a_drawing(title: str, said: str, written: str) -> None:
    root = ElementTree.fromstring(drawing("d", 10, 10, (title, said), text(1, 2, written)))
    assert [node.tag.rpartition("}")[2] for node in root.iter()] == ["svg", "title", "desc", "text"]
    texts = ["".join(node.itertext()) for node in root]
    assert [len(t) for t in texts] == [len(t.replace("\r\n", "\n")) for t in (title, said, written)]


@given(TEXTS, st.floats(0, 300))
def test_a_shortened_text_fits_and_begins_as_it_did(whole: str, width: float) -> None:
    cut = shorten(whole, width)
    assert cut == whole or text_width(cut) <= max(width, text_width("…"))
    assert whole.startswith(cut.removesuffix("…"))


@given(st.text(), st.integers(1, 40))
def test_a_clipped_text_is_at_most_as_long_as_asked(whole: str, most: int) -> None:
    assert len(clip(whole, most)) <= most
