"""What a figure was measured on and with."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGES: Final = (
    "shortlist", "tantivy", "faiss-cpu", "tokenizers", "sentence-transformers", "torch",
    "transformers", "ir_measures", "numpy",
)  # fmt: skip
_HOME: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Processor and system, versions, the commit of a checkout (None elsewhere), the index.

    `index` is what tells an index from every other one: settings, generation, parts. `command` is
    what was typed.
    """

    machine: Mapping[str, Any] = field(default_factory=dict[str, Any])
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    commit: str | None = None
    index: Mapping[str, Any] = field(default_factory=dict[str, Any])
    command: str = ""

    @classmethod
    def here(cls, index: Mapping[str, Any] | None = None, command: str = "") -> Environment:
        """Return what this process runs on."""
        machine = {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": platform.system(),
        }
        versions = {"python": platform.python_version()}
        versions |= {name: found for name in _PACKAGES if (found := _version(name))}
        return cls(
            machine=machine,
            versions=versions,
            commit=_commit(),
            index=index or {},
            command=command,
        )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _commit() -> str | None:
    """Return the commit of the checkout that this code lies in, marked if it was changed."""
    if not (_HOME / ".git").exists():
        return None
    try:
        run = subprocess.run(
            ["git", "describe", "--always", "--dirty"],  # noqa: S607
            cwd=_HOME, capture_output=True, text=True, check=False, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip() or None
