"""Reads ICT-FaceKit's light model: the folder `FaceXModel` of OBJ files, as published (MIT licence).

Source: https://github.com/ICT-VGL/ICT-FaceKit, its README and `vertex_indices.json`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from ..errors import HeadInvalid
from . import obj
from .checks import landmarks_at, mirror_of, outlines
from .ict_layout import PARTS, POLYGONS, RANGES, VERTICES, kinds_of, lay_out, parts_of
from .mesh import Topology, UvMap
from .model import LinearFaceModel
from .regions import name_regions

ADVICE = "get the folder FaceXModel of ICT-FaceKit (github.com/ICT-VGL/ICT-FaceKit) and give its path"
NEUTRAL, INDICES = "generic_neutral_mesh.obj", "vertex_indices.json"
HEIGHT = 3.0  # head units from the lowest to the highest vertex: DESIGN.md's ±1.5
CENTIMETRE = 0.01
LANDMARKS = 68  # iBUG's mark-up
LOPSIDED = 0.05  # centimetres a vertex may be from its mirror picture; the published mesh is off by up to 0.02


def load(folder: Path, device: str = "cpu") -> LinearFaceModel:
    """The head of one folder, with as many identities and expressions as there are files of.

    `identity` weighs the published differences as they are: ICT-FaceKit draws random faces with weights of unit
    normal distribution (`ICTFaceModel.randomize_identity`), so they are in standard deviations.

    Raises:
        HeadInvalid: a file is absent, damaged or of another mesh.
    """
    mesh = obj.read(_there(folder / NEUTRAL))
    for what, found, expected in (
        ("vertices", len(mesh.vertices), VERTICES),
        ("polygons", len(mesh.polygons), POLYGONS),
    ):
        if found != expected:
            raise HeadInvalid(f"{folder / NEUTRAL} has {found} {what}, expected {expected}", advice=ADVICE)
    indices = _read_indices(folder / INDICES)
    identities = sorted(folder.glob("identity[0-9][0-9][0-9].obj"))
    named = [name for name in indices["expressions"] if (folder / f"{name}.obj").is_file()]
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    scale = (high[1] - low[1]) / HEIGHT
    middle = (low + high) / 2 * [0, 1, 1]  # x = 0 is the plane of symmetry

    def differences(paths: list[Path]) -> torch.Tensor:
        rows = [(obj.read_vertices(path, VERTICES) - mesh.vertices) / scale for path in paths]
        table = np.array(rows, np.float32).reshape(len(paths), -1) if paths else np.zeros((0, 3 * VERTICES), np.float32)
        return torch.from_numpy(table).to(device)

    topology = _topology(mesh, (mesh.vertices - middle) / scale, scale, indices, named, len(identities))
    expressions = differences([folder / f"{name}.obj" for name in named])
    return LinearFaceModel(topology, differences(identities), expressions)


def arkit_name(name: str) -> str:
    """Apple's name of a published expression, `eyeBlink_L` → eyeBlinkLeft; two that Apple has once are split here."""
    for short, long in (("_L", "Left"), ("_R", "Right")):
        if name.endswith(short):
            return name.removesuffix(short) + long
    return name


def _topology(
    mesh: obj.Obj,
    rest: Float[ndarray, "V 3"],
    scale: float,
    indices: dict[str, Any],
    expressions: list[str],
    identities: int,
) -> Topology:
    faces, uv_faces, polygons, quads = mesh.triangles()
    kinds = kinds_of(faces, polygons)
    kept = [number for number, (name, _) in enumerate(RANGES) if name in PARTS]
    seen = np.isin(parts_of(polygons), kept)
    count = int(seen[: 2 * quads].sum())
    faces, polygons = faces[seen].astype(np.int32), polygons[seen]
    used, uv_faces = np.unique(uv_faces[seen], return_inverse=True)
    uv_faces, published = uv_faces.reshape(-1, 3).astype(np.int32), mesh.uvs[used]
    uvs = lay_out(published, uv_faces, polygons).astype(np.float32)
    face_parts = np.searchsorted(kept, parts_of(polygons)).astype(np.int32)
    rest = rest.astype(np.float32)
    landmarks = landmarks_at(np.array(indices["idx_to_landmark_verts"]), faces)
    regions = name_regions(rest, faces, face_parts, PARTS, rest[indices["idx_to_landmark_verts"]])
    ring = [0, 1, 2, 5]  # of the six corners of a quad's two triangles
    topology = Topology(
        faces=faces,
        quads=faces[:count].reshape(-1, 6)[:, ring],
        uvs=uvs,
        uv_faces=uv_faces,
        uv_quads=uv_faces[:count].reshape(-1, 6)[:, ring],
        rest=rest,
        region_names=tuple(regions),
        region_weights=np.stack(list(regions.values())).astype(np.float32),
        part_names=PARTS,
        face_parts=face_parts,
        expression_names=tuple(arkit_name(name) for name in expressions),
        head="ict",
        topology_id=hashlib.sha256(b"".join(a.tobytes() for a in (faces, uvs, uv_faces))).hexdigest()[:16],
        metres_per_unit=float(scale * CENTIMETRE),
        licence="MIT",
        provenance=f"ICT-FaceKit light, {identities} identities, © 2020 USC Institute for Creative Technologies",
        landmarks=landmarks,
        published=UvMap(published.astype(np.float32), uv_faces),
    )
    mirror = mirror_of(rest, outlines(topology), LOPSIDED * CENTIMETRE / topology.metres_per_unit, kinds)
    return replace(topology, mirror=mirror)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise HeadInvalid(f"{path} is not there", advice=ADVICE)
    return path


def _read_indices(path: Path) -> dict[str, Any]:
    """`vertex_indices.json`: names of the expressions, vertices of the 68 landmarks."""
    try:
        indices = json.loads(_there(path).read_text(encoding="utf-8"))
        names, points = indices["expressions"], indices["idx_to_landmark_verts"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HeadInvalid(f"{path} does not hold the published indices ({error!r})", advice=ADVICE) from error
    if len(points) != LANDMARKS or not all(isinstance(point, int) and 0 <= point < VERTICES for point in points):
        raise HeadInvalid(f"{path}: idx_to_landmark_verts is not {LANDMARKS} vertices", advice=ADVICE)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise HeadInvalid(f"{path}: expressions is not a list of names", advice=ADVICE)
    return indices
