# SPDX-License-Identifier: GPL-3.0-or-later
"""Face folders, read with numpy alone, and packed as bytes so that a .blend can hold them whole."""

import io
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..link.bundle import errors

SCHEMA = 1
UNPACKED_LIMIT = 1 << 30  # bytes; a file from the net must not fill the disk
_PNG = b"\x89PNG\r\n\x1a\n"
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the same folder packs to the same bytes


@dataclass(frozen=True)
class Face:
    """What Blender shows of a face folder.

    Attributes:
        document: `face.json`.
        vertices: (V, 3) in head units, the resting face; `expressions` (E, V, 3) differences from it.
        albedo: the PNG's bytes.
    """

    document: dict[str, Any]
    vertices: NDArray[np.float32]
    expressions: NDArray[np.float32]
    albedo: bytes

    @property
    def words(self) -> str:
        """The instruction of an edit, else the prompt."""
        return self.document.get("instruction") or self.document.get("prompt") or "face"


def read_face(folder: Path) -> Face:
    """Reads what Blender needs of a face folder.

    Raises:
        errors.FaceMissing: no face is there.
        errors.FaceInvalid: a file is missing, damaged, or holds what no face can be.
        errors.SchemaTooNew: written by a newer Facewright.
    """
    if not (folder / "face.json").is_file():
        raise errors.FaceMissing(
            f"{folder} holds no face.json", advice="choose the folder that Facewright wrote, not one above it"
        )
    try:
        document = json.loads((folder / "face.json").read_text(encoding="utf-8"))
        schema = int(document["schema"])
        if schema > SCHEMA:
            raise errors.SchemaTooNew(
                f"{folder} has schema {schema}, this add-on reads {SCHEMA}", advice="update the add-on"
            )
        with np.load(folder / "mesh.npz", allow_pickle=False) as mesh:
            vertices = mesh["vertices"].astype(np.float32)
            expressions = mesh["expressions"].astype(np.float32)
        albedo = (folder / "albedo.png").read_bytes()
        image_size(albedo)
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise errors.FaceInvalid(
            f"{folder} is not a whole face: {error}", advice="make or copy the face again"
        ) from None
    if not (np.isfinite(vertices).all() and np.isfinite(expressions).all()):
        raise errors.FaceInvalid(f"{folder}/mesh.npz holds values that are no numbers", advice="make it again")
    return Face(document, vertices, expressions, albedo)


def image_size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG.

    Raises:
        ValueError: it is none.
    """
    if png[:8] != _PNG or png[12:16] != b"IHDR" or len(png) < 24:
        raise ValueError("the picture is not a PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def pack(folder: Path) -> bytes:
    """All files of a face folder as one zip; the same files give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _FIXED_TIME)
            archive.writestr(info, path.read_bytes())  # stored: .npz and .png are compressed already
    return packed.getvalue()


def unpack(packed: bytes, folder: Path) -> Path:
    """Writes the files of `pack` into a new folder; a .blend may come from anywhere, so nothing is trusted.

    Raises:
        errors.FaceInvalid: not a packed face, or one that would write elsewhere or fill the disk.
        errors.FolderUnwritable: the folder is there already, or cannot be made.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > UNPACKED_LIMIT:
                raise ValueError("it is far too large")
            for member in members:
                path = PurePosixPath(member.filename)
                if path.is_absolute() or ".." in path.parts or set(member.filename) & set("\\:\0"):
                    raise ValueError(f"it holds a file called {member.filename!r}")
            folder.mkdir(parents=True)
            archive.extractall(folder)
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError) as error:
        raise errors.FaceInvalid(
            f"the face kept in this file is damaged: {error}", advice="go back to an earlier step"
        ) from None
    except OSError as error:
        raise errors.FolderUnwritable(
            f"{folder} cannot be written: {error.strerror}", advice="free some space on that disk"
        ) from None
    return folder
