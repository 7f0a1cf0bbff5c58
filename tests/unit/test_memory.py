"""Pools of memory, seen in a process of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.commands import environment

CODE = """
import ctypes, platform, sys, threading
if platform.libc_ver()[0] != "glibc":
    sys.exit(77)
from server.memory import share_arenas
if sys.argv[1] == "shared":
    share_arenas()
library = ctypes.CDLL(None)
together = threading.Barrier(12)
def take():
    together.wait()
    library.malloc(10_000)
    together.wait()
threads = [threading.Thread(target=take) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
library.malloc_stats()
"""


def arenas(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CODE, how],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("this C library has no pools to share")
    assert done.returncode == 0, done.stderr
    return done.stderr.count("Arena ")


def test_threads_share_two_pools_of_memory() -> None:
    assert arenas("shared") <= 2 < arenas("each its own")
