"""Antialiased silhouettes: the only way a picture tells vertices which way its outlines should move.

Where an outline passes between two pixel centres, the pixel that it cuts is blended with its neighbour by the share
that it covers, so that colours change smoothly as the outline moves (Laine et al. 2020, sec. 3.5). Their rule looks
for the outline on the pixel's own triangle only and misses most of those of a dense head; here the way from the
outline back to the pixel may lead over several triangles. Kernels find the few places; torch blends and differentiates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, no_type_check

import torch
import warp as wp
from jaxtyping import Float, Int
from torch import Tensor

from ..face.checks import edges_of
from .kernels import in_threads, launch, shares

wp.set_module_options({"enable_backward": False})

WALK = 32  # triangles between an outline and a pixel centre, at most; 8 are too few for 38,000 in 224 pixels
NEAR_W = 1e-6  # as in `kernels`: what is nearer to the eye's plane has no place on the screen


@dataclass(frozen=True)
class Edges:
    """Which triangles meet at which edges; computed once a topology (see `face.checks.Edges`)."""

    ends: Int[Tensor, "E 2"]
    sides: Int[Tensor, "E 2"]
    opposite: Int[Tensor, "E 2"]
    of_faces: Int[Tensor, "F 3"]

    @classmethod
    def of(cls, faces: Int[Tensor, "F 3"]) -> Edges:
        edges = edges_of(faces.cpu().numpy())
        arrays = (edges.ends, edges.sides, edges.opposite, edges.of_faces)
        return cls(*(torch.from_numpy(array).to(faces.device) for array in arrays))


@dataclass(frozen=True)
class Outlines:
    """Pairs of neighbouring pixels with an outline between their centres.

    Attributes:
        inner, outer: (N,) indices into B*H*W: the pixel that sees the outlined surface, the one that sees past it.
        reach: (N,) how far from the inner centre the outline is, 0..1 pixels; carries gradients to the vertices.
    """

    inner: Int[Tensor, " N"]
    outer: Int[Tensor, " N"]
    reach: Float[Tensor, " N"]

    def smooth(self, colours: Float[Tensor, "P C"]) -> Float[Tensor, "P C"]:
        """The pixels that outlines cut, blended with their neighbours; all pixels of all pictures go in and out."""
        beyond = (self.reach - 0.5).to(colours)
        cut = torch.where(beyond >= 0, self.outer, self.inner)
        change = beyond[:, None] * (colours[self.inner] - colours[self.outer])
        return colours.index_put((cut,), change, accumulate=True)


@no_type_check  # Warp reads these annotations
@wp.kernel
def find_folds(
    screen: wp.array2d(dtype=wp.vec3),  # pyright: ignore[reportInvalidTypeForm]
    ends: wp.array(dtype=wp.vec2i),  # pyright: ignore[reportInvalidTypeForm]
    sides: wp.array(dtype=wp.vec2i),  # pyright: ignore[reportInvalidTypeForm]
    opposite: wp.array(dtype=wp.vec2i),  # pyright: ignore[reportInvalidTypeForm]
    picture: int,
    first: int,
    folds: wp.array2d(dtype=wp.uint8),  # pyright: ignore[reportInvalidTypeForm]
):
    """Per edge: 1 where its triangles lie on the same side of it in the picture, or it has only one."""
    edge = wp.tid() + first
    a = screen[picture, ends[edge][0]]
    b = screen[picture, ends[edge][1]]
    across = screen[picture, opposite[edge][0]] - a
    along = b - a
    one = along[0] * across[1] - along[1] * across[0]
    fold = wp.isfinite(one) and one != 0.0
    if fold and sides[edge][1] >= 0:
        across = screen[picture, opposite[edge][1]] - a
        fold = one * (along[0] * across[1] - along[1] * across[0]) > 0.0
    if fold:
        folds[picture, edge] = wp.uint8(1)


@no_type_check
@wp.func
def crossing(a: wp.vec3, b: wp.vec3, along: int, line: float):
    """Where the way from a to b crosses a row (along = 0) or column (1) of pixel centres, and how deep."""
    share = (line - a[1 - along]) / (b[1 - along] - a[1 - along])
    return wp.vec2(a[along] + share * (b[along] - a[along]), a[2] + share * (b[2] - a[2]))


@no_type_check
@wp.func
def depth_at(
    screen: wp.array2d(dtype=wp.vec3),  # pyright: ignore[reportInvalidTypeForm]
    faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    picture: int,
    triangle: int,
    x: float,
    y: float,
):
    """Depth of a triangle's plane at a place of the picture."""
    a = screen[picture, faces[triangle][0]]
    b = screen[picture, faces[triangle][1]]
    c = screen[picture, faces[triangle][2]]
    wa = (b[0] - x) * (c[1] - y) - (b[1] - y) * (c[0] - x)
    wb = (c[0] - x) * (a[1] - y) - (c[1] - y) * (a[0] - x)
    wc = (a[0] - x) * (b[1] - y) - (a[1] - y) * (b[0] - x)
    return (wa * a[2] + wb * b[2] + wc * c[2]) / (wa + wb + wc)


