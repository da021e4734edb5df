# SPDX-License-Identifier: GPL-3.0-or-later
"""A head's mesh: made once, afterwards only moved, so that what the user built on it stays."""

import bpy
import numpy as np
from numpy.typing import NDArray

from ..link.bundle import errors
from ..session.face import Face
from ..session.head import Head, to_blender, to_head
from ..session.shoulders import Shoulders
from . import material

BASIS = "Basis"
UV_MAP = "UVMap"
CARRIED_M = 1e-6  # metres; float32 at the size of a head rounds to 3e-8
_WEIGHT_STEPS = 100  # vertex groups take one call a distinct weight: hundredths are fine enough


def new_head(head: Head, name: str, *, shoulders: bool = False) -> bpy.types.Object:
    """The head at rest, with UV map, expression shape keys and region groups; in no collection yet.

    Args:
        shoulders: with neck and shoulders, if the head has them; they follow it from then on.
    """
    head = head.with_shoulders() if shoulders else head
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(to_blender(head.rest, head.metres_per_unit), [], head.quads.tolist() + head.lone.tolist())
    mesh.shade_smooth()
    corners = head.uvs[np.concatenate([head.uv_quads.ravel(), head.uv_lone.ravel()])].reshape(-1)
    mesh.uv_layers.new(name=UV_MAP).uv.foreach_set("vector", np.ascontiguousarray(corners, np.float32))
    material.dress(mesh, head)
    mesh.update()
    found = bpy.data.objects.new(name, mesh)
    found.shape_key_add(name=BASIS, from_mix=False)
    for expression in head.expression_names:
        key = found.shape_key_add(name=expression, from_mix=False)
        key.value = 0.0  # Blender 5 starts at 1
    write_positions(found, head, head.rest, head.expressions)
    for region, weights in zip(head.region_names, head.region_weights, strict=True):
        _write_group(found, region, weights)
    return found


def write_positions(
    found: bpy.types.Object, head: Head, vertices: NDArray[np.float32], expressions: NDArray[np.float32]
) -> None:
    """Moves the mesh, its Basis and the head's expression keys to a face in head units.

    Shape keys of the user's own move along with the Basis; keys the user deleted stay deleted.

    Raises:
        errors.TopologyChanged: vertices were added or removed.
        errors.LinkedData: the mesh lies in another file.
    """
    mesh = mesh_of(found)
    if mesh.library is not None or found.library is not None:
        raise errors.LinkedData(
            f"{found.name} is linked from another file", advice="open that file, or make the head local"
        )
    if (added := _shoulders_of(mesh, head, len(vertices))) is not None:
        vertices, expressions = added.worn(head.rest, vertices, expressions)
    if len(mesh.vertices) != len(vertices):
        raise errors.TopologyChanged(
            f"{found.name} has {len(mesh.vertices)} vertices, the head has {len(vertices)}",
            advice="undo what added or removed vertices, or import the face as a new head",
        )
    basis = to_blender(vertices, head.metres_per_unit)
    targets = dict(zip(head.expression_names, to_blender(vertices + expressions, head.metres_per_unit), strict=True))
    keys = mesh.shape_keys.key_blocks if mesh.shape_keys else ()
    moved = basis - _points(keys[0], len(basis)) if keys else basis
    for index, key in enumerate(keys):
        if index == 0:
            target = basis
        elif key.name in targets:
            target = targets[key.name]
        else:
            target = _points(key, len(basis)) + moved
        key.points.foreach_set("co", target.reshape(-1))
    mesh.attributes["position"].data.foreach_set("vector", basis.reshape(-1))
    mesh.update()


def at_rest(found: bpy.types.Object, head: Head) -> bool:
    """Whether the mesh is the mean head's still, with or without shoulders: no hand has moved it."""
    mesh = mesh_of(found)
    own = len(head.rest)
    if len(mesh.vertices) != own and _shoulders_of(mesh, head, own) is None:
        return False
    keys = mesh.shape_keys.key_blocks if mesh.shape_keys else ()
    points = _points(keys[0], len(mesh.vertices)) if keys else _positions(mesh)
    return np.array_equal(points[:own], to_blender(head.rest, head.metres_per_unit))


