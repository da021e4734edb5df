"""Reads what other programs leave of a face: FaceG2E's arrays, an OBJ of a known head, a picture of an albedo.

Source: FaceG2E's outputs: `{step}_coeff.npy` (1, 526), `_diffuse_latent.npy` (1, 4, 64, 64), `_diffuse.png` 512².
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray
from PIL import Image

from ..errors import ImportInvalid
from .mesh import Topology
from .obj import Obj
from .register import similarity
from .saved import UNREADABLE

COEFFICIENTS, LATENT, PICTURE = "_coeff.npy", "_diffuse_latent.npy", "_diffuse.png"
LARGEST = 8192  # texels a side
UNITS = {"metres": 1.0, "centimetres": 0.01, "millimetres": 0.001}
ALIKE = 0.2  # head units, root mean square, that a head in its own place may differ from the mean head
MATCHED = 0.99  # of the head's triangles that an OBJ must have for its texture to be taken over


@dataclass(frozen=True)
class Result:
    """The files of one FaceG2E result; those it does not have are None."""

    coefficients: Path | None
    latent: Path | None
    picture: Path | None


def find_result(path: Path) -> Result:
    """The last step of a FaceG2E experiment's folder, or the result one of its files belongs to.

    Raises:
        ImportInvalid: nothing of FaceG2E is there, or several results are and not just one has a texture.
    """
    if path.is_dir():
        every = [file for ending in (COEFFICIENTS, LATENT) for file in path.rglob(f"*{ending}")]
        folders = sorted({file.parent for file in every})
        if len(folders) > 1:  # a folder a stage: the texture's holds the shape too
            folders = [one for one in folders if list(one.glob(f"*{LATENT}")) and list(one.glob(f"*{COEFFICIENTS}"))]
        if len(folders) != 1:
            found = ", ".join(str(one.relative_to(path)) for one in folders) or "none"
            raise ImportInvalid(
                f"{path} holds {found} as results of FaceG2E, expected one folder with *{COEFFICIENTS}",
                advice="name the folder, or the file, that is meant",
            )
        path = max((file for file in every if file.parent == folders[0]), key=_step)
    step = path.name.removesuffix(LATENT).removesuffix(COEFFICIENTS)
    if step == path.name:
        raise ImportInvalid(
            f"{path} is none of FaceG2E's files, expected *{COEFFICIENTS} or *{LATENT}",
            advice="name a file that FaceG2E wrote, or its experiment's folder",
        )
    files = [path.with_name(step + ending) for ending in (COEFFICIENTS, LATENT, PICTURE)]
    return Result(*(file if file.is_file() else None for file in files))


def read_array(path: Path, shape: tuple[int, ...]) -> Float[ndarray, "..."]:
    """The float32 array of a .npy file.

    Raises:
        ImportInvalid: absent, cut off, of another shape, or with a value that is no number.
    """
    expected = " × ".join(map(str, shape))
    try:
        with path.open("rb") as file:
            array = np.load(file, allow_pickle=False)
    except UNREADABLE as error:
        raise ImportInvalid(
            f"{path} cannot be read as .npy: {error}", advice=f"expected numbers, {expected}"
        ) from error
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.shape != shape:
        found = f"{array.dtype} {' × '.join(map(str, array.shape))}" if isinstance(array, np.ndarray) else "an archive"
        raise ImportInvalid(f"{path} is {found}, expected float {expected}", advice="name a file that FaceG2E wrote")
    if not np.isfinite(array).all():
        raise ImportInvalid(
            f"{path}: {int((~np.isfinite(array)).sum())} values are no numbers, expected none",
            advice="take an earlier step of the experiment",
        )
    return array.astype(np.float32)


def read_picture(path: Path) -> UInt8[ndarray, "S S 3"]:
    """An albedo as a square PNG, of any size to 8192, transparency left out.

    Raises:
        ImportInvalid: absent, damaged, no PNG, not square or too large.
    """
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            if picture.width != picture.height or not 16 <= picture.width <= LARGEST:
                raise ImportInvalid(
                    f"{path} is {picture.width} × {picture.height}, expected a square of 16 to {LARGEST}",
                    advice="scale it in a picture editor",
                )
            return np.asarray(picture.convert("RGB"))
    except UNREADABLE as error:
        raise ImportInvalid(f"{path} cannot be read as PNG: {error}", advice="save it as a PNG again") from error


def placed(vertices: Float[ndarray, "V 3"], topology: Topology) -> Float[ndarray, "V 3"]:
    """An OBJ's vertices in head units.

    They are taken at their word where they are near the mean head in metres, centimetres, millimetres or head units;
    else they are turned, scaled and shifted to it.
    """
    rest = topology.rest.astype(np.float64)
    for unit in (*UNITS.values(), topology.metres_per_unit):
        scaled = vertices * (unit / topology.metres_per_unit)
        if np.sqrt(((scaled - rest) ** 2).sum(axis=1).mean()) < ALIKE:
            return scaled.astype(np.float32)
    return similarity(vertices, rest)(vertices).astype(np.float32)


def texture_corners(mesh: Obj, topology: Topology) -> Int[ndarray, "F 3"] | None:
    """(F, 3) the OBJ's texture coordinates at the corners of the head's triangles; None where it lacks too many."""
    faces, uv_faces, _, _ = mesh.triangles()
    keys = {tuple(sorted(face)): number for number, face in enumerate(faces.tolist())}
    wanted = [keys.get(tuple(sorted(face)), -1) for face in topology.faces.tolist()]
    found = np.array(wanted)
    if (found >= 0).mean() < MATCHED or (uv_faces[found] < 0).any():
        return None
    same = topology.faces[:, :, None] == faces[found][:, None, :]
    corners = np.take_along_axis(uv_faces[found], same.argmax(axis=2), axis=1)
    return np.where((found >= 0)[:, None], corners, 0).astype(np.int32)


def texture_of(path: Path) -> Path | None:
    """The picture that an OBJ's material names, where it lies beside it."""
    named: list[str] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("mtllib "):
            named.append(line.split(maxsplit=1)[1].strip())
    for name in named:
        material = path.with_name(Path(name).name)
        if material.is_file():
            for line in material.read_text(encoding="utf-8", errors="replace").splitlines():
                if line.strip().startswith("map_Kd "):
                    picture = path.with_name(Path(line.strip().split(maxsplit=1)[1]).name)
                    if picture.is_file() and picture.suffix.lower() == ".png":
                        return picture
    return None


def _step(file: Path) -> tuple[int, str]:
    number = file.name.split("_")[0]
    return int(number) if number.isdecimal() else -1, file.name
