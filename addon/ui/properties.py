# SPDX-License-Identifier: GPL-3.0-or-later
"""What is saved in the .blend: a head's session on its object, drafts on the scene."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

SEED_LIMIT = 2**31 - 1
SIZE_SAID = "Texels a side of the maps that are saved"
MAP_SIZES = (
    ("0", "As It Is", "As large as the map is"),
    *((str(size), f"{size} × {size}", "Scaled, and encoded anew") for size in (512, 1024, 2048, 4096)),
)


class FACEWRIGHT_PG_file(bpy.types.PropertyGroup):
    """The content of one or more files of faces; `name` is its sha256."""

    data: StringProperty(subtype="BYTE_STRING")
    size: IntProperty(description="Bytes")


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
    contents: StringProperty(description="The face's files as JSON: name to sha256")
    albedo: PointerProperty(type=bpy.types.Image)
    albedo_sha: StringProperty()
    starred: BoolProperty(name="Keep", description="Compact never removes this step")
    face: StringProperty(subtype="BYTE_STRING", description="Schema 1: the face folder as a zip; empty since")


class FACEWRIGHT_PG_session(bpy.types.PropertyGroup):
    """A head and the tree of steps that led to it; `uid` is empty on all other objects."""

    schema: IntProperty()
    uid: StringProperty()
    head: StringProperty()
    topology_id: StringProperty()
    active_uid: StringProperty(description="The step the mesh shows")
    shown: IntProperty(name="Step", description="The row chosen in the history", options={"SKIP_SAVE"})
    steps: CollectionProperty(type=FACEWRIGHT_PG_step)
    files: CollectionProperty(type=FACEWRIGHT_PG_file)


class FACEWRIGHT_PG_setting(bpy.types.PropertyGroup):
    """A setting of the preset that is taken otherwise; `name` is its "stage.field"."""

    value: StringProperty(name="Value", description="What this setting of the preset is taken as")


class FACEWRIGHT_PG_scene(bpy.types.PropertyGroup):
    """What the user is about to ask for."""

    prompt: StringProperty(name="Prompt", description="What the face should look like, in words")
    texture_prompt: StringProperty(
        name="Texture Words", description="Other words for the skin and its colours; empty takes the prompt"
    )
    make_shape: BoolProperty(name="Shape", description="Make the shape of the head from the words", default=True)
    make_texture: BoolProperty(name="Texture", description="Make the skin from the words", default=True)
    from_chosen: BoolProperty(
        name="From the Chosen Head", description="Start at the chosen head instead of the mean one"
    )
    candidates: IntProperty(
        name="Candidates",
        description="Faces to make, each with the next seed; they become steps of one head, to choose in the history",
        default=1,
        min=1,
        max=16,
    )
    negative: StringProperty(name="Keep Away From", description="Words the face is kept away from; empty: the usual")
    family: EnumProperty(
        name="Networks",
        description="Which networks make the face",
        items=(
            ("auto", "Best There Is", "The full networks where they are installed and fit the card, else the starter"),
            ("starter", "Starter", "Small networks that come with Facewright and know a closed vocabulary"),
            ("full", "Full", "Stable Diffusion, installed by the set-up"),
        ),
    )
    head: StringProperty(name="Head", description="The model that new heads are of", default="anny")
    preset: StringProperty(name="Preset", description="How faces are made and edited", default="recommended")
    settings: CollectionProperty(type=FACEWRIGHT_PG_setting)
    shoulders: BoolProperty(
        name="Neck and Shoulders", description="Give new heads neck and shoulders, which follow the head"
    )
    instruction: StringProperty(name="Instruction", description="What should change about the face, in words")
    seed: IntProperty(name="Seed", description="The same words and seed give the same face", min=0, max=SEED_LIMIT)
    strength: FloatProperty(
        name="Strength", description="How much of the change is applied", default=1.0, min=0.0, max=2.0
    )
    scope: EnumProperty(
        name="Changes",
        description="What an edit may change",
        items=(
            ("auto", "By the Words", "What the instruction names decides"),
            ("texture", "Texture", "Colours and paint only"),
            ("geometry", "Shape", "The shape only"),
            ("both", "Both", "Shape and texture"),
        ),
    )
    mask: EnumProperty(
        name="Mask",
        description="Where an edit may reach",
        items=(
            ("none", "By the Words", "The part of the face that the instruction or Region names"),
            ("group", "Vertex Group", "The head's active vertex group"),
            ("paint", "Vertex Paint", "Where the active colour attribute is bright"),
            ("image", "Picture", "Where a picture, painted in the head's UV square, is bright"),
        ),
    )
    mask_image: PointerProperty(name="Picture", type=bpy.types.Image)
    insert_keyframes: BoolProperty(
        name="Insert Keyframes", description="Moods and visemes also insert a keyframe of each expression key"
    )
    map_size: EnumProperty(name="Size", description=SIZE_SAID, items=MAP_SIZES)
    region: StringProperty(
        name="Region", description="The part of the face an edit is locked to; empty: what the words name"
    )


CLASSES = (
    FACEWRIGHT_PG_file,
    FACEWRIGHT_PG_step,
    FACEWRIGHT_PG_session,
    FACEWRIGHT_PG_setting,
    FACEWRIGHT_PG_scene,
)


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
