"""The composition root: the one place that knows which parts make an engine.

Leaf modules (tantivy, FAISS, tokenizers, torch) are imported here, inside functions, so that
whoever needs none of them does not wait for them.
"""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.analysis import Analyzer
from engine.errors import EncoderMismatch, ModelError
from engine.search import SearchEngine

if TYPE_CHECKING:
    from engine.config import IndexSettings
    from engine.local.store import LocalStore
    from engine.protocols import Encoder, Reranker

NO_RERANKER: Final = "none"


def open_store(folder: Path, settings: IndexSettings | None = None) -> LocalStore:
    """Return the store in a folder; `settings` count only when a first write makes the index."""
    from engine.local.store import LocalStore

    return LocalStore(folder, settings)


def load_encoder(source: str = "") -> Encoder:
    """Return the embedded static encoder, or that of a folder or hub name.

    Raises:
        ModelError: if it cannot be loaded.
    """
    from engine.static import StaticEncoder

    if not source:
        return StaticEncoder.default()
    from engine.rerankers.checkpoint import resolve

    return StaticEncoder.load(resolve(source))


def encoder_source(named: str) -> str:
    """Return what an index remembers of an encoder: a hub name, or a folder from the root on.

    The index is opened from other folders than the one in which it was made.
    """
    return str(Path(named).resolve()) if named and Path(named).is_dir() else named


def load_reranker(source: str = "") -> Reranker:
    """Return the default reranker, or that of a folder or hub name.

    Raises:
        ModelError: if it cannot be loaded, or has no trained head.
    """
    from engine.rerankers import load

    return load(source)


def open_engine(folder: Path, reranker: str = "") -> SearchEngine:
    """Return an engine over the newest commit of an index.

    Args:
        folder: the index.
        reranker: a folder or hub name, empty for the default, `none` for stage one alone. If the
            default cannot be loaded the engine still answers, and every answer says `degraded`;
            one that was named must load.

    Raises:
        NoIndex: if there is no index.
        EncoderMismatch: if the index was made with an encoder that is not here.
        ModelError: if a model that was named cannot be loaded.
    """
    snapshot = open_store(folder).snapshot()
    try:
        settings = snapshot.settings
        encoder = load_encoder(settings.encoder_source)
        check_encoder(settings, encoder)
        second, fault = _second_stage(reranker)
    except BaseException:
        snapshot.close()
        raise
    return SearchEngine(snapshot, encoder, second, Analyzer(settings.language), fault)


def renew_engine(folder: Path, engine: SearchEngine) -> SearchEngine:
    """Return an engine with the same models over the newest commit; the given one stays as it is.

    Where the index was encoded again by another encoder, that one is loaded.

    Raises:
        NoIndex: if there is no index any more.
        EncoderMismatch: if the index was made with an encoder that is not here.
        ModelError: if its encoder cannot be loaded.
    """
    snapshot = open_store(folder).snapshot()
    try:
        settings, encoder = snapshot.settings, engine.encoder
        if settings.encoder != encoder.name:
            encoder = load_encoder(settings.encoder_source)
        check_encoder(settings, encoder)
    except BaseException:
        snapshot.close()
        raise
    renewed = copy(engine)
    renewed.snapshot = snapshot
    renewed.encoder = encoder
    renewed.analyzer = Analyzer(snapshot.settings.language)
    return renewed


def check_encoder(settings: IndexSettings, encoder: Encoder) -> None:
    """Raise EncoderMismatch unless the index was made with this encoder."""
    if settings.encoder != encoder.name:
        raise EncoderMismatch(
            f"the index was made with encoder {settings.encoder!r}, this is {encoder.name!r}:"
            " use that encoder, or encode the index again (shortlist index -i INDEX --encoder"
            " MODEL; '' is the default one)"
        )


def _second_stage(source: str) -> tuple[Reranker | None, str]:
    """Return (reranker, why it is missing)."""
    if source == NO_RERANKER:
        return None, ""
    if source:
        return load_reranker(source), ""
    try:
        return load_reranker(), ""
    except ModelError as error:
        return None, str(error)
