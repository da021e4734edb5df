"""Studios bring colour configurations of their own, in which nothing need be called sRGB."""

import os
import subprocess
import sys

import pytest

from .conftest import ROOT

CURVE = "from_scene_reference: !<ExponentWithLinearTransform> {gamma: 2.4, offset: 0.055, direction: inverse}"
CONFIG = """ocio_profile_version: 2
strictparsing: false
roles: {{scene_linear: studio_linear, data: studio_data, default: studio_linear, default_byte: {bytes},
  default_float: studio_linear, color_picking: studio_picture, cie_xyz_d65_interchange: studio_xyz}}
displays:
  studio_display:
    - !<View> {{name: Plain, colorspace: studio_picture}}
colorspaces:
  - !<ColorSpace> {{name: studio_linear, isdata: false}}
  - !<ColorSpace>
    name: studio_xyz
    from_scene_reference: !<MatrixTransform> {{matrix: [0.4124, 0.3576, 0.1805, 0, 0.2126, 0.7152, 0.0722, 0, 0.0193,
      0.1192, 0.9505, 0, 0, 0, 0, 1]}}
  - !<ColorSpace>
    name: studio_picture
    {curve}
  - !<ColorSpace>
    name: sRGB - Texture
    {curve}
  - !<ColorSpace> {{name: studio_data, isdata: true}}
"""
PAINTED = (
    "tests/addon/test_history.py::test_what_was_painted_on_a_steps_picture_becomes_a_step_and_the_picture_comes_back"
)
EXPORTED = "tests/addon/test_export.py::test_the_glb_holds_the_pictures_own_bytes_and_the_head_stays_quads_elsewhere"


@pytest.mark.parametrize(
    ("config", "wanted", "more"),
    [
        (CONFIG.format(bytes="studio_linear", curve=CURVE), "sRGB - Texture", [PAINTED, EXPORTED]),
        (CONFIG.format(bytes="studio_picture", curve=CURVE).replace("sRGB - T", "studio_t"), "studio_picture", []),
    ],
)
def test_faces_keep_their_colours_where_no_colour_space_is_called_srgb(config, wanted, more, tmp_path):
    path = tmp_path / "config.ocio"
    path.write_text(config, encoding="utf-8")
    named = {"OCIO": str(path), "BLENDER_OCIO": str(path), "FACEWRIGHT_TEST_COLOURS": wanted}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/addon/in_other_colours.py", *more]
    said = subprocess.run(words, cwd=ROOT, env={**os.environ, **named}, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-1000:]
