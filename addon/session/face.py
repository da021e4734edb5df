# SPDX-License-Identifier: GPL-3.0-or-later
"""Face folders and zips, read with numpy alone; in memory a face is its files by name."""

import hashlib
import io
import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..link.bundle import errors, files as disk

SCHEMA = 1
SIZE_LIMIT = 1 << 30  # bytes; a file from the net must fill neither disk nor memory
FILES_LIMIT = 4096  # as many as a history of hundreds of faces has
Files = Mapping[str, bytes]  # name within the folder, with slashes, to content
_PNG = b"\x89PNG\r\n\x1a\n"
_HASHED = ("albedo.png", "base.npz", "coefficients.npz", "mesh.npz", "preview.png")


@dataclass(frozen=True)
class Face:
    """What Blender shows of a face folder.

    Attributes:
        document: `face.json`.
        vertices: (V, 3) in head units, the resting face; `expressions` (E, V, 3) differences from it.
        albedo: the PNG's bytes.
        files: the whole folder; `digests` their sha256 by name.
    """

    document: dict[str, Any]
    vertices: NDArray[np.float32]
    expressions: NDArray[np.float32]
    albedo: bytes
    files: Files = field(repr=False)
    digests: Mapping[str, str] = field(repr=False)

    @property
    def words(self) -> str:
        """The instruction of an edit, else the prompt."""
        return self.document.get("instruction") or self.document.get("prompt") or "face"


def read_face(folder: Path) -> Face:
    """Reads a face folder; for errors see `read_files` and `face_of`."""
    return face_of(read_files(folder), str(folder))


def read_files(folder: Path) -> dict[str, bytes]:
    """The files of a face folder.

    Raises:
        errors.FaceMissing: no face is there.
        errors.FaceInvalid: a file cannot be read.
    """
    if not (folder / "face.json").is_file():
        raise errors.FaceMissing(
            f"{folder} holds no face.json", advice="choose the folder that Facewright wrote, not one above it"
        )
    try:
        paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix in (".json", ".npz", ".png")]
        _check_sizes(path.stat().st_size for path in paths)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}
    except (OSError, ValueError) as error:
        raise _invalid(str(folder), error) from None


def face_of(files: Files, where: str, digests: Mapping[str, str] | None = None) -> Face:
    """The face whose files these are; `where` names it in errors. Digests are counted where they are not given.

    Raises:
        errors.FaceInvalid: a file is missing, damaged, or holds what no face can be.
        errors.SchemaTooNew: written by a newer Facewright.
    """
    try:
        document = json.loads(files["face.json"])
        schema = int(document["schema"])
        if schema > SCHEMA:
            raise errors.SchemaTooNew(
                f"{where} has schema {schema}, this add-on reads {SCHEMA}", advice="update the add-on"
            )
        mesh = arrays_of(files["mesh.npz"])
        vertices, expressions = mesh["vertices"].astype(np.float32), mesh["expressions"].astype(np.float32)
        image_size(files["albedo.png"])
    except KeyError as missing:
        raise _invalid(where, f"{missing.args[0]} is missing") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise _invalid(where, error) from None
    if not (np.isfinite(vertices).all() and np.isfinite(expressions).all()):
        raise errors.FaceInvalid(f"{where}/mesh.npz holds values that are no numbers", advice="make it again")
    if digests is None:
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return Face(document, vertices, expressions, files["albedo.png"], files, digests)


def arrays_of(npz: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file.

    Raises:
        ValueError: it is none, or is damaged.
    """
    try:
        with np.load(io.BytesIO(npz), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error)) from None


def npz_of(**arrays: NDArray[Any]) -> bytes:
    """An .npz file, lightly compressed: it is made while the user waits."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue(), zipfile.ZIP_DEFLATED, 1)
    return made.getvalue()


def image_size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG.

    Raises:
        ValueError: it is none.
    """
    if png[:8] != _PNG or png[12:16] != b"IHDR" or len(png) < 24:
        raise ValueError("the picture is not a PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def identify(files: Files) -> str:
    """The id of a face: sha256 over what its folder holds, as the backend counts it."""
    digest = hashlib.sha256()
    layered = [name for name in files if PurePosixPath(name).match("layers/*/*.npz")]
    layered += [name for name in files if PurePosixPath(name).match("layers/*/*.png")]
    for name in sorted([*(name for name in _HASHED if name in files), *layered]):
        digest.update(f"{name}\0{len(files[name])}\0".encode())
        digest.update(files[name])
    return digest.hexdigest()


def write_files(files: Files, folder: Path) -> Path:
    """Writes a face into a new folder.

    Raises:
        errors.FaceInvalid: a name would lie elsewhere: a .blend may come from anywhere.
        errors.FolderUnwritable, errors.DiskFull: the folder is there already, or cannot be made.
    """
    try:
        for name in files:
            _check_name(name)
    except ValueError as error:
        raise _invalid("the face kept in this file", error) from None
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise disk.refusal(folder, error) from None
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise disk.refusal(folder, error) from None
    return folder


def unzip(packed: bytes, where: str) -> dict[str, bytes]:
    """The files of a zip; it may come from anywhere, so nothing is trusted.

    Raises:
        errors.FaceInvalid: no zip, a damaged one, or one that would write elsewhere or fill the memory.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check_sizes(member.file_size for member in members)
            for member in members:
                _check_name(member.filename)
            return {member.filename: archive.read(member) for member in members}
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise _invalid(where, f"damaged: {error}") from None


def _check_sizes(sizes: Iterable[int]) -> None:
    found = list(sizes)
    if sum(found) > SIZE_LIMIT or len(found) > FILES_LIMIT:
        raise ValueError("it is far too large")


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or set(name) & set("\\:\0") or not path.parts:
        raise ValueError(f"it holds a file called {name!r}")


def _invalid(where: str, why: object) -> errors.BackendError:
    return errors.FaceInvalid(f"{where} is not a whole face: {why}", advice="make or copy the face again")
