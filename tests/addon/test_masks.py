"""Painted masks as pictures in the UV square."""

import io
import sys

import bpy
import numpy as np
import pytest
from PIL import Image

from addon.session.bake import bake
from addon.session.png import encode

from .conftest import PACKAGE
from .test_steps import import_face


def read(png):
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.fixture
def masks(toy_head):
    return sys.modules[f"{PACKAGE}.scene.masks"]


@pytest.mark.parametrize("shape", [(5, 7), (4, 3, 3)])
def test_a_picture_is_read_back_by_others(shape):
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(read(encode(picture)), picture)


def test_a_ramp_over_one_quad_is_a_ramp_and_no_texel_is_missed():
    square = np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]], np.float32)
    picture = bake(square, np.array([[0, 1, 1, 0]], np.float32), 64).astype(int)
    wanted = np.broadcast_to(np.arange(64) * 255 / 63, (64, 64))
    assert np.abs(picture - wanted).max() <= 5
    small = bake(square / 2, np.ones((1, 4), np.float32), 64)
    assert small[33:, :31].min() == 255  # bottom left
    assert small[:30].max() == small[:, 34:].max() == 0


def test_a_vertex_group_shows_where_its_weights_are(masks, faces):
    found = import_face(faces[0])
    found.vertex_groups.active_index = found.vertex_groups["lips"].index
    picture = read(masks.from_group(found, 64))
    assert picture.shape == (64, 64)
    assert 150 < picture.max() <= 255
    assert (picture == 0).mean() > 0.5


def test_vertex_paint_and_pictures_are_masks_too(masks, faces):
    found = import_face(faces[0])
    with pytest.raises(masks.errors.UsageError, match="no vertex paint"):
        masks.from_paint(found, 32)
    colours = found.data.color_attributes.new("mask", "FLOAT_COLOR", "POINT")
    found.data.color_attributes.active_color = colours
    values = np.zeros((len(found.data.vertices), 4), np.float32)
    values[:100] = 1.0
    colours.data.foreach_set("color", values.reshape(-1))
    painted = read(masks.from_paint(found, 32))
    assert 0 < (painted == 255).mean() < 0.7
    image = bpy.data.images.new("mask", 16, 16)
    half = np.zeros((16, 16, 4), np.float32)
    half[8:] = 1.0  # Blender counts rows from below
    image.pixels.foreach_set(half.reshape(-1))
    picture = read(masks.from_image(image, 32))
    assert (picture[:16] == 255).all()
    assert (picture[16:] == 0).all()
