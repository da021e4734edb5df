"""Barycentrics, interpolation and vertex normals: Warp kernels and their gradients, in float32 and float64.

Products are rounded before they are added (no fused multiply-add), as torch does. Gradients of many hits meet in one
vertex; on CPU each band of rows has a buffer of its own and the buffers are added in the order of the bands, which
the picture's size alone decides: the number of threads changes no bit.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, no_type_check

import torch
import warp as wp
from jaxtyping import Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from .kernels import in_threads, launch

wp.set_module_options({"enable_backward": False, "fuse_fp": False})

ROWS_PER_BAND, MOST_BANDS = 64, 16
VEC3 = {torch.float32: wp.vec3f, torch.float64: wp.vec3d}
VEC4 = {torch.float32: wp.vec4f, torch.float64: wp.vec4d}


@no_type_check  # Warp reads these annotations
@wp.func
def centre(pixel: wp.int64, picture: int, height: int, width: int):
    """Where a pixel's centre is in its picture, -1..1 to the right and upwards."""
    inside = int(pixel - wp.int64(picture) * wp.int64(height * width))
    row = inside / width
    column = inside - row * width
    return wp.vec2((float(column) + 0.5) * (2.0 / float(width)) - 1.0, 1.0 - (float(row) + 0.5) * (2.0 / float(height)))


