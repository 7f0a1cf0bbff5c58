from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from engine.answer import SearchRequest
from engine.assemble import load_encoder, open_store
from engine.config import IndexSettings
from engine.errors import EncoderMismatch, ModelError, NoIndex, UsageError
from indexer.build import build
from indexer.reencoding import reencode
from server.keys import read_keys
from server.serving import IndexFolder, bound, serve
from server.settings import ServerSettings
from tests.fakes import HashEncoder

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

ROOT = Path(__file__).parents[2]
SERVE = """
import sys
from pathlib import Path
from server.serving import serve
from server.settings import ServerSettings
serve(Path(sys.argv[1]), "none", ServerSettings(port=0))
"""
SERVE_JSON = SERVE.replace("port=0", "port=0, log='json'")
STUCK = """
import sys, time
from server.app import create_app
from server.process import run
from server.serving import bound
from server.settings import ServerSettings
from tests.fakes import make_engine
class Stuck(type(make_engine({}))):
    def search(self, request):
        time.sleep(60)
def load():
    if sys.argv[1] == "loading":
        time.sleep(60)
    engine = make_engine({"a.md": "cats"})
    return Stuck(engine.snapshot, engine.encoder, None)
with bound(ServerSettings(port=0)) as listener:
    run(create_app(load), listener, grace=1, deadline=2)
"""


class Running:
    """A server in a process of its own."""

    def __init__(self, code: str, *args: str, env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code, *args],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr
        line = self.process.stderr.readline()
        url = (
            json.loads(line)["url"] if line.startswith("{") else line.removeprefix("listening on ")
        )
        assert url.startswith("http://127.0.0.1:"), line
        self.port = int(url.rsplit(":", 1)[1])

    def get(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, json.loads(body)

    def wait_until(self, path: str, wanted: object, key: str) -> dict[str, Any]:
        for _ in range(600):
            _, body = self.get(path)
            if body.get(key) == wanted:
                return body
            time.sleep(0.05)
        raise AssertionError(f"{path} never said {key}={wanted}")

    def stop(self, sig: int = signal.SIGTERM) -> tuple[int, str, float]:
        """Return (exit status, what it said, seconds it took)."""
        start = time.monotonic()
        self.process.send_signal(sig)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said, time.monotonic() - start


@contextmanager
def running(code: str, *args: str, env: Mapping[str, str] | None = None) -> Generator[Running]:
    server = Running(code, *args, env=env or {})
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()


def make_index(index: Path, docs: Path) -> None:
    encoder = load_encoder()
    store = open_store(index, IndexSettings(encoder=encoder.name, dim=encoder.dim))
    build(store, encoder, [docs])


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "cats.md").write_text("Cats purr at night.")
    (folder / "dogs.md").write_text("Dogs bark at the postman.")
    return folder


def test_a_real_server_answers_follows_the_index_and_ends_on_sigterm(
    tmp_path: Path, docs: Path
) -> None:
    index = tmp_path / "index"
    make_index(index, docs)
    with running(SERVE, str(index)) as server:
        server.wait_until("/readyz", "ready", "status")
        status, answer = server.get("/search?q=purring+cat&k=1")
        assert status == 200
        assert answer["results"][0]["document"].endswith("cats.md")
        assert answer["results"][0]["stale"] is False

        (docs / "birds.md").write_text("Birds sing in the morning.")
        make_index(index, docs)
        answer = server.wait_until("/search?q=birds&k=1", 2, "snapshot")
        assert answer["results"][0]["document"].endswith("birds.md")

        # Made anew in its place: generation 1 again, but another index.
        shutil.rmtree(index)
        time.sleep(1.1)  # it looks once a second
        assert server.get("/search?q=birds")[0] == 200
        (docs / "birds.md").write_text("Fish swim.")
        make_index(index, docs)
        answer = server.wait_until("/search?q=fish&k=1", 1, "snapshot")
        assert "Fish" in answer["results"][0]["text"]

        # A query may be as long in a URL as in a body, in any script.
        assert server.get("/search?q=" + "%E7%8C%AB" * 100_000)[0] == 200
        assert server.get("/search?q=" + "a" * 100_001)[0] == 422
        assert too_large(server.port) == 413

        code, said, seconds = server.stop()
    assert code == 0
    assert seconds < 10
    # The index was gone for a moment, and that was said once.
    assert said.count("the commit before answers: no index") == 1
    assert len(said.splitlines()) == 1


