"""The Dockerfile and compose.yaml, held against the project as far as that goes without Docker."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from engine.errors import UsageError
from server.app import create_app
from server.cli.serve import command as serve
from server.keys import Keys
from server.serving import bound
from server.settings import ServerSettings
from tests.browser import served
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.search import SearchEngine

HOME = Path(__file__).parents[2]
PORT = "8000"


def instructions() -> Iterator[tuple[str, str]]:
    """Return each instruction of the Dockerfile and its arguments."""
    text = re.sub(r"^#.*\n", "", (HOME / "Dockerfile").read_text(), flags=re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            yield name, rest.strip()


def arguments(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def one(name: str) -> list[str]:
    """Return the words of the only instruction of a name, in JSON."""
    [rest] = arguments(name)
    return json.loads(rest[rest.index("[") :])


def compose() -> dict[str, Any]:
    [service] = yaml.safe_load((HOME / "compose.yaml").read_text())["services"].values()
    return service


def copied() -> list[str]:
    return [source for rest in arguments("COPY") for source in shlex.split(rest)[:-1]]


def test_what_is_copied_is_there_and_is_all_that_the_build_is_sent() -> None:
    assert {"engine", "indexer", "server", "pyproject.toml", "constraints.txt"} <= {*copied()}
    for source in copied():
        assert (HOME / source).exists(), source
    lines = (HOME / ".dockerignore").read_text().splitlines()
    assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted(copied())
    assert lines[lines.index("*") - 1].startswith("#")


def test_the_packages_are_those_that_make_installs() -> None:
    run = [line for rest in arguments("RUN") for line in rest.split("&&")]
    installs = [line for line in run if "pip install" in line]
    assert len(installs) == 2
    for line in installs:
        assert "-c constraints.txt" in line
    assert "-c constraints.txt --editable ." in (HOME / "Makefile").read_text()
    assert installs[-1].strip().endswith(" .")


def test_the_python_is_one_that_the_project_wants() -> None:
    [image] = arguments("FROM")
    wanted = re.search(r'requires-python = ">=([\d.]+)"', (HOME / "pyproject.toml").read_text())
    assert wanted
    version = image.removeprefix("python:").partition("-")[0]
    assert tuple(map(int, version.split("."))) >= tuple(map(int, wanted[1].split(".")))


def test_it_runs_without_root_and_never_without_a_key() -> None:
    [user] = arguments("USER")
    assert user not in ("0", "root")
    assert f"--uid {user} " in " ".join(arguments("RUN"))
    assert one("ENTRYPOINT") == ["shortlist"]
    name, *options = one("CMD")
    assert name == "serve"
    # A command remembers the names of its help option from the first context it is in.
    names = ["-h", "--help"]
    with serve.make_context(
        "serve", ["-i", str(HOME), *options], help_option_names=names
    ) as context:
        host, port = context.params["host"], context.params["port"]
        assert not context.params["insecure"]
    assert str(port) == PORT
    with (
        pytest.raises(UsageError, match="no keys"),
        bound(ServerSettings(host=host, port=0, keys=Keys())),
    ):
        pass
    assert ":?" in compose()["environment"]["SHORTLIST_API_KEY"]


def test_compose_mounts_the_index_where_the_image_looks_for_it_and_only_to_be_read() -> None:
    environment = " ".join(arguments("ENV"))
    [mount] = [volume for volume in compose()["volumes"] if volume["type"] == "bind"]
    assert f"SHORTLIST_INDEX={mount['target']}" in environment
    assert arguments("VOLUME") == [mount["target"]]
    assert mount["read_only"] is True
    assert arguments("EXPOSE") == [PORT]
    assert compose()["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]


def test_the_health_check_tells_a_server_that_is_ready_from_one_that_is_not() -> None:
    kind, *check = compose()["healthcheck"]["test"]
    assert kind == "CMD"
    assert one("HEALTHCHECK") == check
    assert check[:2] == ["python", "-c"]

    def healthy(port: int) -> bool:
        code = check[2].replace(f":{PORT}/", f":{port}/")
        assert code != check[2]
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        return done.returncode == 0

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert not healthy(nobody.getsockname()[1])

    def broken() -> SearchEngine:
        raise UsageError("no weights")

    for load, ready in ((lambda: make_engine({"a.md": "cats"}), True), (broken, False)):
        app = create_app(load)
        with served(app) as url:
            while app.state.live.loading:
                pass
            assert healthy(int(url.rstrip("/").rpartition(":")[2])) is ready