@no_type_check
@wp.kernel
def weigh(
    clip: wp.array2d(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    pixel: wp.array(dtype=wp.int64),  # pyright: ignore[reportInvalidTypeForm]
    face: wp.array(dtype=wp.int64),  # pyright: ignore[reportInvalidTypeForm]
    picture: int,
    height: int,
    width: int,
    first: int,
    weights: wp.array(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
):
    """Per hit: the corners' areas seen from the pixel's centre, over their sum (Olano & Greer 1997)."""
    n = wp.tid() + first
    corners = faces[int(face[n])]
    a = clip[picture, corners[0]]
    b = clip[picture, corners[1]]
    c = clip[picture, corners[2]]
    at = centre(pixel[n], picture, height, width)
    x = a.dtype(at[0])
    y = a.dtype(at[1])
    ax = a[0] - x * a[3]
    ay = a[1] - y * a[3]
    bx = b[0] - x * b[3]
    by = b[1] - y * b[3]
    cx = c[0] - x * c[3]
    cy = c[1] - y * c[3]
    wa = bx * cy - by * cx
    wb = cx * ay - cy * ax
    wc = ax * by - ay * bx
    total = (wa + wb) + wc
    if total == a.dtype(0.0):  # a sliver: its corners are one point here
        wa = a.dtype(1.0)
        wb = a.dtype(0.0)
        wc = a.dtype(0.0)
        total = a.dtype(1.0)
    weights[n] = wp.vector(wa / total, wb / total, wc / total)


@no_type_check
@wp.kernel
def weigh_back(
    clip: wp.array2d(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    pixel: wp.array(dtype=wp.int64),  # pyright: ignore[reportInvalidTypeForm]
    face: wp.array(dtype=wp.int64),  # pyright: ignore[reportInvalidTypeForm]
    weights: wp.array(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    wanted: wp.array(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    picture: int,
    height: int,
    width: int,
    first: int,
    band: int,
    gradient: wp.array2d(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
):
    """Per hit: adds what `wanted`, the gradient of the weights, asks of the corners to the band's `gradient`."""
    n = wp.tid() + first
    corners = faces[int(face[n])]
    a = clip[picture, corners[0]]
    b = clip[picture, corners[1]]
    c = clip[picture, corners[2]]
    at = centre(pixel[n], picture, height, width)
    x = a.dtype(at[0])
    y = a.dtype(at[1])
    ax = a[0] - x * a[3]
    ay = a[1] - y * a[3]
    bx = b[0] - x * b[3]
    by = b[1] - y * b[3]
    cx = c[0] - x * c[3]
    cy = c[1] - y * c[3]
    total = (bx * cy - by * cx) + (cx * ay - cy * ax) + (ax * by - ay * bx)
    if total == a.dtype(0.0):
        return
    asked = wanted[n]
    common = wp.dot(asked, weights[n])
    wa = (asked[0] - common) / total
    wb = (asked[1] - common) / total
    wc = (asked[2] - common) / total
    gx = wc * by - wb * cy
    gy = wb * cx - wc * bx
    zero = a.dtype(0.0)
    wp.atomic_add(gradient, band, corners[0], wp.vector(gx, gy, zero, -x * gx - y * gy))
    gx = wa * cy - wc * ay
    gy = wc * ax - wa * cx
    wp.atomic_add(gradient, band, corners[1], wp.vector(gx, gy, zero, -x * gx - y * gy))
    gx = wb * ay - wa * by
    gy = wa * bx - wb * ax
    wp.atomic_add(gradient, band, corners[2], wp.vector(gx, gy, zero, -x * gx - y * gy))


@no_type_check
@wp.kernel
def blend(
    values: wp.array(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    face: wp.array(dtype=wp.int64),  # pyright: ignore[reportInvalidTypeForm]
    weights: wp.array(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    base: int,
    first: int,
    blended: wp.array(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
):
    """Per hit: the corners' `values` (rows from `base` on), weighted."""
    n = wp.tid() + first
    corners = faces[int(face[n])]
    weight = weights[n]
    first_two = values[base + corners[0]] * weight[0] + values[base + corners[1]] * weight[1]
    blended[n] = first_two + values[base + corners[2]] * weight[2]


@no_type_check
@wp.kernel
def blend_back(
    values: wp.array(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    face: wp.array(dtype=wp.int64),  # pyright: ignore[reportInvalidTypeForm]
    weights: wp.array(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    wanted: wp.array(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    base: int,
    first: int,
    band_base: int,
    of_values: int,
    gradient: wp.array(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    of_weights: wp.array(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
):
    """Per hit: what `wanted`, the gradient of the blend, asks of the weights, and where `of_values` of the values."""
    n = wp.tid() + first
    corners = faces[int(face[n])]
    asked = wanted[n]
    a = wp.dot(asked, values[base + corners[0]])
    b = wp.dot(asked, values[base + corners[1]])
    c = wp.dot(asked, values[base + corners[2]])
    of_weights[n] = wp.vector(a, b, c)
    if of_values != 0:
        weight = weights[n]
        wp.atomic_add(gradient, band_base + corners[0], asked * weight[0])
        wp.atomic_add(gradient, band_base + corners[1], asked * weight[1])
        wp.atomic_add(gradient, band_base + corners[2], asked * weight[2])


@no_type_check
@wp.kernel
def two_sides(
    vertices: wp.array2d(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    head: int,
    second: wp.array2d(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    third: wp.array2d(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
):
    """Per triangle: the ways from its first corner to the others."""
    triangle = wp.tid()
    face = faces[triangle]
    a = vertices[head, face[0]]
    second[head, triangle] = vertices[head, face[1]] - a
    third[head, triangle] = vertices[head, face[2]] - a


@no_type_check
@wp.kernel
def sum_at_corners(
    normals: wp.array2d(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    head: int,
    summed: wp.array2d(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
):
    """Per corner and triangle, in this order: adds the triangle's normal to the vertex, if it is one."""
    corner, triangle = wp.tid()
    normal = normals[head, triangle]
    if wp.isfinite(normal):
        wp.atomic_add(summed, head, faces[triangle][corner], normal)


@no_type_check
@wp.kernel
def sum_normals_back(
    vertices: wp.array2d(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    faces: wp.array(dtype=wp.vec3i),  # pyright: ignore[reportInvalidTypeForm]
    wanted: wp.array2d(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
    head: int,
    gradient: wp.array2d(dtype=Any),  # pyright: ignore[reportInvalidTypeForm]
):
    """Per triangle: what `wanted`, the gradient of the summed normals, asks of its corners."""
    face = faces[wp.tid()]
    a = vertices[head, face[0]]
    asked = wanted[head, face[0]] + wanted[head, face[1]] + wanted[head, face[2]]
    second = wp.cross(vertices[head, face[2]] - a, asked)
    third = wp.cross(asked, vertices[head, face[1]] - a)
    if wp.isfinite(second) and wp.isfinite(third):
        wp.atomic_add(gradient, head, face[0], -(second + third))
        wp.atomic_add(gradient, head, face[1], second)
        wp.atomic_add(gradient, head, face[2], third)


def _declare(kernel: Any, **kinds: dict[torch.dtype, Any]) -> dict[torch.dtype, Any]:
    """A kernel for each precision, made before the first launch, so that the module is compiled once."""
    return {dtype: wp.overload(kernel, {name: kind[dtype] for name, kind in kinds.items()}) for dtype in VEC3}


ROWS = {dtype: wp.array(dtype=kind) for dtype, kind in VEC3.items()}  # (N, 3)
TABLE = {dtype: wp.array2d(dtype=kind) for dtype, kind in VEC3.items()}  # (B, V, 3)
CLIP = {dtype: wp.array2d(dtype=kind) for dtype, kind in VEC4.items()}  # (B, V, 4)
WEIGH = _declare(weigh, clip=CLIP, weights=ROWS)
WEIGH_BACK = _declare(weigh_back, clip=CLIP, weights=ROWS, wanted=ROWS, gradient=CLIP)
BLEND = _declare(blend, values=ROWS, weights=ROWS, blended=ROWS)
BLEND_BACK = _declare(blend_back, values=ROWS, weights=ROWS, wanted=ROWS, gradient=ROWS, of_weights=ROWS)
TWO_SIDES = _declare(two_sides, vertices=TABLE, second=TABLE, third=TABLE)
SUM_AT_CORNERS = _declare(sum_at_corners, normals=TABLE, summed=TABLE)
SUM_NORMALS_BACK = _declare(sum_normals_back, vertices=TABLE, wanted=TABLE, gradient=TABLE)


def bands(size: tuple[int, int, int], pixel: Int[Tensor, " N"]) -> list[tuple[int, int, int]]:
    """(picture, first hit, end) of rows that share one gradient buffer; on CUDA, whose adding is atomic, pictures."""
    pictures, height, width = size
    count = 1 if pixel.is_cuda else min(max(height // ROWS_PER_BAND, 1), MOST_BANDS)
    rows = [picture * height + height * k // count for picture in range(pictures) for k in range(count)]
    starts = torch.tensor([*rows, pictures * height], device=pixel.device) * width
    places = torch.searchsorted(pixel, starts).tolist()
    return [(k // count, first, end) for k, (first, end) in enumerate(pairwise(places))]


def _launch(kernel: dict[torch.dtype, Any], like: Tensor, dim: int | tuple[int, int], *inputs: Any) -> None:
    launch(kernel[like.dtype], dim, list(inputs), like.device)


def _vectors(values: Tensor) -> Any:
    kind = VEC4 if values.shape[-1] == 4 else VEC3
    if not values.numel():  # any strides are contiguous to torch then, but not to Warp
        values = torch.empty_like(values, memory_format=torch.contiguous_format)
    return wp.from_torch(values.detach().contiguous(), dtype=kind[values.dtype])


def _rows(values: Tensor) -> Any:
    return _vectors(values.reshape(-1, 3))


def _indices(faces: Tensor, *others: Tensor) -> list[Any]:
    return [wp.from_torch(faces.int().contiguous(), dtype=wp.vec3i), *(wp.from_torch(other) for other in others)]


def _in_order(buffers: Tensor) -> Tensor:
    """The sum over the first axis, one after the other."""
    total = buffers[0]
    for buffer in buffers[1:]:
        total += buffer
    return total


class Weights(torch.autograd.Function):
    """Perspective-correct barycentrics (N, 3) of hits, differentiable in clip-space positions."""

    @staticmethod
    def forward(ctx: Any, clip: Tensor, faces: Tensor, pixel: Tensor, face: Tensor, size: tuple[int, int, int]):
        weights = clip.new_empty(len(pixel), 3)
        inputs, drawn = [_vectors(clip), *_indices(faces, pixel, face)], _rows(weights)
        parts = bands(size, pixel)

        def part(p: tuple[int, int, int]) -> None:
            _launch(WEIGH, clip, p[2] - p[1], *inputs, p[0], *size[1:], p[1], drawn)

        in_threads(part, parts, clip.device)
        ctx.save_for_backward(clip, faces, pixel, face, weights)
        ctx.size, ctx.parts = size, parts
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *wanted: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]
        clip, faces, pixel, face, weights = ctx.saved_tensors
        inputs = [_vectors(clip), *_indices(faces, pixel, face), _rows(weights), _rows(wanted[0])]
        count = max(len(ctx.parts) // max(len(clip), 1), 1)
        buffers = clip.new_zeros(len(ctx.parts), *clip.shape[1:])
        drawn = _vectors(buffers)

        def part(band: int) -> None:
            picture, first, end = ctx.parts[band]
            _launch(WEIGH_BACK, clip, end - first, *inputs, picture, *ctx.size[1:], first, band, drawn)

        in_threads(part, range(len(ctx.parts)), clip.device)
        gradient = _in_order(buffers.view(-1, count, *clip.shape[1:]).transpose(0, 1))
        return gradient, None, None, None, None


class Blend(torch.autograd.Function):
    """Three values a corner blended by weights at hits, differentiable in both; a batch of 1 serves all pictures."""

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, weights: Tensor, faces: Tensor, face: Tensor, parts: list[tuple[int, int, int]]
    ):
        blended = torch.empty_like(weights)
        inputs = [_rows(values), *_indices(faces, face), _rows(weights)]
        drawn, step = _rows(blended), values.shape[1] if len(values) > 1 else 0

        def part(p: tuple[int, int, int]) -> None:
            _launch(BLEND, values, p[2] - p[1], *inputs, p[0] * step, p[1], drawn)

        in_threads(part, parts, values.device)
        ctx.save_for_backward(values, weights, faces, face)
        ctx.parts = parts
        return blended

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *wanted: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]
        values, weights, faces, face = ctx.saved_tensors
        batch, count, _ = values.shape
        of_values = bool(ctx.needs_input_grad[0])
        buffers = values.new_zeros(len(ctx.parts) if of_values else 1, count, 3)
        of_weights = torch.empty_like(weights)
        inputs = [_rows(values), *_indices(faces, face), _rows(weights), _rows(wanted[0])]
        drawn, step = [_rows(buffers), _rows(of_weights)], count if batch > 1 else 0

        def part(band: int) -> None:
            picture, first, end = ctx.parts[band]
            given = (*inputs, picture * step, first, band * count, int(of_values))
            _launch(BLEND_BACK, values, end - first, *given, *drawn)

        in_threads(part, range(len(ctx.parts)), values.device)
        gradient = None
        if of_values:
            gradient = _in_order(buffers.view(batch, -1, count, 3).transpose(0, 1))
        return gradient, of_weights, None, None, None


class SummedNormals(torch.autograd.Function):
    """(B, V, 3) the normals of each vertex's triangles, as long as their areas, added."""

    @staticmethod
    def forward(ctx: Any, vertices: Tensor, faces: Tensor):
        second, third = vertices.new_empty(2, len(vertices), len(faces), 3)
        summed = torch.zeros_like(vertices, memory_format=torch.contiguous_format)
        given, sides, drawn = _indices(faces), (_vectors(second), _vectors(third)), _vectors(summed)
        points, heads = _vectors(vertices), range(len(vertices))
        in_threads(lambda k: _launch(TWO_SIDES, vertices, len(faces), points, *given, k, *sides), heads, faces.device)
        normals = _vectors(torch.linalg.cross(second, third))
        summing = lambda k: _launch(SUM_AT_CORNERS, vertices, (3, len(faces)), normals, *given, k, drawn)  # noqa: E731
        in_threads(summing, heads, faces.device)
        ctx.save_for_backward(vertices, faces)
        return summed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *wanted: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]
        vertices, faces = ctx.saved_tensors
        gradient = torch.zeros_like(vertices, memory_format=torch.contiguous_format)
        given, drawn = [_vectors(vertices), *_indices(faces), _vectors(wanted[0])], _vectors(gradient)

        def head(number: int) -> None:
            _launch(SUM_NORMALS_BACK, vertices, len(faces), *given, number, drawn)

        in_threads(head, range(len(vertices)), vertices.device)
        return gradient, None
