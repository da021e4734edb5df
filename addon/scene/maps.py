# SPDX-License-Identifier: GPL-3.0-or-later
"""A head's maps as pictures: the albedo of its step, and its roughness, which Blender reads from the mesh itself."""

import bpy
import numpy as np
from numpy.typing import NDArray

from ..link.bundle import errors, provenance
from ..session.face import image_size
from ..session.gloss import roughness_map
from ..session.png import encode
from . import material, mesh, steps

ALBEDO, ROUGHNESS = material.ALBEDO, material.ROUGHNESS


def has_roughness(found: bpy.types.Object) -> bool:
    """Whether the mesh says how rough the skin is; heads of earlier versions do not."""
    return isinstance(found.data, bpy.types.Mesh) and ROUGHNESS in found.data.attributes


def roughness(found: bpy.types.Object) -> NDArray[np.uint8]:
    """(S, S) grey, as rough as each material shows it: the skin's by the mesh, the others' one value each.

    Raises:
        errors.UsageError: the UV map is gone.
    """
    data, corners = mesh.mesh_of(found), mesh.polygon_corners(found)
    values = np.empty(len(data.vertices), np.float32)
    data.attributes[ROUGHNESS].data.foreach_get("value", values)
    worn = np.empty(len(data.polygons), np.int32)
    data.polygons.foreach_get("material_index", worn)
    rough = values[mesh.corner_vertices(found)[corners]]
    for index, slot in enumerate(found.material_slots):
        constant = material.constant_roughness(slot.material)
        if constant is not None:
            rough[worn == index] = constant
    return roughness_map(mesh.corner_uvs(found)[corners], rough)


def picture(found: bpy.types.Object, name: str, size: int = 0) -> bytes:
    """A map of the face the head shows, as a PNG of (size, size); 0: as large as it is, the albedo byte for byte.

    Raises:
        errors.BackendError: the step is damaged, or the mesh has no UV map.
        errors.UsageError: there is no such map.
    """
    if name == ROUGHNESS:
        if not has_roughness(found):
            raise errors.UsageError(f"{found.name} has no roughness map", advice="heads added from now on have one")
        grey = encode(roughness(found))
        return encode(_scaled(grey, size)[..., 0]) if size else grey
    face = steps.active_face(found)
    if size in (0, image_size(face.albedo)[0]):
        return face.albedo
    return provenance.into_png(encode(_scaled(face.albedo, size)[..., :3]), provenance.of_texture(face.document))


def _scaled(png: bytes, size: int) -> NDArray[np.uint8]:
    """(size, size, 4) a PNG's values, as Blender scales them."""
    image = material.new_image("facewright_scaling", png)
    try:
        image.scale(size, size)
        return np.ascontiguousarray(material.texels(image))
    finally:
        bpy.data.images.remove(image)


def wire_roughness(copy: bpy.types.Object) -> list[bpy.types.ID]:
    """Gives an exported copy its roughness as a picture, for other programs read no attribute. Returns what is new."""
    if not has_roughness(copy):
        return []
    made: list[bpy.types.ID] = []
    for slot in copy.material_slots:
        if slot.material is None or material.roughness_node(slot.material) is None:
            continue
        if not made:
            made.append(material.new_image(f"{copy.name}_roughness", encode(roughness(copy)), data=True))
        slot.material = slot.material.copy()
        made.append(slot.material)
        material.picture_roughness(slot.material, made[0])
    return made
