"""Errors: everything Shortlist raises on purpose.

    ShortlistError
    ├── UsageError            the caller asked for something that cannot be (exit 2, HTTP 422)
    │   └── FilterError       the filter expression does not parse
    ├── IndexFault            something about an index on disk (exit 1, HTTP 503)
    │   ├── NoIndex           there is no index at that place
    │   ├── ForeignIndex      the index has another format version, or is not ours
    │   ├── DamagedIndex      a part of the index does not match its checksum
    │   ├── IndexLocked       another process is writing
    │   └── EncoderMismatch   the index was made with another encoder
    ├── SourceError           a root cannot be indexed as asked (missing, suddenly empty)
    ├── DocumentTaken         a document cannot be changed so: it belongs to a file (HTTP 409)
    ├── CollectionError       queries or judgements cannot be used; names file and line
    ├── ExtractionError       one file gave no text; the reason is for the user
    └── ModelError            a model cannot be loaded or used
        └── RerankerBusy      too many wait for it; later there may be room (HTTP 503)

The command line turns each into `Error: ...` and an exit code, the server into problem details.
A message says what is wrong and what to do about it.
"""

from __future__ import annotations


class ShortlistError(Exception):
    """Any error that Shortlist raises on purpose."""


class UsageError(ShortlistError):
    """Raised when an argument cannot be what it is."""


class FilterError(UsageError):
    """Raised when a filter expression does not parse."""


class IndexFault(ShortlistError):
    """Raised when something is wrong with an index on disk."""


class NoIndex(IndexFault):
    """Raised when there is no index at a place, or its first build never committed."""


class ForeignIndex(IndexFault):
    """Raised when an index has a newer format, or the folder holds something else."""


class DamagedIndex(IndexFault):
    """Raised when a part of an index is missing or differs from its checksum."""


class IndexLocked(IndexFault):
    """Raised when another process is writing to the index."""


class EncoderMismatch(IndexFault):
    """Raised when an index is opened with an encoder that did not make it."""


class SourceError(ShortlistError):
    """Raised when a root cannot be indexed as asked."""


class DocumentTaken(ShortlistError):
    """Raised when a document is to be put or removed by hand that came from a file."""


class CollectionError(ShortlistError):
    """Raised when queries or judgements cannot be used; the message names file and line."""


class ExtractionError(ShortlistError):
    """Raised when a file gives no text; the message is the reason shown to the user."""


class ModelError(ShortlistError):
    """Raised when a model cannot be loaded or used."""


class RerankerBusy(ModelError):
    """Raised when a shared reranker has no room for more pairs, or does not get to them in time."""
