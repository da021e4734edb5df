# SPDX-License-Identifier: GPL-3.0-or-later
"""A head in other programs' files, and in a .blend of its own: always of a copy, never of the user's object."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..compat import USD_TEXTURES
from ..link.bundle import errors, files, provenance
from . import maps, material, mesh, studio
from .steps import ORIGIN

PNG_SUFFIX = "_albedo.png"
PROBE_BYTES = 4096


@dataclass(frozen=True)
class Preset:
    """How a kind of file is written: Blender's own exporter and its options."""

    title: str
    suffix: str
    operator: str = ""
    options: tuple[tuple[str, Any], ...] = ()


_FBX = (
    ("use_selection", False),
    ("object_types", {"MESH", "ARMATURE"}),
    ("mesh_smooth_type", "FACE"),
    ("add_leaf_bones", False),
    ("bake_anim", False),
    ("path_mode", "COPY"),
    ("embed_textures", True),
    ("use_mesh_modifiers", False),  # applying them would drop the shape keys
    ("use_custom_props", True),  # among them where the head comes from
)
PRESETS = {
    "glb": Preset(
        "glTF (.glb)",
        ".glb",
        "export_scene.gltf",
        (
            ("export_format", "GLB"),
            ("use_active_scene", True),
            ("export_morph", True),
            ("export_morph_normal", False),
            ("export_apply", False),
            ("export_extras", True),
        ),
    ),
    # Unreal and Unity read centimetres and metres; both turn the axes of an FBX that states them.
    "fbx_unreal": Preset(
        "FBX for Unreal", ".fbx", "export_scene.fbx", (*_FBX, ("apply_scale_options", "FBX_SCALE_NONE"))
    ),
    "fbx_unity": Preset(
        "FBX for Unity",
        ".fbx",
        "export_scene.fbx",
        (*_FBX, ("apply_scale_options", "FBX_SCALE_ALL"), ("bake_space_transform", True)),
    ),
    "usd": Preset(
        "USD (.usdc)",
        ".usdc",
        "wm.usd_export",
        (*USD_TEXTURES, ("export_shapekeys", True), ("generate_preview_surface", True)),
    ),
    "obj": Preset(
        "OBJ (.obj, .mtl, .png)", ".obj", "wm.obj_export", (("path_mode", "STRIP"), ("export_triangulated_mesh", False))
    ),
    "blend": Preset("Blender (.blend)", ".blend"),
}


def write(found: bpy.types.Object, path: Path, preset: Preset) -> Path:
    """Writes the head, at the world's origin, into a file of the preset's kind; returns the path with its suffix.

    The armature of `rig` comes along; other modifiers stay behind, for they would cost the expression keys.

    What is there of that name stays as it is until the new files are whole.

    Raises:
        errors.FolderUnwritable, errors.DiskFull: it cannot be written there.
        errors.BlenderFailed: Blender's exporter did not; its words are in the message.
    """
    path = path.with_suffix(preset.suffix)
    options = dict(preset.options)
    if preset.suffix == ".glb":
        options["export_copyright"] = _notice(found)
    with _in_place_of(path) as partial, _stage(found) as copy:
        made = _texture_beside(copy, partial) if preset.suffix == ".obj" else maps.wire_roughness(copy)
        module, name = preset.operator.split(".")
        try:
            getattr(getattr(bpy.ops, module), name)(filepath=str(partial), **options)
        except (RuntimeError, AttributeError, TypeError) as error:
            _probe(partial.parent)
            raise errors.BlenderFailed(
                f"{path.name} was not written: {error}", advice="switch the importer/exporter add-on of that kind on"
            ) from None
        finally:
            bpy.data.batch_remove(made)
    return path


def write_blend(found: bpy.types.Object, path: Path, *, history: bool, asset: bool, with_studio: bool) -> Path:
    """Writes a .blend of the head alone, with packed textures and expression keys.

    Args:
        history: keep the steps, so that editing can go on there.
        asset: mark it for the asset browser.
        with_studio: camera, lights and turntable too.

    Raises:
        errors.FolderUnwritable, errors.DiskFull: it cannot be written there.
        errors.BlenderFailed: Blender did not write it; its words are in the message.
    """
    path = path.with_suffix(".blend")
    with _in_place_of(path) as partial, _stage(found) as copy:
        if history:
            _keep_history(found, copy)
        made = studio.add(copy.users_scene[0].collection, copy.users_scene[0], copy, 0.0, True) if with_studio else []
        if asset:
            mark(copy, found)
        try:
            bpy.data.libraries.write(str(partial), {copy.users_scene[0]}, fake_user=True, compress=True)
        except (OSError, RuntimeError) as error:
            _probe(partial.parent)
            raise errors.BlenderFailed(
                f"{path.name} was not written: {error}", advice="choose another folder"
            ) from None
        finally:
            bpy.data.batch_remove([*made, *(one.data for one in made if one.data)])
    return path


