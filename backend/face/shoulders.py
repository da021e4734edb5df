"""Neck and shoulders for Anny's head, an option: vertices after the head's own, joined to its rim. numpy.

They are no part of a face folder. Where they are follows from the head's vertices, so that they suit every edit;
they wear the texels of the neck. Made by `train head`, see `training/head_shoulders.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..errors import HeadInvalid
from .arrays import DAMAGED, Shape, indices, take
from .layers import Face, vertices
from .mesh import Topology

ADVICE = "make it anew: python3 -m backend train head"
NAME = "shoulders"  # of the part and of the region
SHAPES: dict[str, Shape] = {
    "rest": ("B", 3),
    "quads": ("Q", 4),
    "uvs": ("T", 2),
    "uv_quads": ("Q", 4),
    "rim": ("R",),
    "spread": ("B", "R"),
    "marks": ("M",),
    "read": ("K", "3M"),
    "write": ("3B", "K"),
}


@dataclass(frozen=True)
class Shoulders:
    """What is added to a head.

    Attributes:
        topology_id: the head's.
        rest: (B, 3) in the head's units, of the mean head.
        quads: (Q, 4) into the head's vertices followed by these; `uv_quads` (Q, 4) into `uvs` (T, 2).
        rim, spread: (R,) the head's vertices they join, and (B, R) how much they take of what each of those does.
        marks, read, write: (M,) vertices of the head; (K, M*3) what they say, in K numbers; (B*3, K) what these do.
    """

    topology_id: str
    rest: Float[ndarray, "B 3"]
    quads: Int[ndarray, "Q 4"]
    uvs: Float[ndarray, "T 2"]
    uv_quads: Int[ndarray, "Q 4"]
    rim: Int[ndarray, " R"]
    spread: Float[ndarray, "B R"]
    marks: Int[ndarray, " M"]
    read: Float[ndarray, "K N"]
    write: Float[ndarray, "C K"]

    def below(self, moved: Float[ndarray, "V 3"]) -> Float[ndarray, "B 3"]:
        """The shoulders of a head whose vertices have moved so from the mean head."""
        felt = self.write @ (self.read @ moved[self.marks].reshape(-1))
        return self.rest + self.drawn(moved) + felt.reshape(-1, 3)

    def drawn(self, moved: Float[ndarray, "V 3"]) -> Float[ndarray, "B 3"]:
        """How far the rim draws them: all there is to expressions, which move no body."""
        return (self.spread @ moved[self.rim]).astype(np.float32)


def read(path: Path, topology: Topology) -> Shoulders:
    """Those of one head.

    Raises:
        HeadInvalid: the file is absent or damaged, or another head's.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        made_for = json.loads(str(arrays["meta"]))["topology_id"]
    except (*DAMAGED, TypeError) as error:
        raise HeadInvalid(f"{path.name} cannot be read as shoulders ({error})", advice=ADVICE) from error
    if made_for != topology.topology_id:
        raise HeadInvalid(
            f"{path.name} is made for the head {made_for}, this is {topology.head} {topology.topology_id}",
            advice="shoulders are there for anny alone",
        )
    found = dict(zip(SHAPES, take(path.name, arrays, SHAPES, ADVICE), strict=True))
    count = len(topology.rest)
    for name, beyond in (
        ("quads", count + len(found["rest"])),
        ("uv_quads", len(found["uvs"])),
        ("rim", count),
        ("marks", count),
    ):
        found[name] = indices(path.name, name, found[name], beyond, ADVICE)
    for name in ("rest", "uvs", "spread", "read", "write"):
        found[name] = found[name].astype(np.float32)
    return Shoulders(made_for, **found)


def with_shoulders(topology: Topology, shoulders: Shoulders) -> Topology:
    """The head's topology with them as one more part and region: the head's own vertices and texels stay first."""
    count, quads = len(shoulders.rest), shoulders.quads
    uv_quads = shoulders.uv_quads + len(topology.uvs)
    after = 2 * len(topology.quads)  # triangles 2i and 2i+1 make quad i, those in no quad come last
    weights = np.pad(topology.region_weights, ((0, 1), (0, count)))
    weights[-1, len(topology.rest) :] = 1
    part = np.full(2 * len(quads), len(topology.part_names), np.int32)
    return replace(
        topology,
        faces=np.insert(topology.faces, after, _triangles(quads), axis=0),
        uv_faces=np.insert(topology.uv_faces, after, _triangles(uv_quads), axis=0),
        face_parts=np.insert(topology.face_parts, after, part),
        quads=np.concatenate([topology.quads, quads]),
        uvs=np.concatenate([topology.uvs, shoulders.uvs]),
        uv_quads=np.concatenate([topology.uv_quads, uv_quads]),
        rest=np.concatenate([topology.rest, shoulders.rest]),
        region_names=(*topology.region_names, NAME),
        region_weights=weights,
        part_names=(*topology.part_names, NAME),
        mirror=None,
        published=None,
    )


def dressed(face: Face, topology: Topology, shoulders: Shoulders) -> Face:
    """The face as it is now with them, for pictures and files: its layers' shapes are in its vertices.

    Args:
        topology: the head's own.
    """
    now, count = vertices(face), len(shoulders.rest)
    drawn = [shoulders.drawn(difference) for difference in face.expressions]
    return replace(
        face,
        base_vertices=np.concatenate([now, shoulders.below(now - topology.rest)]).astype(np.float32),
        expressions=np.concatenate([face.expressions, np.reshape(drawn, (-1, count, 3))], axis=1).astype(np.float32),
        offsets=np.pad(face.offsets, ((0, count), (0, 0))),
        layers=tuple(replace(layer, weights=None, offsets=None) for layer in face.layers),
    )


def _triangles(quads: Int[ndarray, "Q 4"]) -> Int[ndarray, "G 3"]:
    return np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
