# SPDX-License-Identifier: GPL-3.0-or-later
"""A head's material and its packed pictures. Pictures are never changed: every step brings a new one."""

import bpy

from ..session.face import image_size

ROLE = "facewright_role"  # custom property of the nodes that are ours to update
ALBEDO = "albedo"
# Skin, in metres: light of each colour goes this deep (Principled's defaults times a scale for a head).
SUBSURFACE_RADIUS = (1.0, 0.2, 0.1)
SUBSURFACE_SCALE = 0.005
SUBSURFACE_WEIGHT = 0.1
ROUGHNESS = 0.5
SKIN = (0.6, 0.38, 0.29, 1.0)  # linear; what a head without a texture shows


def new_image(name: str, png: bytes) -> bpy.types.Image:
    """A packed sRGB picture of the PNG's own bytes; packed, because only so undo and saving keep it."""
    width, height = image_size(png)
    image = bpy.data.images.new(name, width, height)
    image.pack(data=png, data_len=len(png))
    image.source = "FILE"
    image.alpha_mode = "NONE"
    try:
        image.colorspace_settings.name = "sRGB"
    except TypeError:  # a studio's colour configuration without that name: Blender's guess for 8 bit stays
        return image
    return image


def new_material(name: str) -> bpy.types.Material:
    """Skin that scatters a little light; `show` puts the picture in."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # Blender 4; in 5 the tree is there, and asking for it warns
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(node for node in nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    values = {
        "Base Color": SKIN,
        "Roughness": ROUGHNESS,
        "Subsurface Weight": SUBSURFACE_WEIGHT,
        "Subsurface Radius": SUBSURFACE_RADIUS,
        "Subsurface Scale": SUBSURFACE_SCALE,
    }
    for socket, value in values.items():
        shader.inputs[socket].default_value = value
    texture = nodes.new("ShaderNodeTexImage")
    texture.label = "Albedo"
    texture[ROLE] = ALBEDO
    texture.location = (shader.location.x - 320.0, shader.location.y)
    links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    return material


def show(found: bpy.types.Object, image: bpy.types.Image) -> None:
    """Puts the picture into every texture node of ours on the object; whatever the user rewired stays."""
    for slot in found.material_slots:
        tree = slot.material.node_tree if slot.material else None
        for node in tree.nodes if tree else ():
            if node.bl_idname == "ShaderNodeTexImage" and node.get(ROLE) == ALBEDO:
                node.image = image