@contextmanager
def _in_place_of(path: Path) -> Iterator[Path]:
    """Where to write a file and what belongs beside it, so that they take the place of what is there once whole.

    Raises:
        errors.FolderUnwritable, errors.DiskFull: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise files.refusal(path, error) from None
    try:
        yield folder / path.name
        _probe(folder)
        for made in [one for one in folder.rglob("*") if one.is_file()]:
            target = path.parent / made.relative_to(folder)
            target.parent.mkdir(exist_ok=True)
            made.replace(target)
    except OSError as error:
        raise files.refusal(path, error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _probe(folder: Path) -> None:
    """Raises OSError where the disk takes no more: Blender's exporters of C++ tell of no file that was cut off."""
    files.write_through(folder / "probe", bytes(PROBE_BYTES))
    (folder / "probe").unlink()


def mark(copy: bpy.types.Object, found: bpy.types.Object) -> None:
    """Makes an object an asset: described by its instruction, tagged with its model and licences."""
    copy.asset_mark()
    steps = found.facewright.steps
    step = next((one for one in steps if one.uid == found.facewright.active_uid), None)
    copy.asset_data.description = step.name if step else found.name
    copy.asset_data.license = _notice(found)
    copy.asset_data.tags.new("facewright", skip_if_exists=True)
    copy.asset_data.tags.new(found.facewright.head or "head", skip_if_exists=True)
    image = material.shown_image(found)
    if image is not None and image.has_data:
        _thumbnail(copy, image)


def _notice(found: bpy.types.Object) -> str:
    """The licences of what the head was made with, in a line; unknown for heads of earlier versions."""
    return provenance.notice(json.loads(found.get(ORIGIN, "{}")))


def _thumbnail(copy: bpy.types.Object, image: bpy.types.Image) -> None:
    size = 128
    picture = material.texels(image)[:: max(1, image.size[1] // size), :: max(1, image.size[0] // size)][:size, :size]
    preview = copy.preview_ensure()
    preview.image_size = picture.shape[1], picture.shape[0]
    preview.image_pixels_float.foreach_set((picture[::-1] / 255.0).ravel())


@contextmanager
def _stage(found: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """A scene with nothing but a copy of the head at the origin; gone afterwards, the user's scene as it was."""
    window = bpy.context.window
    kept = window.scene
    scene = bpy.data.scenes.new("Facewright Export")
    copy = _plain_copy(found)
    made: list[bpy.types.ID] = [copy, copy.data]
    scene.collection.objects.link(copy)
    for modifier in copy.modifiers:
        if modifier.type == "ARMATURE" and modifier.object is not None:
            rig = modifier.object.copy()
            rig.matrix_world.identity()
            scene.collection.objects.link(rig)
            modifier.object = rig
            made.append(rig)
    window.scene = scene
    names = found.name, found.data.name
    if found.library is None:  # the copy bears the head's own names in the file
        found.name, found.data.name = f"{names[0]} (head)", f"{names[1]} (head)"
    copy.name, copy.data.name = names
    try:
        yield copy
    finally:
        window.scene = kept
        copy.name = copy.data.name = "Facewright Export"
        if found.library is None:
            found.name, found.data.name = names
        bpy.data.scenes.remove(scene)
        bpy.data.batch_remove(made)


def _plain_copy(found: bpy.types.Object) -> bpy.types.Object:
    """The head without its history, its transform and the user's modifiers."""
    copy = bpy.data.objects.new(found.name, mesh.mesh_of(found).copy())
    copy.matrix_world.identity()
    if ORIGIN in found:
        copy[ORIGIN] = found[ORIGIN]
    for group in found.vertex_groups:
        copy.vertex_groups.new(name=group.name)  # the weights lie in the mesh
    for modifier in found.modifiers:
        if modifier.type == "ARMATURE":
            copy.modifiers.new(modifier.name, "ARMATURE").object = modifier.object
    return copy


def _keep_history(found: bpy.types.Object, copy: bpy.types.Object) -> None:
    source, target = found.facewright, copy.facewright
    for name in ("schema", "uid", "head", "topology_id", "active_uid"):
        setattr(target, name, getattr(source, name))
    for kind in ("files", "steps"):
        for one in getattr(source, kind):
            other = getattr(target, kind).add()
            for name in one.bl_rna.properties.keys():  # noqa: SIM118 - a collection of Blender's is no dict
                if not one.bl_rna.properties[name].is_readonly:
                    setattr(other, name, getattr(one, name))


def _texture_beside(copy: bpy.types.Object, path: Path) -> list[bpy.types.ID]:
    """OBJ names its texture by file: writes the picture's own bytes beside it. Returns what was made for that.

    Raises:
        OSError: it cannot be written.
    """
    image = material.shown_image(copy)
    if image is None or image.packed_file is None:
        return []
    beside = path.with_name(path.stem + PNG_SUFFIX)
    beside.write_bytes(bytes(image.packed_file.data))
    named = image.copy()
    named.filepath = str(beside)
    made: list[bpy.types.ID] = [named]
    for slot in copy.material_slots:
        if slot.material is not None:
            slot.material = slot.material.copy()
            made.append(slot.material)
    material.show(copy, named)
    return made
