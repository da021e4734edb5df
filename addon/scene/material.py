# SPDX-License-Identifier: GPL-3.0-or-later
"""A head's materials and its packed pictures. Pictures are never changed: every step brings a new one."""

from dataclasses import dataclass, field

import bpy
import numpy as np
from numpy.typing import NDArray

from ..compat import node_tree
from ..session import gloss
from ..session.face import image_size
from ..session.head import Head

ROLE = "facewright_role"  # custom property of the nodes that are ours to update
ALBEDO = "albedo"
ROUGHNESS = "roughness"  # also what the mesh calls it, vertex by vertex
# What colour configurations call it: Blender's own, then those of ACES from its second version to its first.
SRGB_NAMES = ("sRGB", "sRGB Encoded Rec.709 (sRGB)", "sRGB - Texture", "Utility - sRGB - Texture")


@dataclass(frozen=True)
class Look:
    """A material: what it is called, the parts of a head that wear it (the first look: all others), its sockets.

    Lengths are in metres; colours, worn by a head without a texture, are linear.
    """

    name: str
    parts: tuple[str, ...]
    sockets: dict[str, object] = field(default_factory=dict)


LOOKS = (
    Look(
        "Skin",
        (),
        {
            "Base Color": (0.6, 0.38, 0.29, 1.0),
            "Roughness": gloss.SKIN,
            # light goes deepest where it is red: Principled's default radii, at the size of a head
            "Subsurface Weight": 0.1,
            "Subsurface Radius": (1.0, 0.2, 0.1),
            "Subsurface Scale": 0.005,
        },
    ),
    # wet: the cornea's index of refraction, nearly smooth
    Look(
        "Eyes",
        ("left_eye", "right_eye", "left_iris", "right_iris"),
        {"Base Color": (0.75, 0.72, 0.68, 1.0), "Roughness": 0.06, "IOR": 1.376, "Coat Weight": 0.5},
    ),
    Look(
        "Mouth",
        ("mouth", "gums", "tongue", "upper_teeth", "lower_teeth"),
        {"Base Color": (0.5, 0.2, 0.17, 1.0), "Roughness": 0.2, "Subsurface Weight": 0.05, "Subsurface Scale": 0.003},
    ),
)


def new_image(name: str, png: bytes, *, data: bool = False) -> bpy.types.Image:
    """A packed picture of the PNG's own bytes; packed, because only so undo and saving keep it.

    Args:
        data: its values are no colours; else they are sRGB.
    """
    width, height = image_size(png)
    image = bpy.data.images.new(name, width, height)
    image.pack(data=png, data_len=len(png))
    image.source = "FILE"
    image.alpha_mode = "NONE"
    if data:
        image.colorspace_settings.is_data = True
    else:
        _declare_srgb(image)
    return image


def _declare_srgb(image: bpy.types.Image) -> None:
    """Names the picture's colour space; where a configuration knows none of the names, its own for 8 bits stays."""
    for name in SRGB_NAMES:
        try:
            image.colorspace_settings.name = name
        except TypeError:
            continue
        return


def texels(image: bpy.types.Image) -> NDArray[np.uint8]:
    """(H, W, 4) an 8-bit picture's own values, row 0 on top."""
    width, height = image.size
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    return np.rint(values.reshape(height, width, 4)[::-1] * 255).astype(np.uint8)


def mask_of(png: bytes) -> NDArray[np.uint8]:
    """(H, W) a grey PNG's values, row 0 on top."""
    return read_png(png)[..., 0]


def read_png(png: bytes) -> NDArray[np.uint8]:
    """(H, W, 4) an 8-bit PNG's values, row 0 on top."""
    image = new_image("facewright_reading", png)
    try:
        return texels(image)
    finally:
        bpy.data.images.remove(image)


