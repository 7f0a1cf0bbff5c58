"""The names of the derived parts of a generation, as the catalogue holds them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from engine.local.catalog import Catalog

KEPT_GENERATIONS: Final = 3  # a reader that opens while others commit still finds its files


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Folders and files relative to the index; `dense_through` is the highest passage id in it.

    `measured` says how exact an approximate dense part is; `history` names the parts of earlier
    generations that are kept, newest first.
    """

    text: str = ""
    dense: str = ""
    dense_through: int = 0
    dense_rows: int = 0
    measured: dict[str, Any] = field(default_factory=dict[str, Any])
    history: tuple[str, ...] = ()

    @classmethod
    def read(cls, catalog: Catalog) -> Self:
        """Return the parts that the catalogue names."""
        values = json.loads(catalog.get("parts") or "{}")
        return cls(**values | {"history": tuple(values.get("history", ()))})

    def write(self, catalog: Catalog, before: Parts) -> None:
        """Name these parts, and keep those of the last generations."""
        past = [name for name in (before.text, before.dense) if name]
        history = tuple(dict.fromkeys([*past, *before.history]))[: 2 * (KEPT_GENERATIONS - 1)]
        catalog.put("parts", json.dumps(asdict(replace(self, history=history))))

    @property
    def named(self) -> set[str]:
        """Names of everything that must not be removed."""
        return {name for name in (self.text, self.dense, *self.history) if name}
