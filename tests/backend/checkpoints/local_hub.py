"""A hub on 127.0.0.1 that misbehaves as it is told: the same requests and headers as the real one's."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPOSITORY = "someone/network"


def weights(seed: int = 0, size: int = 200_000) -> bytes:
    """A real safetensors file of one tensor."""
    tensor = hashlib.shake_256(bytes([seed])).digest(size)
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + tensor


@dataclass
class LocalHub:
    """What it holds, how it fails, and what it was asked.

    Attributes:
        files: contents by path in the repository.
        drop_at: share of a file after which the connection breaks, once for each entry.
        ranges: 206 "yes", ignored "no", or "wrong" part.
        status: instead of any answer, so often: [(403, {}), …].
        small_as_git: small files are told by git's hash, as the real hub does.
    """

    files: dict[str, bytes]
    drop_at: list[float] = field(default_factory=list)
    ranges: str = "yes"
    status: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    always: tuple[int, dict[str, str]] | None = None
    redirect: str = ""
    pause_s: float = 0.0
    told: dict[str, str] = field(default_factory=dict)  # false etags by path
    claimed: dict[str, int] = field(default_factory=dict)  # false sizes by path
    no_hash: bool = False
    commit: str = "c" * 40
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def etag(self, path: str) -> str:
        content = self.files[path]
        if path in self.told:
            return self.told[path]
        if path.endswith(".safetensors"):
            return hashlib.sha256(content).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    def gets(self) -> list[tuple[str, dict[str, str]]]:
        return [(path, headers) for method, path, headers in self.asked if method == "GET"]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: LocalHub


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *words: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        hub = self.server.hub
        hub.asked.append((self.command, self.path, dict(self.headers.items())))
        refusal = hub.status.pop(0) if hub.status else hub.always
        if refusal:
            self._headers(refusal[0], {"Content-Length": "0", **refusal[1]})
            return
        path = self.path.split("/resolve/")[-1].partition("/")[2]
        if path not in hub.files:
            self._headers(404, {"Content-Length": "0", "X-Error-Code": "EntryNotFound"})
            return
        told = {
            "X-Repo-Commit": hub.commit,
            "X-Linked-Size": str(hub.claimed.get(path, len(hub.files[path]))),
        }
        if not hub.no_hash:
            told["X-Linked-Etag"] = f'"{hub.etag(path)}"'
        if hub.redirect:
            self._headers(302, {**told, "Location": hub.redirect + self.path, "Content-Length": "0"})
            return
        self._file(path, told, body)

    def _file(self, path: str, told: dict[str, str], body: bool) -> None:
        hub = self.server.hub
        content, start = hub.files[path], 0
        wanted = self.headers.get("Range")
        if wanted and hub.ranges != "no":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self._headers(416, {"Content-Length": "0"})
                return
            start = 0 if hub.ranges == "wrong" else start
            told["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        rest = content[start:]
        self._headers(206 if "Content-Range" in told else 200, {**told, "Content-Length": str(len(rest))})
        if not body:
            return
        whole = len(rest)
        if hub.drop_at and path.endswith(".safetensors"):
            whole = max(0, int(len(content) * hub.drop_at.pop(0)) - start)
        step = max(1, len(rest) // 10) if hub.pause_s else len(rest)
        for at in range(0, whole, max(1, step)):
            self.wfile.write(rest[at : min(at + step, whole)])
            self.wfile.flush()
            time.sleep(hub.pause_s)
        if whole < len(rest):
            self.close_connection = True

    def _headers(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@contextmanager
def serving(hub: LocalHub) -> Iterator[LocalHub]:
    """The hub at work, its address in `hub.url`."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.hub = hub
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
