# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's expression keys, named mixtures of them, and a small armature."""

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from ..link.bundle import errors
from ..scene import rig, steps
from ..session.speech import MOODS, NAMED, VISEMES, group_of, share_of
from . import submitting
from .base import Explaining, SubPanel, has_head

MOODS_A_ROW, VISEMES_A_ROW = 2, 5


def keys_of(found: bpy.types.Object) -> list[bpy.types.ShapeKey]:
    """The head's keys but the Basis."""
    keys = found.data.shape_keys if isinstance(found.data, bpy.types.Mesh) else None
    return list(keys.key_blocks)[1:] if keys else []


class OfKeys(Explaining):
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        found = steps.chosen_head(context)
        if found is None or not keys_of(found):
            cls.poll_message_set("Add or generate a head with expression keys")
            return False
        return True


class FACEWRIGHT_OT_expression(OfKeys, bpy.types.Operator):
    bl_idname = "facewright.expression"
    bl_label = "Set Expression"
    bl_description = "Set the expression keys to a named mixture; other keys go to rest, keys of your own stay"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", description='Such as "viseme aa" or "smile"; empty: rest')
    strength: FloatProperty(name="Strength", default=1.0, min=0.0, max=2.0)
    insert_keyframes: BoolProperty(name="Insert Keyframes", options={"SKIP_SAVE"})

    def act(self, context: bpy.types.Context) -> None:
        if self.name and self.name not in NAMED:
            raise errors.UsageError(f"no expression {self.name!r}", advice=f"there are {', '.join(NAMED)}")
        found, mixture = steps.require_head(context), NAMED.get(self.name, {})
        keyed = submitting.given(self, "insert_keyframes", context.scene.facewright_ui)
        rig.open_jaw(found, min(1.0, mixture.get("jawOpen", 0.0) * self.strength))  # where a bone drives that key
        for key in keys_of(found):
            if group_of(key.name) == "Other":
                continue
            key.value = min(key.slider_max, share_of(mixture, key.name) * self.strength)
            if keyed:
                key.keyframe_insert("value")


class FACEWRIGHT_OT_add_rig(Explaining, bpy.types.Operator):
    bl_idname = "facewright.add_rig"
    bl_label = "Add Armature"
    bl_description = "Bones for head, jaw and eyes; the eyes follow a point before the face, the jaw opens the mouth"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_head(cls, context)

    def act(self, context: bpy.types.Context) -> None:
        rig.add(context, steps.require_head(context))


class FACEWRIGHT_PT_expressions(SubPanel, bpy.types.Panel):
    bl_label = "Expressions"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        found = steps.chosen_head(context)
        return found is not None and bool(keys_of(found))

    def draw(self, context: bpy.types.Context) -> None:
        layout, found = self.layout, steps.require_head(context)
        layout.operator(FACEWRIGHT_OT_expression.bl_idname, text="Reset", icon="LOOP_BACK").name = ""
        layout.prop(context.scene.facewright_ui, "insert_keyframes")
        moods = layout.grid_flow(row_major=True, columns=MOODS_A_ROW, even_columns=True, align=True)
        for name in MOODS:
            moods.operator(FACEWRIGHT_OT_expression.bl_idname, text=name.capitalize()).name = name
        grid = layout.grid_flow(row_major=True, columns=VISEMES_A_ROW, even_columns=True, align=True)
        for name in VISEMES:
            button = grid.operator(FACEWRIGHT_OT_expression.bl_idname, text=name, translate=False)
            button.name = f"viseme {name}"
        layout.operator(FACEWRIGHT_OT_add_rig.bl_idname, icon="ARMATURE_DATA")
        groups: dict[str, list] = {}
        for key in keys_of(found):
            groups.setdefault(group_of(key.name), []).append(key)
        for group, members in groups.items():
            header, body = layout.panel(f"facewright_{group.lower()}_keys", default_closed=True)
            header.label(text=group)
            if body is not None:
                column = body.column(align=True)
                for key in members:
                    column.prop(key, "value", text=key.name, slider=True, translate=False)


CLASSES = (FACEWRIGHT_OT_expression, FACEWRIGHT_OT_add_rig, FACEWRIGHT_PT_expressions)
