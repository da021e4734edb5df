from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.evaluation.locality import changed_outside
from backend.face.layers import Face, albedo, vertices
from backend.face.saved import save
from tests.toys import toy_face, toy_layer


@pytest.fixture
def face() -> Face:
    return replace(toy_face(), layers=(toy_layer(seed=1),))


def compare(tmp_path: Path, before: Face, after: Face) -> dict[str, int | float]:
    return changed_outside(save(before, tmp_path / "before"), save(after, tmp_path / "after"))


def test_a_layer_changes_nothing_outside_its_mask(tmp_path, face):
    layer = toy_layer(seed=2)
    after = replace(face, layers=(*face.layers, layer))
    found = compare(tmp_path, face, after)
    assert found["layers"] == 1
    assert found["texels_masked"] == np.count_nonzero(layer.mask)
    assert found["vertices_masked"] == np.count_nonzero(layer.weights)
    assert found["texels_changed"] == (albedo(face) != albedo(after)).any(axis=-1).sum() > 100
    assert found["vertices_changed"] == (vertices(face) != vertices(after)).any(axis=-1).sum() > 50
    assert found["texels_changed_outside"] == found["vertices_changed_outside"] == 0
    assert found["texels_largest_outside"] == found["vertices_largest_outside"] == 0


def test_a_leak_is_counted_and_measured(tmp_path, face):
    texels, positions = face.base_albedo.copy(), face.base_vertices.copy()
    texels[0, 0] = texels[0, 0] ^ 1
    texels[5, 3] = (0, 0, 0)
    positions[7, 0] += np.float32(0.25)
    after = replace(face, base_albedo=texels, base_vertices=positions, layers=(*face.layers, toy_layer(seed=2)))
    found = compare(tmp_path, face, after)
    assert found["texels_changed_outside"] == 2
    assert found["texels_largest_outside"] == face.base_albedo[5, 3].max()
    assert found["vertices_changed_outside"] == 1
    assert found["vertices_largest_outside"] == pytest.approx(0.25)


def test_the_sign_of_a_zero_is_a_change(tmp_path, face):
    positions = face.base_vertices.copy()
    positions[0] = 0
    negative = positions.copy()
    negative[0] = -0.0
    before, after = replace(face, base_vertices=positions), replace(face, base_vertices=negative)
    assert compare(tmp_path, before, after)["vertices_changed_outside"] == 1


def test_a_faded_layer_may_change_within_its_mask(tmp_path, face):
    after = replace(face, layers=(replace(face.layers[0], strength=0.5),))
    found = compare(tmp_path, face, after)
    assert found["layers"] == 1
    assert found["texels_changed"] > 100
    assert found["texels_changed_outside"] == found["vertices_changed_outside"] == 0


def test_a_layer_both_have_allows_nothing(tmp_path, face):
    after = replace(face, base_albedo=255 - face.base_albedo)
    found = compare(tmp_path, face, after)
    assert found["layers"] == found["texels_masked"] == 0
    assert found["texels_changed_outside"] == (albedo(face) != albedo(after)).any(axis=-1).sum()


def test_equal_faces_differ_nowhere(tmp_path, face):
    found = compare(tmp_path, face, replace(face, prompt="another"))
    assert found["layers"] == found["texels_changed"] == found["vertices_changed"] == 0


def test_layers_that_changed_places_are_none_beyond(tmp_path, face):
    two = replace(face, layers=(*face.layers, toy_layer(seed=2)))
    assert compare(tmp_path, two, replace(two, layers=two.layers[::-1]))["layers"] == 0


def test_faces_of_different_sizes_are_refused(tmp_path, face):
    with pytest.raises(ValueError, match="different heads or sizes"):
        compare(tmp_path, face, replace(toy_face(size=16), layers=()))
