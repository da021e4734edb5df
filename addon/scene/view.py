# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user looks at and has chosen; changed only where the user asked for a new object."""

import bpy


def make_active(context: bpy.types.Context, found: bpy.types.Object) -> None:
    """Selects the object alone, as Blender's own Add operators do."""
    for other in context.selected_objects:
        other.select_set(False)
    found.select_set(True)
    context.view_layer.objects.active = found


def frame(context: bpy.types.Context) -> None:
    """Shows the selected objects in the 3D view the user is in; without a window there is none."""
    area = context.area
    if area is None or area.type != "VIEW_3D":
        return
    region = next(region for region in area.regions if region.type == "WINDOW")
    with context.temp_override(area=area, region=region):
        bpy.ops.view3d.view_selected()


def redraw() -> None:
    """Asks for new sidebars."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