@no_type_check
@wp.func
def reaches(
    screen: wp.array2d(dtype=wp.vec3),  # pyright: ignore[reportInvalidTypeForm]
    faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    sides: wp.array(dtype=wp.vec2i),  # pyright: ignore[reportInvalidTypeForm]
    of_faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    folds: wp.array2d(dtype=wp.uint8),  # pyright: ignore[reportInvalidTypeForm]
    picture: int,
    start: int,
    edge: int,
    along: int,
    line: float,
    centre: float,
    toward: float,
    wanted: int,
    limit: int,
):
    """Whether a walk over the surface, from an edge of triangle `start` to a pixel's centre, ends on `wanted`."""
    triangle = start
    entered = edge
    steps = wp.int32(0)  # a plain 0 could not be counted up in a kernel
    while triangle != wanted and triangle >= 0 and steps < limit:
        face = faces[triangle]
        left = wp.int32(-1)
        for k in range(3):
            a = screen[picture, face[k]]
            b = screen[picture, face[(k + 1) % 3]]
            if of_faces[triangle][k] != entered and (a[1 - along] > line) != (b[1 - along] > line):
                at = crossing(a, b, along, line)
                if toward * (at[0] - centre) < 1.0e-3:  # not yet past the pixel's centre
                    left = of_faces[triangle][k]
        current = triangle
        triangle = -1
        if left >= 0:  # noqa: SIM102 - a kernel evaluates both sides of an "and"
            if folds[picture, left] == wp.uint8(0):
                triangle = sides[left][0]
                if triangle == current:
                    triangle = sides[left][1]
                entered = left
        steps += 1
    return triangle == wanted


@no_type_check
@wp.kernel
def find_outlines(
    screen: wp.array2d(dtype=wp.vec3),  # pyright: ignore[reportInvalidTypeForm]
    faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    ends: wp.array(dtype=wp.vec2i),  # pyright: ignore[reportInvalidTypeForm]
    sides: wp.array(dtype=wp.vec2i),  # pyright: ignore[reportInvalidTypeForm]
    opposite: wp.array(dtype=wp.vec2i),  # pyright: ignore[reportInvalidTypeForm]
    of_faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    folds: wp.array2d(dtype=wp.uint8),  # pyright: ignore[reportInvalidTypeForm]
    places: wp.array2d(dtype=wp.int64),  # pyright: ignore[reportInvalidTypeForm]
    index: wp.array3d(dtype=wp.int32),  # pyright: ignore[reportInvalidTypeForm]
    limit: int,
    first_row: int,
    last_row: int,
    found: wp.array2d(dtype=wp.int32),  # pyright: ignore[reportInvalidTypeForm]
):
    """Per fold: marks the pairs of pixels it passes between, in a band of the pictures' rows.

    `found` (B*H*W, 2) is for pairs of a pixel with the one to its right, below it: 1 + 2 * edge, plus 1 where the
    surface is on the first pixel's side. A steep edge cuts rows, a flat one columns, so that each counts once.
    """
    number = wp.tid()
    picture = int(places[number, 0])
    edge = int(places[number, 1])
    height = index.shape[1]
    width = index.shape[2]
    a = screen[picture, ends[edge][0]]
    b = screen[picture, ends[edge][1]]
    way = b - a
    along = wp.int32(0)
    if wp.abs(way[0]) > wp.abs(way[1]):
        along = 1
    size = wp.where(along == 1, height, width)
    lines = wp.where(along == 1, width, height)
    across = screen[picture, opposite[edge][0]] - a
    turn = way[along] * across[1 - along] - way[1 - along] * across[along]
    before = (turn > 0.0) == (way[1 - along] > 0.0)  # the surface has the lower coordinates
    top = first_row - picture * height
    bottom = last_row - picture * height
    first = int(wp.ceil(wp.clamp(wp.min(a[1 - along], b[1 - along]), 0.0, float(lines))))
    end = int(wp.ceil(wp.clamp(wp.max(a[1 - along], b[1 - along]), 0.0, float(lines))))
    if along == 0:
        first = wp.max(first, top)
        end = wp.min(end, bottom + 1)
    for line in range(first, end):
        at = crossing(a, b, along, float(line))
        low = int(wp.floor(wp.clamp(at[0], -1.0, float(size))))
        row = wp.where(along == 1, low, line)
        column = wp.where(along == 1, line, low)
        if low >= 0 and low + 1 < size and row >= top and row <= bottom:
            outer_row = row + along
            outer_column = column + 1 - along
            inner = index[picture, row, column]
            outer = index[picture, outer_row, outer_column]
            centre = float(low)
            toward = wp.float32(-1.0)
            if not before:
                kept = inner
                inner = outer
                outer = kept
                outer_row = row
                outer_column = column
                centre = float(low + 1)
                toward = wp.float32(1.0)
            seen = inner >= 0 and inner != outer
            if seen and outer >= 0:
                seen = at[1] < depth_at(screen, faces, picture, outer, float(outer_column), float(outer_row))
            for side in range(2):
                if seen and sides[edge][side] >= 0:  # noqa: SIM102
                    if reaches(
                        screen, faces, sides, of_faces, folds, picture, sides[edge][side], edge,
                        along, float(line), centre, toward, inner, limit,
                    ):  # fmt: skip
                        seen = False
                        mark = 1 + 2 * edge + wp.where(before, 1, 0)
                        wp.atomic_max(found, (picture * height + row) * width + column, along, mark)


