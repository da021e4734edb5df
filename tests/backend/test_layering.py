"""Layers afterwards: order, muting, strength and other faces, all without computing an edit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.errors import HeadInvalid, UsageError
from backend.face import saved
from backend.face.layers import albedo, vertices
from backend.layering import arranged, copied
from tests.toys import toy_face, toy_layer


def edited(*layers, **changes):
    return replace(toy_face(), layers=layers, **changes)


def test_disjoint_layers_commute_bit_for_bit():
    first, second = toy_layer(seed=1), toy_layer(seed=2)
    assert second.mask is not None
    assert second.weights is not None
    other = replace(second, mask=second.mask[:, ::-1].copy(), weights=second.weights[::-1].copy())
    face = edited(first, other)
    turned = replace(face, layers=arranged(face, "face", {}, (), (), (2, 1)))
    assert turned.layers[0] is not turned.layers[1]
    assert (turned.layers[0].mask == other.mask).all()
    assert (albedo(turned) == albedo(face)).all()
    assert vertices(turned).tobytes() == vertices(face).tobytes()


def test_strength_is_absolute():
    face = edited(toy_layer())
    half = replace(face, layers=arranged(face, "face", {1: 0.5}, (), (), None))
    back = replace(half, layers=arranged(half, "half", {1: 1.0}, (), (), None))
    off = replace(half, layers=arranged(half, "half", {1: 0.0}, (), (), None))
    assert (albedo(half) != albedo(face)).any()
    assert albedo(back).tobytes() == albedo(face).tobytes()
    assert vertices(back).tobytes() == vertices(face).tobytes()
    assert albedo(off).tobytes() == face.base_albedo.tobytes()
    assert vertices(off).tobytes() == face.base_vertices.tobytes()


def test_what_does_not_exist_is_refused():
    face = edited(toy_layer(), toy_layer(seed=1))
    with pytest.raises(UsageError, match="no layer 3, 0"):
        arranged(face, "face", {3: 1.0}, (0,), (), None)
    with pytest.raises(UsageError, match="every layer once"):
        arranged(face, "face", {}, (), (), (1, 1))


def test_layers_are_copied_onto_another_face_of_the_head(tmp_path: Path):
    own = toy_layer(seed=5)
    saved.save(replace(toy_face(seed=3), layers=(own,)), tmp_path / "other")
    face = edited(toy_layer(seed=1), toy_layer(seed=2))
    wanted = arranged(face, "face", {}, (1,), (), None)
    new = copied(wanted, face, tmp_path / "other")
    assert [layer.seed for layer in new.layers] == [5, 2]
    again = saved.load(saved.save(new, tmp_path / "new"))
    assert (albedo(again) == albedo(new)).all()
    assert np.array_equal(again.base_albedo, toy_face(seed=3).base_albedo)


def test_another_head_or_size_takes_no_layers(tmp_path: Path):
    face = edited(toy_layer())
    saved.save(replace(toy_face(), topology_id="f" * 16), tmp_path / "stranger")
    with pytest.raises(HeadInvalid, match="is a face of the head"):
        copied(face.layers, face, tmp_path / "stranger")
    saved.save(toy_face(size=16), tmp_path / "small")
    with pytest.raises(UsageError, match="16 texels a side, the edits have 32"):
        copied(face.layers, face, tmp_path / "small")


def test_details_travel_with_the_face(tmp_path: Path):
    layer = toy_layer(details={"route": "slider", "sliders": {"nose-hump-incr": 0.4}})
    saved.save(edited(layer), tmp_path / "face")
    assert saved.load(tmp_path / "face").layers[0].details == layer.details
