"""The files of a job, on both sides of the pipe: which paths are allowed, what came whole, and pieces of them.

Standard library only: Blender's Python imports this file. A job's folder lies in the scratch folder under the job's
id; paths are written relative to the scratch folder, with `/`.
"""

import base64
import binascii
import contextlib
import hashlib
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from .errors import BackendError, FileDamaged, PathRefused
from .files import refusal
from .protocol import Chunk, File

PIECE = 384 << 10  # bytes of a chunk; base64 makes a line of 512 KiB
JOB_LIMIT = 4 << 30  # bytes of all files of a job that come in chunks
SPOILT = 64  # jobs whose files did not arrive, remembered until they are asked for
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*[. ]|.*[<>:\"|?*\x00-\x1f].*", re.IGNORECASE | re.DOTALL)
PARTIAL = ".partial"


def inside(scratch: Path, text: str, id: str) -> Path:
    """The path that `text` names in the folder of job `id`, however it is written and wherever links lead.

    Raises:
        PathRefused: it leads elsewhere, or is a name that Windows keeps for itself.
    """
    parts = (PurePosixPath(text), PureWindowsPath(text))
    with contextlib.suppress(ValueError, OSError):  # such as a NUL in it
        folder = scratch.resolve() / id
        path = (scratch / text).resolve()
        escapes = any(way.anchor or ".." in way.parts for way in parts)
        strange = any(RESERVED.fullmatch(part) for part in parts[1].parts)
        if ID.fullmatch(id) and not escapes and not strange and path.is_relative_to(folder) and path != folder:
            return path
    raise PathRefused(f"{text[:80]!r} is not inside the folder of job {id[:40]!r}")


def survey(scratch: Path, id: str) -> tuple[File, ...]:
    """All files in a job's folder, links and half-written ones left out.

    Raises:
        FolderUnwritable: one of them cannot be read.
    """
    folder, found = scratch / id, []
    for place, _, names in sorted(os.walk(folder)):
        for path in sorted(Path(place) / name for name in names):
            if path.is_file() and not path.is_symlink() and not _is_partial(path.relative_to(folder)):
                found.append(described(scratch, path))
    return tuple(found)


def verify(scratch: Path, id: str, files: Collection[File]) -> None:
    """Raises PathRefused or FileDamaged where a file is not here as it is described."""
    for file in files:
        path = inside(scratch, file.path, id)
        if not path.is_file() or path.stat().st_size != file.size or described(scratch, path).sha256 != file.sha256:
            raise FileDamaged(f"{file.path} is not the file that was sent", advice="try again")


def pieces(scratch: Path, id: str, file: File) -> Iterator[Chunk]:
    """A file as chunks, at least one.

    Raises:
        FolderUnwritable: it cannot be read.
    """
    try:
        with (scratch / file.path).open("rb") as stream:
            data, left = stream.read(PIECE), file.size
            while True:
                left -= len(data)
                yield Chunk(id, file.path, base64.b64encode(data).decode("ascii"), last=left <= 0)
                if left <= 0:
                    return
                data = stream.read(PIECE)
                if not data:
                    raise FileDamaged(f"{file.path} became shorter while it was sent", advice="try again")
    except OSError as error:
        raise refusal(scratch / file.path, error) from error


def described(scratch: Path, path: Path) -> File:
    """A file below the scratch folder; raises FolderUnwritable where it cannot be read."""
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            size = stream.tell()
    except OSError as error:
        raise refusal(path, error) from error
    return File(path.relative_to(scratch).as_posix(), size, digest)


def _is_partial(path: Path) -> bool:
    return any(part.startswith(".") and part.endswith(PARTIAL) for part in path.parts)


class Receiver:
    """Puts chunks together. A file is there once its last chunk has come, and never in part."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._sizes: dict[str, int] = {}
        self._spoilt: dict[str, BackendError] = {}

    def take(self, chunk: Chunk) -> None:
        """Takes one chunk; what goes wrong is remembered, and told by `check`."""
        if chunk.id in self._spoilt:
            return
        partial = None
        try:
            path = inside(self._scratch, chunk.path, chunk.id)
            partial = path.with_name(f".{path.name}{PARTIAL}")
            self._write(path, partial, chunk)
        except (BackendError, OSError) as error:
            if partial is not None:
                with contextlib.suppress(OSError):
                    partial.unlink(missing_ok=True)
            self._sizes.pop(chunk.id, None)
            named = error if isinstance(error, BackendError) else refusal(self._scratch / chunk.id, error)
            self._spoilt[chunk.id] = named
            while len(self._spoilt) > SPOILT:
                self._spoilt.pop(next(iter(self._spoilt)))

    def check(self, id: str) -> None:
        """Raises what went wrong with the chunks of a job: PathRefused, FileDamaged, DiskFull, FolderUnwritable."""
        self._sizes.pop(id, None)
        if error := self._spoilt.pop(id, None):
            raise error

    def _write(self, path: Path, partial: Path, chunk: Chunk) -> None:
        try:
            data = base64.b64decode(chunk.data, validate=True)
        except (binascii.Error, ValueError):
            raise FileDamaged(f"a piece of {chunk.path} is no base64", advice="try again") from None
        self._sizes[chunk.id] = self._sizes.get(chunk.id, 0) + len(data)
        if self._sizes[chunk.id] > JOB_LIMIT or len(self._sizes) > SPOILT:
            raise FileDamaged(f"the files of job {chunk.id} are too many", advice="send fewer")
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("ab") as stream:
            stream.write(data)
        if chunk.last:
            partial.replace(path)
