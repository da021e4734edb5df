# SPDX-License-Identifier: GPL-3.0-or-later
"""Neck and shoulders for a head that is there already; what the user built on its mesh stays."""

import bmesh
import bpy
import numpy as np

from ..session import gloss
from ..session.head import Head, to_blender
from ..session.shoulders import Shoulders
from . import material, mesh

FOLLOWED = "head"  # the vertex group by which an armature of `rig` moves the head


def missing(found: bpy.types.Object, head: Head) -> bool:
    """Whether the head model has shoulders, and the object the head's own vertices and no more."""
    own = isinstance(found.data, bpy.types.Mesh) and len(found.data.vertices) == len(head.rest)
    return own and head.shoulders is not None


def add(found: bpy.types.Object, head: Head, shoulders: Shoulders) -> None:
    """Welds the shoulders to the mesh, at rest: writing the head's positions afterwards fits them to the face.

    Vertices, polygons, groups, attributes and shape keys that are there keep their numbers and values.
    """
    data = mesh.mesh_of(found)
    count = len(data.vertices)
    points = to_blender(shoulders.rest, head.metres_per_unit)
    whole = bmesh.new()
    try:
        whole.from_mesh(data)
        keys = whole.verts.layers.shape.values()
        rough = whole.verts.layers.float.get(material.ROUGHNESS)
        for point in points:
            vertex = whole.verts.new(point)
            for key in keys:
                vertex[key] = point
            if rough is not None:
                vertex[rough] = gloss.SKIN
        whole.verts.ensure_lookup_table()
        _weld(whole, shoulders, whole.loops.layers.uv[mesh.UV_MAP])
        whole.to_mesh(data)
    finally:
        whole.free()
    group = found.vertex_groups.get(FOLLOWED)
    if group is not None:
        group.add(np.arange(count, len(data.vertices)).tolist(), 1.0, "REPLACE")


def _weld(whole: bmesh.types.BMesh, shoulders: Shoulders, uv: bmesh.types.BMLayerItem) -> None:
    for corners, places in zip(shoulders.quads.tolist(), shoulders.uv_quads.tolist(), strict=True):
        face = whole.faces.new([whole.verts[index] for index in corners])
        face.smooth = True
        for loop, place in zip(face.loops, places, strict=True):
            loop[uv].uv = shoulders.uvs[place]
