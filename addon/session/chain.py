# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces that were made of each other, found in a folder or a zip, in the order they were made."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..link.bundle import errors
from .face import Face, face_of, read_face, unzip

DEPTH = 2  # folders below the chosen one in which faces are looked for


def find_faces(path: Path, *, with_parents: bool = True) -> list[Face]:
    """The faces at `path`, parents first: a face folder, a folder of such, face.json, or a zip of any of these.

    Args:
        with_parents: a single face brings the faces it was made of, where they lie beside it.

    Raises:
        errors.FaceMissing: no face is there.
        errors.FaceInvalid, errors.SchemaTooNew: one of them cannot be read.
    """
    path = path.parent if path.name == "face.json" else path
    if path.suffix.lower() == ".zip" and path.is_file():
        return in_order(_zipped(path))
    if (path / "face.json").is_file():
        face = read_face(path)
        return [*(_parents(face, path.parent) if with_parents else []), face]
    folders = {found.parent for depth in range(1, DEPTH + 1) for found in path.glob("*/" * depth + "face.json")}
    if not folders:
        raise errors.FaceMissing(
            f"{path} holds no face", advice="choose a folder that Facewright wrote, a folder of such, or a zip of it"
        )
    return in_order([read_face(folder) for folder in sorted(folders)])


def in_order(faces: Sequence[Face]) -> list[Face]:
    """The same faces, each after the one it was made of."""
    waiting = {face.document["id"]: face for face in faces}
    found: list[Face] = []
    while waiting:
        free = [face for face in waiting.values() if face.document.get("parent") not in waiting]
        for face in free or list(waiting.values()):  # who is his own ancestor comes as he is
            found.append(face)
            del waiting[face.document["id"]]
    return found


def _zipped(path: Path) -> list[Face]:
    files = unzip(path.read_bytes(), str(path))
    faces = []
    for name in files:
        if PurePosixPath(name).name == "face.json":
            root = name.removesuffix("face.json")
            inside = {other.removeprefix(root): content for other, content in files.items() if other.startswith(root)}
            faces.append(face_of(inside, f"{path}/{root}".rstrip("/")))
    if not faces:
        raise errors.FaceMissing(f"{path} holds no face.json", advice="zip the folder that Facewright wrote")
    return faces


def _parents(face: Face, beside: Path) -> list[Face]:
    """The faces `face` was made of, oldest first, as far as their folders lie beside its own."""
    known: dict[str, Face] = {}
    for folder in sorted(found.parent for found in beside.glob("*/face.json")):
        try:
            other = read_face(folder)
        except errors.BackendError:  # a neighbour nobody asked for
            continue
        known[other.document.get("id", "")] = other
    chain: list[Face] = []
    wanted = face.document.get("parent")
    while wanted in known:
        chain.insert(0, known.pop(wanted))
        wanted = chain[0].document.get("parent")
    return chain
