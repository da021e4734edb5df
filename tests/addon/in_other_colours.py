"""Tests that `test_colours.py` runs in a Blender whose colour configuration knows no "sRGB"."""

import os
import sys

import bpy
import numpy as np
import pytest
from PIL import Image

from .conftest import PACKAGE
from .test_steps import import_face


def test_the_albedo_has_the_pngs_texels_and_the_curve_of_srgb(toy_head, faces):
    with pytest.raises(TypeError):
        bpy.data.images.new("any", 1, 1).colorspace_settings.name = "sRGB"
    image = import_face(faces[0]).facewright.steps[0].albedo
    assert image.colorspace_settings.name == os.environ["FACEWRIGHT_TEST_COLOURS"]
    assert not image.colorspace_settings.is_data
    with Image.open(faces[0] / "albedo.png") as picture:
        written = np.asarray(picture.convert("RGB"))
    texels = sys.modules[f"{PACKAGE}.scene.material"].texels(image)
    np.testing.assert_array_equal(texels[..., :3], written)


def test_a_reopened_file_has_the_same_colours(toy_head, faces, tmp_path):
    import_face(faces[0])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "head.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "head.blend"))
    (found,) = [one for one in bpy.data.objects if one.facewright.uid]
    assert found.facewright.steps[0].albedo.colorspace_settings.name == os.environ["FACEWRIGHT_TEST_COLOURS"]
    import_face(faces[1], as_step=True)
    assert [step.kind for step in found.facewright.steps] == ["generate", "edit"]