def outlines(
    clip: Float[Tensor, "B V 4"], faces: Int[Tensor, "F 3"], edges: Edges, index: Int[Tensor, "B H W"]
) -> Outlines:
    """Where the outlines of what is seen pass between pixels."""
    _, height, width = index.shape
    with torch.no_grad():
        found = _find(_screen(clip.detach().float(), height, width).contiguous(), faces, edges, index)
        place, along = found.nonzero().unbind(1)
        mark = found[place, along] - 1
        edge, before = edges.ends.long()[mark // 2], mark % 2 == 1
        neighbour = place + torch.where(along == 0, 1, width)
        inner, outer = torch.where(before, place, neighbour), torch.where(before, neighbour, place)
        centre = torch.stack([inner % width, inner // width % height], dim=1)
        cut = torch.stack([along, 1 - along], dim=1)  # the axis that is cut, then the other
        direction = torch.where(before, 1, -1)
    corners = edge + (place // (height * width) * clip.shape[1])[:, None]
    ends = _screen(clip.reshape(-1, 4)[corners.flatten()], height, width).view(-1, 2, 3)[..., :2]
    ends = (ends - centre[:, None]).gather(2, cut[:, None].expand(-1, 2, -1))
    (a, above), (b, below) = ends[:, 0].unbind(1), ends[:, 1].unbind(1)
    reach = direction * (a + above / (above - below) * (b - a))
    return Outlines(inner, outer, reach.clamp(0, 1))


def _screen(clip: Float[Tensor, "*B 4"], height: int, width: int) -> Float[Tensor, "*B 3"]:
    """Columns and rows, whole numbers at pixel centres, and depth; NaN behind the eye."""
    x, y, z, w = clip.unbind(-1)
    w = torch.where(w > NEAR_W, w, torch.nan)
    return torch.stack([(x / w + 1) * (width / 2) - 0.5, (1 - y / w) * (height / 2) - 0.5, z / w], dim=-1)


def _find(
    screen: Float[Tensor, "B V 3"], faces: Int[Tensor, "F 3"], edges: Edges, index: Int[Tensor, "B H W"]
) -> Int[Tensor, "P 2"]:
    """The marks of `find_outlines`, 0 where there is none."""
    pictures, height, width = index.shape
    count, threads = len(edges.ends), shares(screen.device)
    folds = torch.zeros(pictures, count, dtype=torch.uint8, device=screen.device)
    found = torch.zeros(pictures * height * width, 2, dtype=torch.int32, device=screen.device)
    points = wp.from_torch(screen, dtype=wp.vec3)
    ends, sides, opposite = (
        wp.from_torch(part.contiguous(), dtype=wp.vec2i) for part in (edges.ends, edges.sides, edges.opposite)
    )
    marks = wp.from_torch(folds)

    def share(number: int) -> None:
        first, end = count * number // threads, count * (number + 1) // threads
        for picture in range(pictures):
            inputs: list[Any] = [points, ends, sides, opposite, picture, first, marks]
            launch(find_folds, end - first, inputs, screen.device)

    in_threads(share, range(threads), screen.device)
    places = folds.nonzero()
    triangles = [wp.from_torch(part.int().contiguous(), dtype=wp.vec3i) for part in (faces, edges.of_faces)]
    inputs: list[Any] = [points, triangles[0], ends, sides, opposite, triangles[1], marks, wp.from_torch(places)]
    inputs += [wp.from_torch(index.int().contiguous()), WALK]
    drawn, rows = wp.from_torch(found), pictures * height

    def band(number: int) -> None:
        between = (rows * number // threads, rows * (number + 1) // threads - 1)
        launch(find_outlines, len(places), [*inputs, *between, drawn], screen.device)

    in_threads(band, range(threads), screen.device)
    return found
