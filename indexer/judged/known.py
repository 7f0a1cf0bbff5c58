"""The judged collections that have a name of their own, and where the hub keeps them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A collection on the hub in BEIR's layout: three tables in one or two repositories.

    Attributes:
        name: as people write it.
        repository: holds the configurations `corpus` and `queries`.
        qrels: the repository of the judgements.
        configuration: of the judgements in their repository; None where there is only one.
        whole: there are no splits; the hub names one `train` all the same.
    """

    name: str
    repository: str
    qrels: str
    configuration: str | None = None
    whole: bool = False


_BEIR: Final = (
    *("msmarco", "trec-covid", "nfcorpus", "nq", "hotpotqa", "fiqa", "arguana"),
    *("webis-touche2020", "quora", "dbpedia-entity", "scidocs", "fever", "climate-fever"),
    "scifact",
)
# Of CQADupStack the hub has judgements in the repositories of MTEB alone.
_FORUMS: Final = (
    *("android", "english", "gaming", "gis", "mathematica", "physics", "programmers", "stats"),
    *("tex", "unix", "webmasters", "wordpress"),
)
_NANO: Final = (
    *("ClimateFEVER", "DBPedia", "FEVER", "FiQA2018", "HotpotQA", "MSMARCO", "NFCorpus", "NQ"),
    *("QuoraRetrieval", "SCIDOCS", "ArguAna", "SciFact", "Touche2020"),
)
# Other names that the same collection goes by.
_ALIASES: Final = {
    "fiqa2018": "fiqa",
    "quoraretrieval": "quora",
    "dbpedia": "dbpedia-entity",
    "touche2020": "webis-touche2020",
    "nanofiqa": "nano-fiqa2018",
    "nanoquora": "nano-quoraretrieval",
    "nanodbpediaentity": "nano-dbpedia",
    "nanowebistouche2020": "nano-touche2020",
}


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _collections() -> list[Known]:
    beir = [
        Known(name=name, repository=f"BeIR/{name}", qrels=f"BeIR/{name}-qrels") for name in _BEIR
    ]
    forums = [
        Known(name=name, repository=f"mteb/{name}", qrels=f"mteb/{name}", configuration="default")
        for name in (f"cqadupstack-{forum}" for forum in _FORUMS)
    ]
    nano = [
        Known(
            name=f"nano-{name.lower()}",
            repository=f"zeta-alpha-ai/Nano{name}",
            qrels=f"zeta-alpha-ai/Nano{name}",
            configuration="qrels",
            whole=True,
        )
        for name in _NANO
    ]
    return [*beir, *forums, *nano]


_KNOWN: Final = {_key(known.name): known for known in _collections()}
NAMES: Final = tuple(known.name for known in _KNOWN.values())


def known(name: str) -> Known | None:
    """Return the collection of a name; case and separators do not count (`NanoMSMARCO`)."""
    key = _key(name)
    return _KNOWN.get(_key(_ALIASES.get(key, key)))