def dress(mesh: bpy.types.Mesh, head: Head) -> None:
    """Gives a new head its materials, polygon by polygon, and its roughness; `show` puts the picture in."""
    parts = np.concatenate([head.quad_parts, head.lone_parts])
    worn = np.zeros(len(parts), np.int32)
    for look in LOOKS:
        chosen = [head.part_names.index(part) for part in look.parts if part in head.part_names]
        mask = np.isin(parts, chosen)
        if look.parts and not mask.any():
            continue
        worn[mask] = len(mesh.materials)
        mesh.materials.append(_new_material(f"{mesh.name} {look.name}", look))
    mesh.polygons.foreach_set("material_index", worn)
    rough = mesh.attributes.new(ROUGHNESS, "FLOAT", "POINT")
    rough.data.foreach_set("value", gloss.skin_roughness(head))


def show(found: bpy.types.Object, image: bpy.types.Image) -> None:
    """Puts the picture into every texture node of ours on the object; whatever the user rewired stays."""
    for node in texture_nodes(found):
        node.image = image


def texture_nodes(found: bpy.types.Object) -> list[bpy.types.ShaderNodeTexImage]:
    """The nodes that show the albedo: those with our role, wherever the user has put them."""
    return [
        node
        for slot in found.material_slots
        if slot.material is not None and slot.material.node_tree is not None
        for node in slot.material.node_tree.nodes
        if node.bl_idname == "ShaderNodeTexImage" and node.get(ROLE) == ALBEDO
    ]


def shown_image(found: bpy.types.Object) -> bpy.types.Image | None:
    """The picture the head wears now."""
    return next((node.image for node in texture_nodes(found)), None)


def _new_material(name: str, look: Look) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    tree = node_tree(material)
    shader = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    for socket, value in look.sockets.items():
        shader.inputs[socket].default_value = value
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.label = "Albedo"
    texture[ROLE] = ALBEDO
    texture.location = (shader.location.x - 320.0, shader.location.y)
    if not look.parts:  # the skin
        rough = tree.nodes.new("ShaderNodeAttribute")
        rough.attribute_name = rough[ROLE] = ROUGHNESS
        rough.label = "Roughness"
        rough.location = (shader.location.x - 320.0, shader.location.y - 320.0)
        tree.links.new(_factor(rough), shader.inputs["Roughness"])
    return material


def _factor(attribute: bpy.types.ShaderNodeAttribute) -> bpy.types.NodeSocket:
    """The output that is called Fac or, from Blender 5 on, Factor."""
    return next(output for output in attribute.outputs if output.identifier == "Fac")


def roughness_node(material: bpy.types.Material) -> bpy.types.Node | None:
    """The node of ours that reads the mesh's roughness, where it is used."""
    for node in material.node_tree.nodes if material.node_tree else ():
        if node.bl_idname == "ShaderNodeAttribute" and node.get(ROLE) == ROUGHNESS and _factor(node).links:
            return node
    return None


def constant_roughness(material: bpy.types.Material | None) -> float | None:
    """The one roughness of a material; None where the mesh or something of the user's decides."""
    for node in material.node_tree.nodes if material and material.node_tree else ():
        if node.bl_idname == "ShaderNodeBsdfPrincipled" and not node.inputs["Roughness"].links:
            return node.inputs["Roughness"].default_value
    return None


def picture_roughness(material: bpy.types.Material, image: bpy.types.Image) -> None:
    """Lets a picture say what the mesh said; the material must have `roughness_node`."""
    tree, node = material.node_tree, roughness_node(material)
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.image = image
    for socket in [link.to_socket for link in _factor(node).links]:
        tree.links.new(picture.outputs["Color"], socket)


def connect(found: bpy.types.Object) -> None:
    """Lets the texture colour the head: with its first face, until which the plain colours show."""
    for slot in found.material_slots:
        tree = slot.material.node_tree if slot.material else None
        for node in tree.nodes if tree else ():
            if node.bl_idname == "ShaderNodeTexImage" and node.get(ROLE) == ALBEDO and not node.outputs[0].links:
                shader = next((one for one in tree.nodes if one.bl_idname == "ShaderNodeBsdfPrincipled"), None)
                if shader is not None and not shader.inputs["Base Color"].links:
                    tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
