"""Reads HIFI3D++, the paper's head: `HIFI3D++.mat` as it is handed out, by itself or in its archive.

The model is for research only and is not at hand here: names and shapes are those of FaceG2E's loader, and the
tests build small files of that structure.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch

from ..errors import HeadInvalid
from . import arrays, matfile
from .checks import landmark_points, landmarks_at
from .mesh import Landmarks, Topology
from .model import LinearFaceModel
from .regions import name_regions

ADVICE = "get HIFI3D++.mat of REALY (github.com/czh-98/REALY) and give its path"
MEMBER = re.compile(r"(^|/)HIFI3D\+\+[^/]*\.mat$", re.IGNORECASE)  # also "HIFI3D++ (1).mat"
SHAPES: dict[str, arrays.Shape] = {
    "mu_shape": (1, "3V"),
    "basis_shape": ("I", "3V"),
    "basis_exp": ("E", "3V"),
    "tri": ("F", 3),
    "vt_list": ("T", 2),
    "tri_vt": ("F", 3),
}
SCALE = 10.0  # FaceG2E: coordinates and identity are divided by it
EXPRESSION_SCALE = 160.0  # FaceG2E: expressions by 10 · 16
PARTS = ("skin",)
KEYPOINTS = 86
# Which of the 86 are iBUG's 68. Source: their mean picture in hifi3dface, data_prepare/detect_3D_landmark.py.
IBUG = (
    *range(22),  # jaw, right brow's upper edge
    *(26, 27, 28, 29, 30),
    *(51, 52, 53, 54, 61, 62, 63, 64, 65),
    *(35, 36, 37, 38, 39, 40, 43, 44, 45, 46, 47, 48),
    *(66, 72, 67, 68, 69, 73, 70, 74, 85, 71, 84, 75),
    *(76, 78, 79, 80, 77, 83, 82, 81),
)
METRES = 0.1  # so that the eyes, 0.626 units apart, are 63 mm apart


def load(path: Path, device: str = "cpu") -> LinearFaceModel:
    """The head of a .mat file, of the .zip it came in, or of a folder with either.

    The basis is used as stored, as FaceG2E does; its weights are taken to be in standard deviations.

    Raises:
        HeadInvalid: absent, damaged, or without an array.
    """
    source, content = _content(path)
    found = matfile.read(source, content)
    mean, identity, expression, tri, uvs, tri_vt = arrays.take(source, found, SHAPES, ADVICE)
    points = mean.reshape(-1, 3)
    rest = ((points - points.mean(axis=0)) / SCALE).astype(np.float32)
    faces = arrays.indices(source, "tri", tri, len(rest), ADVICE)
    uv_faces = arrays.indices(source, "tri_vt", tri_vt, len(uvs), ADVICE)
    uvs = uvs.astype(np.float32)
    landmarks = _landmarks(source, found, faces)
    regions = _regions(source, found, rest, faces, landmarks)
    none = np.zeros((0, 4), np.int32)
    topology = Topology(
        faces=faces,
        quads=none,
        uvs=uvs,
        uv_faces=uv_faces,
        uv_quads=none,
        rest=rest,
        region_names=tuple(regions),
        region_weights=np.stack(list(regions.values())),
        part_names=PARTS,
        face_parts=np.zeros(len(faces), np.int32),
        expression_names=tuple(f"expression{number:03}" for number in range(len(expression))),
        head="hifi3d",
        topology_id=hashlib.sha256(b"".join(a.tobytes() for a in (faces, uvs, uv_faces))).hexdigest()[:16],
        metres_per_unit=METRES,
        licence="LicenseRef-HIFI3D-research-only",
        provenance="HIFI3D++ (Chai et al., REALY, ECCV 2022), research use only",
        landmarks=landmarks,
    )

    def rows(table: np.ndarray, scale: float) -> torch.Tensor:
        return torch.from_numpy((table / scale).astype(np.float32)).to(device)

    return LinearFaceModel(topology, rows(identity, SCALE), rows(expression, EXPRESSION_SCALE))


def _landmarks(source: str, found: dict[str, np.ndarray], faces: np.ndarray) -> Landmarks | None:
    """iBUG's 68 of the file's keypoints, which count from 0; None where it has none."""
    if "keypoints" not in found:
        return None
    points = found["keypoints"].reshape(-1)
    if len(points) != KEYPOINTS:
        raise HeadInvalid(f"{source}: keypoints are {len(points)}, expected {KEYPOINTS}", advice=ADVICE)
    points = arrays.indices(source, "keypoints", points, int(faces.max()) + 1, ADVICE)
    try:
        return landmarks_at(points[list(IBUG)], faces)
    except ValueError as error:
        raise HeadInvalid(f"{source}: keypoints lie on no triangle ({error})", advice=ADVICE) from error


def _regions(
    source: str, found: dict[str, np.ndarray], rest: np.ndarray, faces: np.ndarray, landmarks: Landmarks | None
) -> dict[str, np.ndarray]:
    """The whole head, what landmarks tell, and the face where the file marks it: it holds no other names."""
    regions = {"head": np.ones(len(rest), np.float32)}
    if landmarks is not None:
        parts = np.zeros(len(faces), np.int32)
        regions |= name_regions(rest, faces, parts, PARTS, landmark_points(rest, faces, landmarks))
    if "mask_face" in found:
        (mask,) = arrays.take(source, found, {"mask_face": ("K", len(rest))}, ADVICE)
        regions["face"] = (mask[0] > 0).astype(np.float32)
    return regions


def _content(path: Path) -> tuple[str, bytes]:
    """The .mat file's name for messages, and its bytes."""
    inside = sorted(path.rglob("*")) if path.is_dir() else [path]
    mats = [place for place in inside if MEMBER.search(place.as_posix())] if path.is_dir() else []
    archives = [place for place in inside if place.suffix.lower() == ".zip"]
    try:
        for archive in [] if mats else archives:
            if found := _member(archive):
                return found
        if not mats and (path.is_dir() or archives):
            raise HeadInvalid(f"{path} lacks HIFI3D++.mat{_listing(archives)}", advice=ADVICE)
        place = mats[0] if mats else path
        return str(place), place.read_bytes()
    except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise HeadInvalid(f"{path} cannot be read: {error}", advice=ADVICE) from error


def _member(path: Path) -> tuple[str, bytes] | None:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if MEMBER.search(name):
                return f"{path}/{name}", archive.read(name)
    return None


def _listing(archives: list[Path]) -> str:
    names = [name for archive in archives for name in zipfile.ZipFile(archive).namelist()]
    return f"; the archive holds {', '.join(names[:12]) or 'nothing'}" if archives else ""
