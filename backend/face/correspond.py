"""A surface map between any two heads with landmarks: it carries sliders and places, and by them pictures.

The head of fewer vertices is bent onto the other once (`register.bend`), and kept. From then on both lie in one
space, where the nearest point of the other's surface is the same point of a face, in either direction.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from ..files import write_whole
from .closest import Places, Tree
from .mesh import Topology
from .model import LinearFaceModel
from .register import alignment, bend, landmarks_of
from .sparse import Sparse

OTHERS = {"left_iris": "left_eye", "right_iris": "right_eye", "gums": "mouth"}  # of heads that name parts otherwise
NEAR, FAR = 0.15, 0.8  # head units beyond the other head's edge over which what a slider does fades out


@dataclass(frozen=True)
class Correspondence:
    """What brings things from `source` to `target`.

    Attributes:
        source_points, target_points: (V, 3) each head's vertices in the one space.
        turned: takes displacements of the source to the target's units.
    """

    source: Topology
    target: Topology
    source_points: Float[ndarray, "V 3"]
    target_points: Float[ndarray, "W 3"]
    turned: Float[ndarray, "3 3"]

    def inverse(self) -> Correspondence:
        back = np.linalg.inv(self.turned)
        return Correspondence(self.target, self.source, self.target_points, self.source_points, back)

    def counterpart(self, part: str) -> str | None:
        """The source's part that a target's part corresponds to; None where it has no such part."""
        return next((name for name in (part, OTHERS.get(part)) if name in self._trees), None)

    def places(self, points: Float[ndarray, "N 3"], part: str) -> Places:
        """Where points of the one space are on the source's part of that name."""
        triangles, tree = self._trees[part]
        found = tree.closest(points)
        return Places(triangles[found.faces], found.barycentrics)

    def rows(self, rows: Float[Tensor, "K D"], whole: bool = False) -> Float[Tensor, "K E"]:
        """Displacements (K, V*3) of the source's vertices as the target's; 0 far beyond the source's edge.

        Args:
            whole: rows that move and scale the head as a whole do the same to all of the target.
        """
        turned = rows.view(len(rows), -1, 3) @ torch.from_numpy(self.turned.T).to(rows)
        growth = torch.zeros(len(rows), len(self.target.rest), 3).to(rows)
        if whole:
            basis, other = (_growth(points, self.source_points) for points in (self.source_points, self.target_points))
            share = torch.linalg.lstsq(torch.from_numpy(basis), turned.flatten(1).T.double()).solution
            turned = turned - (torch.from_numpy(basis) @ share).T.to(rows).view_as(turned)
            growth = (torch.from_numpy(other) @ share).T.to(rows).view_as(growth)
        flat = turned.permute(1, 0, 2).reshape(len(self.source.rest), -1)
        local = (self.matrix.tensor(flat) @ flat).view(-1, len(rows), 3).permute(1, 0, 2)
        return (local + growth).flatten(1)

    @cached_property
    def matrix(self) -> Sparse:
        """(W, V): values of the source's vertices at the target's, fading out beyond the source's edge."""
        count = len(self.target.rest)
        corners, weights = np.zeros((count, 3), np.int64), np.zeros((count, 3), np.float32)
        for part in self.target.part_names:
            vertices = np.unique(self.target.faces[self.target.part_faces(part)])
            points = self.target_points[vertices]
            found = self.places(points, self.counterpart(part) or "skin")
            share = self.share(points, found) if part == "skin" else np.ones(len(vertices))
            corners[vertices] = self.source.faces[found.faces]
            weights[vertices] = found.barycentrics * share[:, None]
        shape = (count, len(self.source.rest))
        return Sparse(np.arange(count).repeat(3), corners.reshape(-1), weights.reshape(-1), shape)

    def share(self, points: Float[ndarray, "N 3"], found: Places) -> Float[ndarray, " N"]:
        """1 where the source has skin, fading to 0 where it ends, as Anny does at the neck."""
        away = np.linalg.norm(found.of(self.source_points, self.source.faces) - points, axis=1)
        t = np.clip((FAR - away) / (FAR - NEAR), 0, 1)
        return t * t * (3 - 2 * t)

    @cached_property
    def _trees(self) -> dict[str, tuple[ndarray, Tree]]:
        parts = {part: self.source.part_faces(part) for part in self.source.part_names}
        return {
            part: (triangles, Tree(self.source_points, self.source.faces[triangles]))
            for part, triangles in parts.items()
            if len(triangles)
        }


def correspond(source: Topology, target: Topology, folder: Path | None = None) -> Correspondence:
    """The map from one head to another: seconds, or what an earlier call left in `folder`.

    Raises:
        HeadInvalid: a head without landmarks.
    """
    if source.topology_id == target.topology_id:
        return Correspondence(source, target, source.rest, source.rest, np.eye(3))
    moved, onto = sorted((source, target), key=lambda head: (len(head.rest), head.topology_id))
    fitted = _kept(moved, onto, folder)
    align = alignment(moved, onto)
    found = Correspondence(moved, onto, fitted, onto.rest, align.scale * align.rotation)
    return found if moved is source else found.inverse()


def with_sliders(model: LinearFaceModel, giver: LinearFaceModel, across: Correspondence) -> LinearFaceModel:
    """The head with the named sliders of another; what they do is carried across."""

    phenotypes = giver.phenotypes
    return LinearFaceModel(
        model.topology,
        model.identity_basis,
        model.expression_basis,
        phenotypes and replace(phenotypes, rows=across.rows(phenotypes.rows, whole=True)),
        giver.slider_names[len(phenotypes.names) if phenotypes else 0 :],
        across.rows(giver.local_rows),
        giver.slider_defaults,
    )


def _kept(moved: Topology, onto: Topology, folder: Path | None) -> Float[ndarray, "V 3"]:
    """The bent head, from `folder` if it was made of the same two heads."""
    marks = (moved.rest, onto.rest, landmarks_of(moved), landmarks_of(onto))
    made_of = hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in marks)).hexdigest()
    path = folder and folder / f"{moved.topology_id}-{onto.topology_id}.npz"
    if path and path.is_file():
        try:
            with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as file:
                if str(file["made_of"]) == made_of and file["vertices"].shape == moved.rest.shape:
                    return file["vertices"]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            pass  # it is a cache: made anew
    fitted = bend(moved, onto).astype(np.float32)
    if path:
        stream = BytesIO()
        np.savez_compressed(stream, vertices=fitted, made_of=np.array(made_of))
        write_whole(path, stream.getvalue())
    return fitted


def _growth(points: Float[ndarray, "W 3"], of: Float[ndarray, "V 3"]) -> Float[ndarray, "D 4"]:
    """(W*3, 4): what growing round the middle of a head, and moving it each way, does to points."""
    moves = np.tile(np.eye(3), (len(points), 1))
    grown = (points - of.mean(axis=0)).astype(np.float64).reshape(-1, 1)
    return np.concatenate([grown, moves], axis=1)
