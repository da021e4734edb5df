"""Maps besides the albedo: how rough the skin is, in Blender by the mesh, elsewhere as a picture."""

import sys

import bpy
import numpy as np
import pytest
from PIL import Image

from backend.provenance import from_png

from .conftest import PACKAGE
from .test_steps import import_face


def module(name):
    return sys.modules[f"{PACKAGE}.{name}"]


@pytest.fixture
def head(toy_head, faces):
    return import_face(faces[0])


def saved(path, **options):
    assert bpy.ops.facewright.save_texture(filepath=str(path), **options) == {"FINISHED"}
    with Image.open(path) as picture:
        return np.asarray(picture)


def roughness_of(found):
    values = np.empty(len(found.data.vertices), np.float32)
    found.data.attributes["roughness"].data.foreach_get("value", values)
    return values


def test_lips_shine_more_than_skin_and_the_skin_reads_it_from_the_mesh(head):
    gloss, rough = module("session.gloss"), roughness_of(head)
    lips = [head.vertex_groups["lips"].index in {one.group for one in vertex.groups} for vertex in head.data.vertices]
    assert rough[lips].min() < gloss.SKIN - 0.1
    assert rough.max() <= max(gloss.REGIONS.values())
    skin, eyes = (slot.material for slot in head.material_slots)
    assert module("scene.material").roughness_node(skin) is not None
    assert module("scene.material").constant_roughness(eyes) == pytest.approx(0.06)


def test_the_embedded_heads_lips_shine_most_and_its_scalp_least(extension):
    session, gloss = module("session.head"), module("session.gloss")
    anny = session.find_head("anny", module("scene.places").EMBEDDED)
    rough = gloss.skin_roughness(anny)
    weights = dict(zip(anny.region_names, anny.region_weights, strict=True))
    core = {name: rough[weights[name] > 0.95].mean() for name in ("lips", "nose", "forehead", "scalp")}
    assert list(core) == sorted(core, key=core.get)
    assert core["lips"] == pytest.approx(gloss.REGIONS["lips"], abs=0.05)


def test_the_map_has_the_meshs_values_and_every_materials(head, tmp_path):
    picture = saved(tmp_path / "rough.png", map="roughness")
    assert picture.shape == (512, 512)
    polygon = head.data.polygons[40]
    u, v = np.mean([head.data.uv_layers["UVMap"].uv[loop].vector for loop in polygon.loop_indices], axis=0)
    at = picture[int((1 - v) * 512), int(u * 512)] / 255
    eyes = head.material_slots[polygon.material_index].material.name.endswith("Eyes")
    wanted = 0.06 if eyes else roughness_of(head)[list(polygon.vertices)].mean()
    assert at == pytest.approx(wanted, abs=0.02)
    assert saved(tmp_path / "small.png", map="roughness", map_size="1024").shape == (1024, 1024)


def test_an_albedo_of_another_size_still_says_who_made_it(head, faces, tmp_path):
    saved(tmp_path / "as_it_is.png")
    assert (tmp_path / "as_it_is.png").read_bytes() == (faces[0] / "albedo.png").read_bytes()
    bpy.context.scene.facewright_ui.map_size = "512"
    picture = saved(tmp_path / "large.png")
    assert picture.shape == (512, 512, 3)
    with Image.open(faces[0] / "albedo.png") as small:
        assert abs(picture.mean() - np.asarray(small.convert("RGB")).mean()) < 4
    assert from_png((tmp_path / "large.png").read_bytes())["prompt"] == "an old sailor"


def test_an_exported_head_takes_its_roughness_along_as_a_picture(head, tmp_path):
    materials, images = len(bpy.data.materials), len(bpy.data.images)
    bpy.ops.facewright.export(filepath=str(tmp_path / "head"), preset="glb")
    assert (len(bpy.data.materials), len(bpy.data.images)) == (materials, images)
    wanted = np.sort(roughness_of(head))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "head.glb"))
    (skin,) = [one for one in bpy.data.materials if "Skin" in one.name]
    shader = next(node for node in skin.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    (link,) = shader.inputs["Roughness"].links
    (picture,) = [image for image in bpy.data.images if "rough" in image.name]
    green = module("scene.material").texels(picture)[..., 1] / 255
    assert link.from_node.type in ("SEPARATE_COLOR", "SEPRGB")
    assert green.min() == pytest.approx(min(wanted[0], 0.06), abs=0.02)


def test_a_head_of_an_earlier_version_says_that_it_has_no_roughness(head, tmp_path):
    head.data.attributes.remove(head.data.attributes["roughness"])
    with pytest.raises(RuntimeError, match="no roughness map"):
        bpy.ops.facewright.save_texture(filepath=str(tmp_path / "rough.png"), map="roughness")
    assert bpy.ops.facewright.export(filepath=str(tmp_path / "head"), preset="glb") == {"FINISHED"}
