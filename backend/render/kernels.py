"""Visibility: the triangle each pixel sees. One NVIDIA Warp kernel for CPU and CUDA; it has no gradient.

The point-in-triangle test is in homogeneous coordinates (Olano & Greer 1997), so triangles that cross the eye plane
need no clipper. On CPU a launch runs on one thread and its atomics are plain writes, therefore picture rows are cut
into bands that no two threads share.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, no_type_check

import torch
import warp as wp
from jaxtyping import Float, Int
from torch import Tensor

from .. import warped  # noqa: F401 - starts Warp

wp.set_module_options({"enable_backward": False})

EMPTY = 2**63 - 1
DEPTH_STEPS = wp.constant(wp.float64(2**29))
SHIFT = wp.constant(wp.int64(2**32))
NEAR_W = wp.constant(1e-6)
UNSEEN = wp.constant(2.0)  # beyond the far plane
FAR_OUT = wp.constant(2.0)  # screen coordinates whose rounding is known


@no_type_check  # Warp reads these annotations
@wp.func
def corner(clip: wp.vec4, x: float, y: float):
    """A corner's homogeneous offset from the point (x, y) of the screen."""
    return wp.vec2(clip[0] - x * clip[3], clip[1] - y * clip[3])


@no_type_check
@wp.func
def ordered_cross(first: int, second: int, a: wp.vec2, b: wp.vec2):
    """a × b, computed in one order of the vertices, so that both triangles of an edge get exactly opposite values."""
    if first < second:
        return a[0] * b[1] - a[1] * b[0]
    return -(b[0] * a[1] - b[1] * a[0])


@no_type_check
@wp.func
def owns_edge(first: int, second: int, b: wp.vec4, c: wp.vec4, side: float):
    """Whether a pixel centre exactly on the edge from b to c is the triangle's.

    The rule moves the centre a hair to the right, then a hair upwards, and asks again: what lies exactly on an edge,
    or on a corner where many triangles meet, belongs to one of them.
    """
    right = side * ordered_cross(first, second, wp.vec2(b[1], b[3]), wp.vec2(c[1], c[3]))
    up = -side * ordered_cross(first, second, wp.vec2(b[0], b[3]), wp.vec2(c[0], c[3]))
    return right > 0.0 or (right == 0.0 and up > 0.0)


@no_type_check
@wp.func
def pixel_range(low: float, high: float, size: int):
    """First and last pixel whose centre may lie between two screen coordinates (-1..1)."""
    scale = 0.5 * float(size)
    first = wp.ceil(wp.clamp((low + 1.0) * scale - 0.502, 0.0, float(size)))
    last = wp.floor(wp.clamp((high + 1.0) * scale - 0.498, -1.0, float(size - 1)))
    return wp.vec2i(int(first), int(last))


@no_type_check
@wp.func
def on_screen(clip: wp.vec4):
    """Screen coordinates, -1..1 to the right and downwards; of no meaning behind the eye."""
    return wp.vec2(clip[0] / clip[3], -clip[1] / clip[3])


@no_type_check
@wp.func
def widened(span: wp.vec2, a: wp.vec2, b: wp.vec2, y: float):
    """The columns' range, grown to where the edge from a to b may meet the row y, rounding included.

    Source of the slack: coordinates below FAR_OUT are rounded by 2e-7, which is 0.004 of an edge 1e-4 high.
    """
    if y < wp.min(a[1], b[1]) - 1.0e-6 or y > wp.max(a[1], b[1]) + 1.0e-6:
        return span
    low = wp.min(a[0], b[0])
    high = wp.max(a[0], b[0])
    if wp.abs(b[1] - a[1]) > 1.0e-4:
        x = a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
        slack = 0.01 * (high - low)
        low = wp.max(low, x - slack)
        high = wp.min(high, x + slack)
    return wp.vec2(wp.min(span[0], low), wp.max(span[1], high))


@no_type_check
@wp.func
def row_range(columns: wp.vec2i, a: wp.vec2, b: wp.vec2, c: wp.vec2, y: float, width: int):
    """First and last of the columns whose pixel centres may lie in the triangle, in the row y."""
    span = widened(wp.vec2(FAR_OUT, -FAR_OUT), a, b, y)
    span = widened(span, b, c, y)
    span = widened(span, c, a, y)
    narrow = pixel_range(span[0], span[1], width)
    return wp.vec2i(wp.max(columns[0], narrow[0]), wp.min(columns[1], narrow[1]))


@no_type_check
@wp.func
def depth_at(face: wp.vec3i, a: wp.vec4, b: wp.vec4, c: wp.vec4, x: float, y: float):
    """z / w of a triangle at a pixel centre; UNSEEN where the centre is not in it."""
    ra = corner(a, x, y)
    rb = corner(b, x, y)
    rc = corner(c, x, y)
    wa = ordered_cross(face[1], face[2], rb, rc)
    wb = ordered_cross(face[2], face[0], rc, ra)
    wc = ordered_cross(face[0], face[1], ra, rb)
    area = wa + wb + wc
    if area == 0.0:
        return UNSEEN
    side = wp.sign(area)
    inside = wa * side >= 0.0 and wb * side >= 0.0 and wc * side >= 0.0
    if wa == 0.0:
        inside = inside and owns_edge(face[1], face[2], b, c, side)
    if wb == 0.0:
        inside = inside and owns_edge(face[2], face[0], c, a, side)
    if wc == 0.0:
        inside = inside and owns_edge(face[0], face[1], a, b, side)
    w = (wa * a[3] + wb * b[3] + wc * c[3]) / area
    if inside and w > 0.0:
        return (wa * a[2] + wb * b[2] + wc * c[2]) / area / w
    return UNSEEN


