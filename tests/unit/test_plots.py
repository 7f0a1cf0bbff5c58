from __future__ import annotations

from xml.etree import ElementTree

import pytest

from engine.evaluation.page.latency import Spot, pareto
from engine.evaluation.page.plots import (
    Box,
    Scale,
    drawing,
    grid,
    label_boxes,
    log_ticks,
    mark,
    path,
    percent_ticks,
    shorten,
    spread,
    text,
    text_width,
    ticks,
)
from engine.evaluation.page.view import COLUMNS

SVG = "{http://www.w3.org/2000/svg}"


def spot(ms: float, value: float) -> Spot:
    return Spot(ms, value, "hybrid", None, f"{ms} {value}", "#1")


def test_a_scale_puts_its_ends_at_the_ends_and_the_middle_in_the_middle() -> None:
    plain = Scale(0.2, 0.6, 100.0, 0.0)
    assert [plain(v) for v in (0.2, 0.4, 0.6)] == pytest.approx([100, 50, 0])
    log = Scale(1, 10_000, 0.0, 40.0, log=True)
    assert [log(v) for v in (1, 10, 100, 10_000)] == pytest.approx([0, 10, 20, 40])


def test_a_scale_of_one_value_puts_it_in_the_middle() -> None:
    assert Scale(0.5, 0.5, 0.0, 10.0)(0.5) == 5


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.703, 0.921, [0.7, 0.75, 0.8, 0.85, 0.9, 0.95]),
        (0.5, 0.5, [0.5, 0.5001]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize("value", [0.0, 0.004, 0.5, 0.99, 1.0])
def test_the_axis_of_equal_values_has_room_and_stays_between_0_and_100(value: float) -> None:
    axis = percent_ticks([value, value])
    assert 0 <= axis[0] <= value <= axis[-1] <= 1
    assert axis[-1] - axis[0] >= 0.05 - 1e-9


def test_ticks_of_time_are_powers_of_ten_and_more_where_those_are_few() -> None:
    assert log_ticks(0.9, 2000) == [1, 10, 100, 1000]
    assert log_ticks(15, 250) == [20, 50, 100, 200]


def test_labels_that_would_overlap_move_apart_and_the_others_stay() -> None:
    assert spread([10, 11, 50], 14, 0, 100) == pytest.approx([3.5, 17.5, 50])
    assert spread([99, 100], 14, 0, 100) == pytest.approx([86, 100])
    assert spread([5, 5, 5], 14, 0, 10) == pytest.approx([0, 5, 10])
    assert spread([], 14, 0, 10) == []


def test_a_label_stands_right_of_its_point_and_elsewhere_where_that_is_taken() -> None:
    frame = Box(0, 0, 200, 100)
    alone = label_boxes([(50, 50)], [[40]], frame)
    assert alone[0] is not None
    assert alone[0][1].left > 50
    at_the_edge = label_boxes([(190, 50)], [[40]], frame)
    assert at_the_edge[0] is not None
    assert at_the_edge[0][1].right < 190


def test_a_label_without_room_is_replaced_by_the_short_one_or_left_out() -> None:
    points, narrow = [(15.0, 20.0)], Box(0, 0, 60, 40)
    assert [found and found[0] for found in label_boxes(points, [[100, 20]], narrow)] == [1]
    assert label_boxes(points, [[100, 90]], narrow) == [None]


def test_nothing_is_written_on_an_obstacle() -> None:
    wall = Box(52, 40, 200, 60)
    (found,) = label_boxes([(50, 50)], [[40]], Box(0, 0, 200, 100), [wall])
    assert found is not None
    assert not found[1].meets(wall)


def test_a_long_text_is_cut_with_a_sign_and_a_wide_script_counts_double() -> None:
    assert shorten("short", 200) == "short"
    cut = shorten("a name that goes on and on", 80)
    assert cut.endswith("…")
    assert text_width(cut) <= 80
    assert text_width("文書") > text_width("ab")


def test_the_front_is_what_nothing_beats() -> None:
    best, fast, worse, slower = spot(100, 0.8), spot(10, 0.5), spot(20, 0.4), spot(200, 0.8)
    assert pareto([slower, best, worse, fast]) == [fast, best]
    assert pareto([]) == []


def test_two_equals_are_both_on_the_front() -> None:
    assert len(pareto([spot(10, 0.5), spot(10, 0.5)._replace(name="other")])) == 2


def test_a_drawing_is_xml_and_says_what_it_is() -> None:
    parts = [
        grid([0.5, 0.6], Scale(0.5, 0.6, 90, 10), 20, 100),
        path([(1, 2), (3, 4.25)], "line real"),
        text(5, 6, "<script>&\"'\x00\ud800", "tick"),
        [mark(column.look, 10, 10, hint="<b>") for column in COLUMNS],
    ]
    root = ElementTree.fromstring(drawing("one", 120, 100, ("A & B", "what <is> seen"), *parts))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    said = {node.get("id"): node.text for node in root}
    assert root.get("aria-labelledby") == "one-title one-desc"
    assert (said["one-title"], said["one-desc"]) == ("A & B", "what <is> seen")
    written = [node.text for node in root.iter(f"{SVG}text")]
    assert written == ["50", "60", "<script>&\"'\ufffd\ufffd"]


def test_every_column_has_a_sign_of_its_own() -> None:
    shapes = {ElementTree.fromstring(mark(column.look, 0, 0)).get("d") for column in COLUMNS}
    assert len(shapes) == len(COLUMNS) == 4
