"""Settings of all tests: nothing reaches a network, and a slow machine is no failure."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# tqdm reads it once, when it is imported: a shell that wants no bars must not fail those of bars.
os.environ.pop("TQDM_DISABLE", None)
# A shell starts background jobs with SIGINT ignored, and what they start inherits it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Time is measured in benchmarks/; a busy machine would fail a deadline now and then.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")