@no_type_check
@wp.kernel
def nearest_triangle(
    clip: wp.array2d(dtype=wp.vec4),  # pyright: ignore[reportInvalidTypeForm]
    faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    first_picture: int,
    height: int,
    width: int,
    first_row: int,
    last_row: int,
    nearest: wp.array2d(dtype=wp.int64),  # pyright: ignore[reportInvalidTypeForm]
):
    """Per triangle: lowers `nearest` (B*H, W) to depth * 2^32 + triangle wherever it is seen in the band of rows."""
    offset, triangle = wp.tid()
    picture = first_picture + offset
    face = faces[triangle]
    a = clip[picture, face[0]]
    b = clip[picture, face[1]]
    c = clip[picture, face[2]]
    total = a + b + c
    if not (wp.isfinite(total[0]) and wp.isfinite(total[1]) and wp.isfinite(total[2]) and wp.isfinite(total[3])):
        return
    if wp.max(a[3], wp.max(b[3], c[3])) <= NEAR_W:
        return
    ahead = wp.min(a[3], wp.min(b[3], c[3])) > NEAR_W
    sa = on_screen(a)
    sb = on_screen(b)
    sc = on_screen(c)
    low = wp.min(sa, wp.min(sb, sc))
    high = wp.max(sa, wp.max(sb, sc))
    rows = wp.vec2i(0, height - 1)
    if ahead:
        rows = pixel_range(low[1], high[1], height)
    top = wp.max(rows[0], first_row - picture * height)
    bottom = wp.min(rows[1], last_row - picture * height)
    if top > bottom:
        return
    columns = wp.vec2i(0, width - 1)
    if ahead:
        columns = pixel_range(low[0], high[0], width)
    sloped = (
        ahead
        and columns[1] - columns[0] > 2
        and wp.min(low[0], low[1]) > -FAR_OUT
        and wp.max(high[0], high[1]) < FAR_OUT
    )
    for row in range(top, bottom + 1):
        y = 1.0 - (float(row) + 0.5) * 2.0 / float(height)
        span = columns
        if sloped:
            span = row_range(columns, sa, sb, sc, -y, width)
        for column in range(span[0], span[1] + 1):
            x = (float(column) + 0.5) * 2.0 / float(width) - 1.0
            z = depth_at(face, a, b, c, x, y)
            if z >= -1.0 and z <= 1.0:
                key = wp.int64((wp.float64(z) + wp.float64(1.0)) * DEPTH_STEPS) * SHIFT + wp.int64(triangle)
                wp.atomic_min(nearest, picture * height + row, column, key)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="facewright-rows")


def launch(kernel: Any, dim: int | tuple[int, int], inputs: list[Any], device: torch.device) -> None:
    """Starts a kernel where torch works: on CUDA in the stream that torch queues its own work in."""
    if device.type == "cuda":
        wp.launch(kernel, dim=dim, inputs=inputs, stream=wp.stream_from_torch(torch.cuda.current_stream(device)))
    else:
        wp.launch(kernel, dim=dim, inputs=inputs, device="cpu")


def shares(device: torch.device) -> int:
    """Into how many parts work is cut that threads share: one on CUDA, whose launches are parallel by themselves."""
    return 1 if device.type == "cuda" else os.cpu_count() or 1


def in_threads(work: Callable[[Any], None], items: Iterable[Any], device: torch.device) -> None:
    """Does the work for each item, on CPU with all cores: a launch lets go of Python's lock."""
    if shares(device) == 1:
        for item in items:
            work(item)
    else:
        list(_pool().map(work, items))


def visible(clip: Float[Tensor, "B V 4"], faces: Int[Tensor, "F 3"], size: tuple[int, int]) -> Int[Tensor, "B H W"]:
    """The triangle each pixel centre sees, -1 for none; row 0 on top, ties go to the lower index.

    Args:
        clip: clip-space positions (OpenGL: visible where -w ≤ z ≤ w); NaN triangles are left out.
        faces: int32, on the device of `clip`.
    """
    height, width = size
    pictures = len(clip)
    if not clip.numel():
        return torch.full((pictures, height, width), -1, dtype=torch.int32, device=clip.device)
    clip = clip.detach().float().contiguous()
    nearest = torch.full((pictures * height, width), EMPTY, dtype=torch.int64, device=clip.device)
    inputs: list[Any] = [
        wp.from_torch(clip, dtype=wp.vec4),
        wp.from_torch(faces.int().contiguous(), dtype=wp.vec3i),
    ]
    keys = wp.from_torch(nearest, dtype=wp.int64)

    def band(first_row: int, last_row: int) -> None:
        first, last = first_row // height, last_row // height
        dim = (last - first + 1, len(faces))
        launch(nearest_triangle, dim, [*inputs, first, height, width, first_row, last_row, keys], clip.device)

    rows = pictures * height
    count = min(shares(clip.device), rows)
    edges = [rows * k // count for k in range(count + 1)]
    in_threads(lambda k: band(edges[k], edges[k + 1] - 1), range(count), clip.device)
    return nearest.int().view(pictures, height, width)  # the low half of each key; that of EMPTY is -1


def warm() -> None:
    """Compiles the kernels into their cache, so that the first picture does not wait for it."""
    corners = torch.tensor([[[-0.5, -0.5, 0.0, 1.0], [0.5, -0.5, 0.0, 1.0], [0.0, 0.5, 0.0, 1.0]]])
    visible(corners, torch.tensor([[0, 1, 2]], dtype=torch.int32), (2, 2))
    from . import blending, silhouettes  # which need this module

    for module in (blending, silhouettes):
        wp.load_module(module)
