"""Whether and where `shortlist train` publishes a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from indexer.training.publishing import Publication


def publication(given: Mapping[str, Any]) -> Publication | None:
    """Return where the model will be published; the hub has said that it will take it.

    Raises:
        UsageError: as `Publication.require_possible`, or if --private has nothing to belong to.
        ModelError: if the hub cannot be asked.
    """
    repository: str = given["push_to_hub"]
    if not repository:
        if given["private"]:
            raise UsageError("--private belongs to --push-to-hub")
        return None
    from indexer.training.card import front_matter
    from indexer.training.publishing import Publication

    found = Publication(repository=repository, private=given["private"])
    head = front_matter(
        "text-ranking", "cross-encoder, reranker", given["licence"], given["language"]
    )
    found.require_possible(head)
    return found
