# SPDX-License-Identifier: GPL-3.0-or-later
"""What is saved in the .blend: a head's session on its object, drafts on the scene."""

import bpy
from bpy.props import (
    CollectionProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

SEED_LIMIT = 2**31 - 1


class FACEWRIGHT_PG_step(bpy.types.PropertyGroup):
    """One face in a head's history; never changed once written. `name` is what was asked for."""

    uid: StringProperty()
    parent_uid: StringProperty()
    kind: StringProperty()
    prompt: StringProperty()
    instruction: StringProperty()
    seed: IntProperty()
    created_utc: StringProperty()
    document: StringProperty(description="The face's face.json")
    face: StringProperty(subtype="BYTE_STRING", description="The whole face folder, zipped")
    albedo: PointerProperty(type=bpy.types.Image)


class FACEWRIGHT_PG_session(bpy.types.PropertyGroup):
    """A head and the tree of steps that led to it; `uid` is empty on all other objects."""

    schema: IntProperty()
    uid: StringProperty()
    head: StringProperty()
    topology_id: StringProperty()
    active_uid: StringProperty(description="The step the mesh shows")
    shown: IntProperty(name="Step", description="The row chosen in the history", options={"SKIP_SAVE"})
    steps: CollectionProperty(type=FACEWRIGHT_PG_step)


class FACEWRIGHT_PG_scene(bpy.types.PropertyGroup):
    """What the user is about to ask for."""

    prompt: StringProperty(name="Prompt", description="What the face should look like, in words")
    instruction: StringProperty(name="Instruction", description="What should change about the face, in words")
    seed: IntProperty(name="Seed", description="The same words and seed give the same face", min=0, max=SEED_LIMIT)
    strength: FloatProperty(
        name="Strength", description="How much of the change is applied", default=1.0, min=0.0, max=2.0
    )


CLASSES = (FACEWRIGHT_PG_step, FACEWRIGHT_PG_session, FACEWRIGHT_PG_scene)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Object.facewright = PointerProperty(type=FACEWRIGHT_PG_session)
    bpy.types.Scene.facewright_ui = PointerProperty(type=FACEWRIGHT_PG_scene)


def unregister() -> None:
    del bpy.types.Scene.facewright_ui
    del bpy.types.Object.facewright
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
