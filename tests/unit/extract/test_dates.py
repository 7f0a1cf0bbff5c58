from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from indexer.extract.dates import seconds

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        NOON,
        NOON.replace(tzinfo=None),
        NOON.astimezone(timezone(timedelta(hours=5))),
        "2024-01-31T12:00:00Z",
        "2024-01-31 12:00",
        "2024-01-31T13:00:00+01:00",
        "D:20240131130000+01'00'",
        "D:20240131120000Z",
        "D:20240131120000",
        "Wed, 31 Jan 2024 12:00:00 +0000",
        "Wed, 31 Jan 2024 12:00:00 -0000",
    ],
)
def test_every_form_of_a_date_is_the_same_moment(value: object) -> None:
    assert seconds(value) == NOON.timestamp()


def test_a_day_is_its_midnight_in_utc() -> None:
    assert seconds(date(2024, 1, 31)) == seconds("2024-01-31") == NOON.timestamp() - 43_200


@pytest.mark.parametrize(
    "value",
    [None, "", " ", "soon", 7, "2024-13-45", "D:", "D:2024139", [], "0001-01-01T00:00+14:00"],
)
def test_what_is_no_date_is_none(value: object) -> None:
    found = seconds(value)
    assert found is None or isinstance(found, float)


def test_words_and_numbers_are_no_dates() -> None:
    assert seconds("soon") is None
    assert seconds(7) is None
    assert seconds("D:20241399") is None
