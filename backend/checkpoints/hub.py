"""One file at a time from a Hugging Face hub or a mirror of it: looked up, then fetched, resumed where it broke.

Honours `HF_ENDPOINT`, `HF_TOKEN` (or the token file in `HF_HOME`), and the proxy variables; the token goes to the
hub alone, never along a redirect to another server. Standard library only.
"""

from __future__ import annotations

import hashlib
import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote, urlsplit

from ..errors import CheckpointGated, CheckpointInvalid, CheckpointMissing, HubUnreachable
from ..files import refusal
from .entries import Source

BLOCK = 1 << 20
LONGEST_WAIT_S = 60.0
SHA256, GIT = 64, 40  # lengths of the two kinds of hash a hub tells
Answer = TypeVar("Answer")
Tick = Callable[[int], None]  # told how many bytes of the file are there; may raise to stop


@dataclass(frozen=True)
class Remote:
    """A file as the hub describes it; `etag` is a sha256, git's hash of a small file, or ""."""

    url: str
    name: str
    size: int
    etag: str
    commit: str


@dataclass(frozen=True)
class Hub:
    """A hub and how patient we are with it.

    Attributes:
        timeout_s: without a byte for so long, a connection counts as lost.
        pauses: seconds before each new attempt; the count begins anew when bytes came.
    """

    endpoint: str
    token: str = ""
    timeout_s: float = 30.0
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Hub:
        """The hub the environment names."""
        endpoint = environ.get("HF_ENDPOINT") or "https://huggingface.co"
        token = environ.get("HF_TOKEN") or environ.get("HUGGING_FACE_HUB_TOKEN") or ""
        if not token:
            place = Path(environ.get("HF_TOKEN_PATH") or home(environ) / "token")
            token = place.read_text(encoding="utf-8").strip() if place.is_file() else ""
        return cls(endpoint.rstrip("/"), token)

    def look(self, source: Source, names: tuple[str, ...]) -> Remote:
        """The first of these files that the repository has: its size, hash and commit.

        Raises:
            CheckpointMissing: the repository, or each of the files, is not there.
            CheckpointGated, HubUnreachable.
        """
        for name in names:
            url = f"{self.endpoint}/{quote(source.hub)}/resolve/{quote(source.revision, safe='')}/{quote(name)}"
            try:
                headers = self._again(lambda url=url: self._head(url))
            except CheckpointMissing:
                if name == names[-1]:
                    raise
                continue
            size = headers.get("X-Linked-Size") or headers.get("Content-Length") or ""
            if not size.isdigit():
                raise HubUnreachable(f"{url} does not say how large it is", advice="try another mirror (HF_ENDPOINT)")
            etag = (headers.get("X-Linked-Etag") or headers.get("ETag") or "").removeprefix("W/").strip('"').lower()
            told = len(etag) in (SHA256, GIT) and set(etag) <= set("0123456789abcdef")
            return Remote(url, name, int(size), etag if told else "", headers.get("X-Repo-Commit") or "")
        raise CheckpointMissing(f"{source.hub} is asked for no file")

    def fetch(self, remote: Remote, path: Path, tick: Tick) -> str:
        """Completes the file at `path` from where it ends; returns its sha256, the hub's if the hub told one.

        Raises:
            CheckpointInvalid: the bytes are not those the hub promised; they are deleted.
            CheckpointGated, CheckpointMissing, HubUnreachable: what came so far stays for the next time.
            DiskFull, FolderUnwritable.
        """
        part = _Part(path, remote)
        resumed = part.size > 0
        while True:
            self._complete(remote, part, tick)
            if part.is_as_told():
                return part.sha256.hexdigest()
            part.restart()
            if not resumed:
                raise CheckpointInvalid(
                    f"{remote.name} has another hash than the hub promised ({remote.etag[:12]}…)",
                    advice="try again, or another mirror (HF_ENDPOINT)",
                )
            resumed = False

    def _complete(self, remote: Remote, part: _Part, tick: Tick) -> None:
        """Transfers until the size is reached, again and again as long as it gets farther than ever before."""
        failures, farthest = 0, part.size
        while True:
            try:
                self._transfer(remote, part, tick)
                return
            except _Passing as passing:
                failures = 0 if part.size > farthest else failures + 1
                farthest = max(farthest, part.size)
                self._wait(passing, failures)

    def _transfer(self, remote: Remote, part: _Part, tick: Tick) -> None:
        start = part.size
        if start == remote.size and part.path.is_file():
            tick(start)
            return
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._open(remote.url, "GET", headers, part) as response:
            if start and response.status != 206:
                part.restart()  # the server knows no ranges
            elif start and not (response.headers.get("Content-Range") or "").startswith(f"bytes {start}-"):
                part.restart()
                raise _Passing(f"{remote.url} sent another part than was asked for")
            with part.open() as file:
                while part.size <= remote.size and (block := _read(response)):
                    part.write(file, block)
                    tick(part.size)
        if part.size > remote.size:
            part.restart()
            raise CheckpointInvalid(
                f"{remote.name} is longer than the hub said ({remote.size} bytes)", advice="try another mirror"
            )
        if part.size < remote.size:
            raise _Passing(f"the connection was lost after {part.size} of {remote.size} bytes of {remote.name}")

    def _head(self, url: str) -> Message:
        with self._open(url, "HEAD", {}) as response:
            return response.headers

    def _open(self, url: str, method: str, headers: dict[str, str], part: _Part | None = None) -> Any:
        """A response of status 2xx, or to HEAD a redirect to another server, which says what is wanted.

        Raises:
            _Passing: it may go better next time; `part` begins anew where it ends beyond the file's end (416).
            CheckpointGated, CheckpointMissing, HubUnreachable: it would not.
        """
        request = urllib.request.Request(url, headers={"Accept-Encoding": "identity", **headers}, method=method)
        if self.token:
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            return urllib.request.build_opener(_Redirects).open(request, timeout=self.timeout_s)
        except urllib.error.HTTPError as error:
            if method == "HEAD" and 300 <= error.code < 400:
                return error
            error.close()
            if error.code == 416 and part is not None:
                part.restart()
                raise _Passing(f"{url} has not that many bytes") from None
            raise self._refusal(url, error) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise HubUnreachable(
                    f"{urlsplit(url).netloc} shows a certificate that is not trusted ({reason.verify_message})",
                    advice="behind a proxy that reads along, set SSL_CERT_FILE to its certificate",
                ) from None
            raise _Passing(f"{urlsplit(url).netloc} does not answer ({reason})") from None

    def _refusal(self, url: str, error: urllib.error.HTTPError) -> Exception:
        """What a status means; the hub says in a header of its own whether a 401 hides a missing repository."""
        told = error.headers.get("X-Error-Code") or ""
        if error.code == 404 or told in ("RepoNotFound", "RevisionNotFound", "EntryNotFound"):
            return CheckpointMissing(f"{url} is not there ({told or error.code})", advice="use another source")
        if error.code in (401, 403):
            page = url.split("/resolve/")[0]
            how = "set HF_TOKEN to a token of your account" if not self.token else "with the account of your token"
            return CheckpointGated(
                f"{url} is not open to everyone ({error.code})", advice=f"accept its conditions on {page}, and {how}"
            )
        if error.code in (408, 425, 429) or error.code >= 500:
            after = error.headers.get("Retry-After") or ""
            return _Passing(f"{url} answers {error.code}", min(float(after), LONGEST_WAIT_S) if after.isdigit() else 0)
        return HubUnreachable(f"{url} answers {error.code} {error.reason}", advice="try another mirror (HF_ENDPOINT)")

    def _again(self, attempt: Callable[[], Answer]) -> Answer:
        failures = 0
        while True:
            try:
                return attempt()
            except _Passing as passing:
                failures += 1
                self._wait(passing, failures)

    def _wait(self, passing: _Passing, failures: int) -> None:
        if failures > len(self.pauses):
            raise HubUnreachable(
                str(passing), advice="look at the network and the proxy variables, then fetch again: it goes on"
            ) from None
        pause = self.pauses[max(failures - 1, 0)] if self.pauses else 0.0
        time.sleep(max(pause, passing.after_s))


