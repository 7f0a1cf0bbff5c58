"""A hub on this machine, as far as publishing a model needs one."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from huggingface_hub import constants

if TYPE_CHECKING:
    from collections.abc import Generator

    import pytest

TOKEN = "hf_good"


class Hub:
    """What it knows, and what was sent to it.

    Attributes:
        public: repositories that are there and public.
        files: path -> content of what was committed.
        created: what was asked when the repository was made.
        role: of the token.
        refuses: whether it answers a commit with an error.
    """

    def __init__(self) -> None:
        self.public: set[str] = set()
        self.files: dict[str, bytes] = {}
        self.created: dict[str, Any] = {}
        self.role = "write"
        self.refuses = False
        self.address = ""

    def answer(self, path: str, body: bytes, token: str | None) -> tuple[int, Any]:
        """Return status and answer."""
        if path == "/api/validate-yaml":
            good = "license: nonsense" not in json.loads(body)["content"].replace('"', "")
            return (200, {}) if good else (400, {"error": '"license" must be one of a long list'})
        if token != f"Bearer {TOKEN}":
            return 401, {"error": "Invalid credentials"}
        if path == "/api/whoami-v2":
            orgs = [{"name": "mill", "roleInOrg": "write"}, {"name": "sea", "roleInOrg": "read"}]
            auth = {"accessToken": {"role": self.role}}
            return 200, {"name": "ann", "type": "user", "orgs": orgs, "auth": auth}
        if path == "/api/repos/create":
            self.created = json.loads(body)
            return 200, {"url": f"{self.address}/ann/{self.created['name']}"}
        return self._repository(path.removeprefix("/api/models/"), body)

    def _repository(self, path: str, body: bytes) -> tuple[int, Any]:
        if path.endswith("/preupload/main"):
            names = [file["path"] for file in json.loads(body)["files"]]
            said = [{"path": n, "uploadMode": "regular", "shouldIgnore": False} for n in names]
            return 200, {"files": said}
        if path.endswith("/commit/main"):
            if self.refuses:
                return 403, {"error": "the storage is full"}
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    content = base64.b64decode(line["value"]["content"])
                    self.files[line["value"]["path"]] = content
            place = f"{self.address}/{path.removesuffix('/main')}/{'0' * 40}"
            return 200, {"success": True, "commitOid": "0" * 40, "commitUrl": place}
        if path in self.public:
            return 200, {"id": path, "private": False, "siblings": [], "tags": []}
        return 404, {"error": "Repository not found"}


@contextmanager
def hub_here(monkeypatch: pytest.MonkeyPatch) -> Generator[Hub]:
    """Run a hub and let the library know no other; somebody is logged in."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            path = self.path.partition("?")[0]
            status, said = hub.answer(
                path, self.rfile.read(length), self.headers.get("Authorization")
            )
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if status == 404:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
