from __future__ import annotations

import json

import pytest

from engine.config import IndexSettings
from engine.errors import ForeignIndex, UsageError


def test_settings_survive_the_catalogue() -> None:
    settings = IndexSettings(language="de", encoder="x", dim=7, approximate_from=3)
    assert IndexSettings.from_json(settings.to_json()) == settings


def test_a_setting_that_is_not_known_is_an_error_that_names_it() -> None:
    text = json.dumps({"language": "en", "colour": "red"})
    with pytest.raises(ForeignIndex, match="colour"):
        IndexSettings.from_json(text)


def test_settings_that_an_older_index_lacks_have_their_defaults() -> None:
    assert IndexSettings.from_json("{}") == IndexSettings()


@pytest.mark.parametrize(
    "values",
    [{"passage_words": 9}, {"passage_words": 10, "overlap_words": 6}, {"overlap_words": -1}],
)
def test_sizes_that_cannot_be_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        IndexSettings(**values)  # type: ignore[arg-type]


def test_the_overlap_may_be_half_a_passage() -> None:
    assert IndexSettings(passage_words=10, overlap_words=5).overlap_words == 5