def home(environ: Mapping[str, str]) -> Path:
    """`$HF_HOME`, by default where huggingface_hub has it."""
    if named := environ.get("HF_HOME"):
        return Path(named).expanduser()
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "huggingface"


class _Passing(Exception):
    """A failure that may be gone at the next attempt, not before `after_s`."""

    def __init__(self, message: str, after_s: float = 0.0) -> None:
        super().__init__(message)
        self.after_s = after_s


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Keeps method and range; the token stays with its server; TLS is not given up; HEAD does not leave the server."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if old.scheme == "https" and new.scheme != "https":
            raise HubUnreachable(f"{old.netloc} sends to {new.netloc} without TLS", advice="use another mirror")
        same = (old.scheme, old.netloc) == (new.scheme, new.netloc)
        if req.get_method() == "HEAD" and not same:
            return None
        following = urllib.request.Request(newurl, headers=dict(req.headers), method=req.get_method())
        if same and "Authorization" in req.unredirected_hdrs:
            following.add_unredirected_header("Authorization", req.unredirected_hdrs["Authorization"])
        return following


class _Part:
    """A file that is not whole yet, hashed as it grows."""

    def __init__(self, path: Path, remote: Remote) -> None:
        self.path, self._remote = path, remote
        there = path.stat().st_size if path.is_file() else 0
        if not remote.etag or there > remote.size:  # nothing says that the rest would fit
            self.restart()
            return
        self._forget()
        if there:
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    self._add(block)

    def restart(self) -> None:
        self.path.unlink(missing_ok=True)
        self._forget()

    def open(self) -> BinaryIO:
        try:
            return self.path.open("ab")
        except OSError as error:
            raise refusal(self.path, error) from error

    def write(self, file: BinaryIO, block: bytes) -> None:
        try:
            file.write(block)
        except OSError as error:
            raise refusal(self.path, error) from error
        self._add(block)

    def is_as_told(self) -> bool:
        """Whether it has the hash the hub told; true where the hub told none."""
        told = {SHA256: self.sha256, GIT: self._git}.get(len(self._remote.etag))
        return told is None or told.hexdigest() == self._remote.etag

    def _forget(self) -> None:
        self.size, self.sha256 = 0, hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % self._remote.size, usedforsecurity=False)

    def _add(self, block: bytes) -> None:
        self.size += len(block)
        self.sha256.update(block)
        if len(self._remote.etag) == GIT:
            self._git.update(block)


def _read(response: Any) -> bytes:
    try:
        return response.read1(BLOCK) if hasattr(response, "read1") else response.read(BLOCK)
    except (OSError, http.client.HTTPException) as error:
        raise _Passing(f"the connection was lost ({error})") from None
