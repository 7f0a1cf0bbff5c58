"""Searches that are recorded, so that feedback can name them (--feedback)."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.errors import ShortlistError

if TYPE_CHECKING:
    from engine.answer import Answer, SearchRequest
    from engine.feedback.log import FeedbackLog

_LOG: Final = logging.getLogger(__name__)


def recorded(log: FeedbackLog, asked: SearchRequest, answer: Answer) -> Answer:
    """Record an answer as it is shown; return it with its id. A log that fails stops no search."""
    try:
        return replace(answer, search_id=log.search(asked, answer))
    except ShortlistError:
        _LOG.exception("a search was not recorded")
        return replace(answer, notes=[*answer.notes, "not recorded: the feedback log failed"])
