"""One file in, its text and structure out; whatever goes wrong is an ExtractionError.

`extract` reads a file in this process, `extract_many` reads many and keeps the parsers that may
crash or hang in worker processes. Importing this package loads no parser: each format's module is
imported when the first file of its kind is met.
"""

from __future__ import annotations

from indexer.extract.files import extract
from indexer.extract.isolate import extract_many
from indexer.extract.kinds import file_type, known, supported

__all__ = ["extract", "extract_many", "file_type", "known", "supported"]
