# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between Blender 4.2 and 5.2, each by the name of what it is."""

import bpy

# From 5.0 on registered properties lie apart from custom ones; files of 4.x keep a stale copy among those.
PROPERTIES_APART = bpy.app.version >= (5, 0, 0)
EEVEE = "BLENDER_EEVEE" if bpy.app.version >= (5, 0, 0) else "BLENDER_EEVEE_NEXT"
# How `wm.usd_export` is told to write textures beside the file.
USD_TEXTURES = (("export_textures_mode", "NEW"),) if bpy.app.version >= (4, 4, 0) else (("export_textures", True),)


def node_tree(material: bpy.types.Material) -> bpy.types.NodeTree:
    """The material's nodes, made where there are none; from 5.0 on they are there, and asking for them warns."""
    if material.node_tree is None:
        material.use_nodes = True
    assert material.node_tree is not None
    return material.node_tree
