"""Any head as one file of arrays, as `train head` writes the embedded one: what shows it needs numpy alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int16
from numpy import ndarray

from ..files import write_whole
from .model import LinearFaceModel
from .sliders import ranges

STEP = 4e-5  # head units, 3.5 μm: no row is kept more finely
PLAIN = ("head", "topology_id", "metres_per_unit", "licence", "provenance")
SURFACE = ("faces", "quads", "uvs", "uv_faces", "uv_quads", "rest", "region_weights", "face_parts")


def arrays_of(model: LinearFaceModel, names: Mapping[str, tuple[str, str]], albedo: bytes) -> dict[str, ndarray]:
    """Surface, expressions and sliders of a head; its identities stay where they are.

    Args:
        names: label and group of each of its sliders.
        albedo: the PNG that a new head wears.
    """
    topology = model.topology
    meta: dict[str, Any] = {name: getattr(topology, name) for name in PLAIN} | {"identity_size": model.identity_size}
    found = {name: getattr(topology, name) for name in SURFACE} | {"albedo": np.frombuffer(albedo, np.uint8)}
    for kind in ("region", "part", "expression"):
        found[f"{kind}_names"] = np.array(getattr(topology, f"{kind}_names"), np.str_)
    expressions = model.expression_basis.view(-1, *topology.rest.shape)
    found["expressions"] = expressions.cpu().numpy().astype(np.float16)
    if model.phenotypes is not None:
        phenotypes = model.phenotypes
        meta |= {
            "phenotype_anchors": phenotypes.anchors,
            "phenotype_mixed": phenotypes.mixed,
            "slider_defaults": model.slider_defaults.tolist(),
        }
        found["phenotype_mask"] = phenotypes.mask.cpu().numpy().astype(np.uint8)
        found["slider_names"] = np.array(model.slider_names)
        for index, what in enumerate(("labels", "groups")):
            found[f"slider_{what}"] = np.array([names[name][index] for name in model.slider_names])
        found["slider_ranges"] = ranges(model).cpu().numpy()
        for kind, rows in (("phenotype", phenotypes.rows), ("local", model.local_rows)):
            whole = rows.view(-1, *topology.rest.shape).cpu().numpy()
            found[f"{kind}_rows"], found[f"{kind}_steps"] = in_steps(whole)
    return {**found, "meta": np.array(json.dumps(meta))}


def slider_names(path: Path) -> dict[str, tuple[str, str]]:
    """Label and group of each slider of a head file."""
    with np.load(path, allow_pickle=False) as file:
        names, labels, groups = (file[f"slider_{what}"].tolist() for what in ("names", "labels", "groups"))
    return dict(zip(names, zip(labels, groups, strict=True), strict=True))


def write(path: Path, arrays: Mapping[str, ndarray]) -> None:
    """The file, whole or not at all."""
    stream = BytesIO()
    np.savez_compressed(stream, **arrays)  # pyright: ignore[reportArgumentType]
    write_whole(path, stream.getvalue())


def in_steps(rows: Float[ndarray, "N V 3"]) -> tuple[Int16[ndarray, "N V 3"], Float[ndarray, " N"]]:
    """Rows as integers, and the head units that 1 of each is: large rows are as exact as small ones."""
    steps = np.maximum(np.abs(rows).max(axis=(1, 2)) / np.iinfo(np.int16).max, STEP).astype(np.float32)
    return np.round(rows / steps[:, None, None]).astype(np.int16), steps