def too_large(port: int) -> int:
    """Announce ten gigabytes, send none of them, and return the status of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(
            b"POST /search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: 10000000000\r\n\r\n"
        )
        return int(connection.recv(100).split()[1])


@contextmanager
def searching(server: Running) -> Generator[None]:
    """Wait until the server is ready, and ask what it will never answer."""
    server.wait_until("/readyz", "ready", "status")
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        connection.request("GET", "/search?q=cats")
        time.sleep(0.3)
        yield


def test_a_server_whose_search_never_ends_is_alive_and_ends_in_time() -> None:
    with running(STUCK, "searching") as server, searching(server):
        assert server.get("/healthz")[0] == 200
        code, said, seconds = server.stop()
    assert code == 0
    assert seconds < 10
    assert "still running" in said


def test_a_server_that_loads_ends_at_once() -> None:
    with running(STUCK, "loading") as server:
        assert server.get("/readyz")[0] == 503
        code, said, seconds = server.stop()
    assert (code, said) == (0, "")
    assert seconds < 2


def test_a_second_signal_ends_a_server_at_once() -> None:
    with running(STUCK, "searching") as server, searching(server):
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        code, _, seconds = server.stop(signal.SIGINT)
    assert code == 1
    assert seconds < 1.5


def test_serving_returns_after_a_signal(
    tmp_path: Path, docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_index(tmp_path / "index", docs)
    with bound(ServerSettings(port=0)) as free:
        port = free.getsockname()[1]
    before = signal.getsignal(signal.SIGTERM)

    def ask_and_stop() -> int:
        for _ in range(600):
            with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/readyz") as response:
                os.kill(os.getpid(), signal.SIGTERM)
                return response.status
            time.sleep(0.05)
        raise AssertionError("never ready")

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask_and_stop)
        serve(tmp_path / "index", "none", ServerSettings(port=port))
        assert asked.result() == 200
    assert signal.getsignal(signal.SIGTERM) is before
    assert capsys.readouterr().err == f"listening on http://127.0.0.1:{port}\n"


def test_a_missing_index_fails_at_once(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match="no index"):
        serve(tmp_path / "index", settings=ServerSettings(port=0))


def test_an_address_that_others_reach_needs_a_key_unless_said(tmp_path: Path, docs: Path) -> None:
    make_index(tmp_path / "index", docs)
    everywhere = ServerSettings(host="0.0.0.0", port=0)
    with pytest.raises(UsageError, match="other machines"):
        serve(tmp_path / "index", settings=everywhere)
    for said in (replace(everywhere, insecure=True), replace(everywhere, keys=read_keys(["k"]))):
        with bound(said) as listener:
            assert listener.getsockname()[1]


def test_starting_the_command_line_waits_for_no_web_framework() -> None:
    code = "import server.serving, sys; print({'fastapi', 'uvicorn', 'numpy'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert found.stdout.split() == [b"set()"]


def test_a_newer_commit_is_opened_with_the_models_that_are_there(
    tmp_path: Path, docs: Path
) -> None:
    make_index(tmp_path / "index", docs)
    folder = IndexFolder(open_store(tmp_path / "index"), "none")
    first = folder.load()
    assert folder.renew(first) is None
    (docs / "birds.md").write_text("Birds sing in the morning.")
    make_index(tmp_path / "index", docs)
    second = folder.renew(first)
    assert second
    assert second.encoder is first.encoder
    assert (first.snapshot.generation, second.snapshot.generation) == (1, 2)
    assert folder.renew(second) is None
    assert first.snapshot.count()[0] == 2
    assert second.snapshot.count()[0] == 3
    first.close()
    second.close()


def test_an_index_that_is_encoded_again_is_followed_with_its_new_encoder(
    tmp_path: Path, docs: Path
) -> None:
    from tests.tiny_models import save_static

    make_index(tmp_path / "index", docs)
    store = open_store(tmp_path / "index")
    folder = IndexFolder(store, "none")
    first = folder.load()
    tiny = save_static(tmp_path / "tiny")
    reencode(store, load_encoder(str(tiny)), str(tiny))
    second = folder.renew(first)
    assert second
    assert second.encoder.name.startswith("tiny@")
    for engine, found in ((first, 2), (second, 1)):  # of the cats the tiny one knows no word
        answer = engine.search(SearchRequest(query="the postman", sources="dense"))
        assert len(answer.results) == found
    shutil.rmtree(tiny)
    save_static(tmp_path / "gone")
    reencode(store, load_encoder(str(tmp_path / "gone")), str(tmp_path / "gone"))
    shutil.rmtree(tmp_path / "gone")
    with pytest.raises(ModelError, match="gone"):
        folder.renew(second)
    assert second.search(SearchRequest(query="the", sources="dense")).results
    first.close()
    second.close()


def test_an_index_of_another_encoder_is_not_opened_in_place_of_the_first(
    tmp_path: Path, docs: Path
) -> None:
    make_index(tmp_path / "index", docs)
    folder = IndexFolder(open_store(tmp_path / "index"), "none")
    first = folder.load()
    shutil.rmtree(tmp_path / "index")
    other = HashEncoder()
    settings = IndexSettings(encoder=other.name, dim=other.dim)
    build(open_store(tmp_path / "index", settings), other, [docs])
    with pytest.raises(EncoderMismatch):
        folder.renew(first)
    assert first.snapshot.count()[0] == 2
    first.close()


def test_sighup_loads_anew_and_ends_nothing(tmp_path: Path, docs: Path) -> None:
    make_index(tmp_path / "index", docs)
    with running(SERVE_JSON, str(tmp_path / "index")) as server:
        server.wait_until("/readyz", "ready", "status")
        server.process.send_signal(signal.SIGHUP)
        assert server.process.stderr
        # The lines before say that it was not ready yet.
        assert any(json.loads(line)["event"] == "reloaded" for line in server.process.stderr)
        assert server.get("/search?q=cats")[0] == 200
        code, said, _ = server.stop()
    assert code == 0
    [line] = [json.loads(line) for line in said.splitlines()]
    assert (line["route"], line["status"]) == ("/search", 200)


def test_keys_come_by_variable_and_file_and_never_stand_in_a_process_list(
    tmp_path: Path, docs: Path
) -> None:
    make_index(tmp_path / "index", docs)
    (tmp_path / "keys").write_text("write ci:sesame\n")
    env = {"SHORTLIST_API_KEY": "one laptop:two", "SHORTLIST_API_KEY_FILE": str(tmp_path / "keys")}
    code = "import sys; from server.cli import main; main(['serve', '--port', '0', *sys.argv[1:]])"
    args = ["--no-rerank", "-i", str(tmp_path / "index")]
    with running(code, *args, env=env) as server:
        assert server.get("/livez")[0] == 200
        assert server.get("/openapi.json")[0] == 401
        for key in ("one", "two", "sesame"):
            assert server.get("/openapi.json", {"X-API-Key": key})[0] == 200
        _, said, _ = server.stop()
    assert "key=laptop" in said
    assert "sesame" not in said
