from __future__ import annotations

from importlib import metadata

import pytest

from server.cli.doctor import foreign_owners
from tests.commands import shortlist

OURS = ("engine", "indexer", "server")


def test_no_other_distribution_owns_our_names() -> None:
    owners = metadata.packages_distributions()
    assert {
        name: owners.get(name, []) for name in OURS if set(owners.get(name, [])) - {"shortlist"}
    } == {}
    assert foreign_owners() == []


def test_the_version_is_that_of_the_distribution() -> None:
    try:
        version = metadata.version("shortlist")
    except metadata.PackageNotFoundError:
        pytest.skip("this checkout is used without being installed")
    assert shortlist("--version").out.strip() == f"shortlist, version {version}"
