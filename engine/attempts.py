"""Steps of a batch: what fails for one is an outcome, not the end of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from engine.errors import ShortlistError

if TYPE_CHECKING:
    from collections.abc import Callable

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def tried(step: Callable[[_In], _Out], given: _In | ShortlistError) -> _Out | ShortlistError:
    """Take a step; an error of ours, also that of the step before, is returned."""
    if isinstance(given, ShortlistError):
        return given
    try:
        return step(given)
    except ShortlistError as error:
        return error


def or_raise(outcome: _Out | ShortlistError) -> _Out:
    """Return an outcome, or raise the error that it is."""
    if isinstance(outcome, ShortlistError):
        raise outcome
    return outcome
