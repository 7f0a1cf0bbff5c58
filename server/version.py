"""Which Shortlist this is."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """Return the version that is installed; empty for a checkout that is used without it."""
    try:
        return metadata.version("shortlist")
    except metadata.PackageNotFoundError:
        return ""
