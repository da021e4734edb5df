"""The strip of a face's edits."""

from dataclasses import replace
from functools import cached_property

import numpy as np

from backend.checkpoints import PROFILES
from backend.pictures import REACHED, reach_of, strip_of
from backend.render.picture import Surface
from backend.workshop import Networks, Workshop
from tests.toys import toy_face, toy_layer, toy_topology


class Toys(Workshop):
    """The toy head's."""

    @cached_property
    def surface(self) -> Surface:
        return Surface.of(toy_topology())


SHOP = Toys("toy", Networks(PROFILES["starter"]))


def test_a_strip_shows_the_face_before_and_after_each_edit():
    painted = toy_layer(32, weights=None, offsets=None, kind="texture")
    face = replace(toy_face(32), layers=(painted, replace(painted, instruction="make it so", muted=True)))
    rows = strip_of(SHOP, face, (0.0, 45.0), size=48)
    assert [name for name, _ in rows] == ["an old sailor", "1. make his lips red", "2. make it so (muted)"]
    assert [[view for view, _ in shown] for _, shown in rows] == [["0°", "45°"], *[["0°", "45°", "mask"]] * 2]
    before, after, muted = (np.asarray(shown[0][1]) for _, shown in rows)
    assert (before != after).any()
    assert (muted == after).all()


def test_an_edits_reach_is_red_in_its_texels_and_blue_at_its_vertices():
    layer = toy_layer(32)
    assert layer.mask is not None
    layer.mask.setflags(write=False)  # as they are read from files
    painted = reach_of(SHOP, replace(layer, weights=None), 32)[0]
    assert (painted[:, layer.mask == 0] == REACHED[0]).all()
    full = painted[:, layer.mask == 255]
    assert (full[0] > full[2] + 0.5).all()
    shaped = reach_of(SHOP, replace(layer, mask=None), 32)[0]
    assert (shaped[2] >= shaped[0]).all()
    assert (shaped[2] > shaped[0] + 0.3).any()