def sculpted(found: bpy.types.Object, head: Head, face: Face) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Vertices and expressions, in head units, where hands have moved them away from the face; None where not.

    What was not moved keeps its bits. Blender carries a sculpted Basis on to the other keys or not, by the tool:
    an expression counts as sculpted only where it differs from the face's both ways.
    """
    mesh = mesh_of(found)
    count, keys = len(mesh.vertices), mesh.shape_keys.key_blocks if mesh.shape_keys else ()
    own = len(face.vertices)
    if count != own and _shoulders_of(mesh, head, own) is None:
        return None  # what comes next refuses such a mesh by name
    before = to_blender(face.vertices, head.metres_per_unit)
    basis = (_points(keys[0], count) if keys else _positions(mesh))[:own]
    vertices, expressions = face.vertices.copy(), face.expressions.copy()
    moved = np.any(basis != before, axis=1)
    vertices[moved] = to_head(basis[moved], head.metres_per_unit)
    for index, name in enumerate(head.expression_names):
        key = keys.get(name) if keys else None
        if key is None:
            continue
        points = _points(key, count)[:own]
        written = to_blender(face.vertices + face.expressions[index], head.metres_per_unit)
        carried = np.abs((points - basis) - (written - before)).max(axis=1) < CARRIED_M
        shaped = np.any(points != written, axis=1) & ~carried
        expressions[index][shaped] = to_head(points[shaped] - basis[shaped], head.metres_per_unit)
        moved |= shaped
    return (vertices, expressions) if moved.any() else None


def _shoulders_of(mesh: bpy.types.Mesh, head: Head, count: int) -> Shoulders | None:
    """What the mesh has below a head of `count` vertices; told by how many more it has."""
    added = head.shoulders
    return added if added is not None and len(mesh.vertices) == count + len(added.rest) else None


def mesh_of(found: bpy.types.Object) -> bpy.types.Mesh:
    """The object's mesh.

    Raises:
        errors.TopologyChanged: it is something else by now.
    """
    if not isinstance(found.data, bpy.types.Mesh):
        raise errors.TopologyChanged(
            f"{found.name} is no mesh any more",
            advice="undo the conversion, or import the face as a new head",
        )
    return found.data


def corner_vertices(found: bpy.types.Object) -> NDArray[np.int32]:
    """(L,) the vertex of each of the mesh's corners."""
    data = mesh_of(found)
    values = np.empty(len(data.loops), np.int32)
    data.loops.foreach_get("vertex_index", values)
    return values


def corner_uvs(found: bpy.types.Object) -> NDArray[np.float32]:
    """(L, 2) where each corner is in the head's UV map; raises errors.UsageError where that is gone."""
    data = mesh_of(found)
    uvs = np.empty(len(data.loops) * 2, np.float32)
    layer = data.uv_layers.get(UV_MAP) or data.uv_layers.active
    if layer is None:
        raise errors.UsageError(f"{found.name} has no UV map", advice="undo what removed it")
    layer.uv.foreach_get("vector", uvs)
    return uvs.reshape(-1, 2)


def polygon_corners(found: bpy.types.Object) -> NDArray[np.int32]:
    """(P, 4) the corners of each polygon; a triangle repeats its last."""
    data = mesh_of(found)
    starts, totals = np.empty(len(data.polygons), np.int32), np.empty(len(data.polygons), np.int32)
    data.polygons.foreach_get("loop_start", starts)
    data.polygons.foreach_get("loop_total", totals)
    return starts[:, None] + np.minimum(np.arange(4), totals[:, None] - 1)


def _positions(mesh: bpy.types.Mesh) -> NDArray[np.float32]:
    values = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.attributes["position"].data.foreach_get("vector", values)
    return values.reshape(-1, 3)


def _points(key: bpy.types.ShapeKey, count: int) -> NDArray[np.float32]:
    points = np.empty(count * 3, np.float32)
    key.points.foreach_get("co", points)
    return points.reshape(count, 3)


def _write_group(found: bpy.types.Object, name: str, weights: NDArray[np.float32]) -> None:
    group = found.vertex_groups.new(name=name)
    steps = np.rint(weights * _WEIGHT_STEPS).astype(int)
    for step in np.unique(steps[steps > 0]):
        group.add(np.flatnonzero(steps == step).tolist(), float(step) / _WEIGHT_STEPS, "REPLACE")
