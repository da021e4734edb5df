# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an edit may reach, painted by the user: weights, vertex colours, or a picture."""

import bpy
import numpy as np
from numpy.typing import NDArray

from ..link.bundle import errors
from ..session.bake import bake
from ..session.png import encode
from . import material, mesh


def from_group(found: bpy.types.Object, size: int) -> bytes:
    """The active vertex group as a PNG (S, S); raises errors.UsageError where there is none."""
    group = found.vertex_groups.active
    if group is None:
        raise errors.UsageError(f"{found.name} has no vertex group", advice="paint weights, or choose another mask")
    weights = np.zeros(len(mesh.mesh_of(found).vertices), np.float32)
    for vertex in mesh.mesh_of(found).vertices:
        for one in vertex.groups:
            if one.group == group.index:
                weights[vertex.index] = one.weight
    return _baked(found, weights[mesh.corner_vertices(found)], size)


def from_paint(found: bpy.types.Object, size: int) -> bytes:
    """The brightness of the active colour attribute as a PNG (S, S); raises errors.UsageError where there is none."""
    data = mesh.mesh_of(found)
    colours = data.color_attributes.active_color
    if colours is None:
        raise errors.UsageError(
            f"{found.name} has no vertex paint",
            advice="paint white on black in Vertex Paint mode, or choose another mask",
        )
    values = np.empty(len(colours.data) * 4, np.float32)
    colours.data.foreach_get("color", values)
    grey = values.reshape(-1, 4)[:, :3].mean(axis=1)
    return _baked(found, grey[mesh.corner_vertices(found)] if colours.domain == "POINT" else grey, size)


def from_image(image: bpy.types.Image | None, size: int) -> bytes:
    """A picture's brightness as a PNG (S, S), nearest texels; raises errors.UsageError where there is none."""
    if image is None or not image.size[0]:
        raise errors.UsageError("no picture is chosen as the mask", advice="paint one in Texture Paint mode")
    grey = material.texels(image)[..., :3].mean(axis=2)
    rows = np.arange(size) * grey.shape[0] // size
    columns = np.arange(size) * grey.shape[1] // size
    return encode(np.rint(grey[rows][:, columns]).astype(np.uint8))


def _baked(found: bpy.types.Object, values: NDArray[np.float32], size: int) -> bytes:
    """Values (L,) at the corners of the mesh as a PNG in its UV map."""
    corners = mesh.polygon_corners(found)
    return encode(bake(mesh.corner_uvs(found)[corners], values[corners], size))
