from dataclasses import replace

import numpy as np
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from backend.face.layers import Layer, add_offsets, add_texels, albedo, coefficients, compose, feather, vertices
from tests.toys import toy_face, toy_layer

SIZE = 4
pictures = arrays(np.uint8, (SIZE, SIZE, 3))
masks = arrays(np.uint8, (SIZE, SIZE))
deltas = arrays(np.int16, (SIZE, SIZE, 3), elements=st.integers(-255, 255))
strengths = st.floats(0, 1)
seeds = st.integers(0, 1000)


def texture_layer(mask, delta, strength=1.0) -> Layer:
    return Layer("layer", "", "texture", "auto", strength=strength, mask=mask, texels=delta)


@given(pictures, masks, deltas, strengths)
def test_texels_follow_the_formula(before, mask, delta, strength):
    after = add_texels(before, texture_layer(mask, delta, strength))
    for row, column, channel in np.ndindex(before.shape):
        exact = int(before[row, column, channel]) + strength * (int(mask[row, column]) / 255) * int(
            delta[row, column, channel]
        )
        assert after[row, column, channel] == min(max(round(exact), 0), 255)


@given(pictures, masks, deltas)
def test_strength_0_is_the_identity(before, mask, delta):
    assert np.array_equal(add_texels(before, texture_layer(mask, delta, strength=0.0)), before)


@given(pictures, masks, deltas, strengths)
def test_texels_outside_the_mask_keep_their_bytes(before, mask, delta, strength):
    after = add_texels(before, texture_layer(mask, delta, strength))
    assert np.array_equal(after[mask == 0], before[mask == 0])


@given(pictures, pictures, masks)
def test_full_strength_shows_the_result_through_the_mask(before, result, mask):
    after = add_texels(before, texture_layer(mask, compose(before, result, mask)))
    alpha = mask[..., None] / 255
    assert np.array_equal(after[mask == 255], result[mask == 255])
    assert np.abs(after - ((1 - alpha) * before + alpha * result)).max() <= 0.5 + 1e-9


@given(pictures, masks, masks, deltas, deltas, strengths)
def test_disjoint_texture_layers_commute(before, one, other, first, second, strength):
    a = texture_layer(one, first, strength)
    b = texture_layer(np.where(one > 0, 0, other).astype(np.uint8), second, strength)
    assert np.array_equal(add_texels(add_texels(before, a), b), add_texels(add_texels(before, b), a))


@given(seeds, strengths)
def test_vertices_outside_the_weights_keep_their_bytes(seed, strength):
    face, layer = toy_face(seed=seed), toy_layer(seed=seed, strength=strength)
    outside = layer.weights == 0
    after = add_offsets(face.base_vertices, layer)
    assert after.dtype == np.float32
    assert after[outside].tobytes() == face.base_vertices[outside].tobytes()
    exact = face.base_vertices + strength * layer.weights[:, None] * layer.offsets.astype(np.float64)
    np.testing.assert_allclose(after, exact, atol=1e-5)


def test_an_untouched_vertex_keeps_the_sign_of_its_zero():
    positions = np.full((3, 3), -0.0, np.float32)
    layer = Layer("", "", "geometry", "auto", weights=np.zeros(3, np.float32), offsets=np.ones((3, 3), np.float32))
    assert add_offsets(positions, layer).tobytes() == positions.tobytes()


@given(seeds)
def test_disjoint_geometry_layers_commute(seed):
    face, a, b = toy_face(seed=seed), toy_layer(seed=seed), toy_layer(seed=seed + 1)
    b = replace(b, weights=np.where(a.weights > 0, 0, b.weights + 1).astype(np.float32))
    forth = vertices(replace(face, layers=(a, b)))
    assert forth.tobytes() == vertices(replace(face, layers=(b, a))).tobytes()


@given(seeds, strengths)
def test_strength_1_after_another_gives_the_bytes_of_1(seed, strength):
    face = replace(toy_face(seed=seed), layers=(toy_layer(seed=seed), toy_layer(seed=seed + 1)))
    faded = replace(face, layers=(replace(face.layers[0], strength=strength), face.layers[1]))
    again = replace(faded, layers=(replace(faded.layers[0], strength=1.0), faded.layers[1]))
    assert albedo(again).tobytes() == albedo(face).tobytes()
    assert vertices(again).tobytes() == vertices(face).tobytes()


def test_a_muted_layer_is_skipped():
    face = toy_face()
    muted = replace(face, layers=(toy_layer(muted=True), toy_layer(seed=1)))
    alone = replace(face, layers=(toy_layer(seed=1),))
    assert albedo(muted).tobytes() == albedo(alone).tobytes()
    assert vertices(muted).tobytes() == vertices(alone).tobytes()


def test_coefficients_are_the_bases_and_what_the_layers_add():
    face = toy_face()
    edits = (toy_layer(strength=0.5), toy_layer(seed=1, muted=True), toy_layer(seed=2, identity=None, sliders=None))
    identity, sliders = coefficients(replace(face, layers=edits))
    np.testing.assert_allclose(identity, face.identity + 0.5 * edits[0].identity, atol=1e-6)
    np.testing.assert_allclose(sliders, face.sliders + 0.5 * edits[0].sliders, atol=1e-6)
    assert (identity.dtype, sliders.dtype) == (np.float32, np.float32)


def test_layers_leave_the_base_alone():
    face = replace(toy_face(), layers=(toy_layer(),))
    albedo(face), vertices(face), coefficients(face)
    assert face.identity.tobytes() == toy_face().identity.tobytes()
    assert face.base_albedo.tobytes() == toy_face().base_albedo.tobytes()
    assert face.base_vertices.tobytes() == toy_face().base_vertices.tobytes()


@given(arrays(np.uint8, (9, 9)), st.integers(0, 6))
def test_a_feathered_mask_never_grows(mask, radius):
    soft = feather(mask, radius)
    assert (soft <= mask).all()
    assert np.array_equal(soft > 0, mask > 0)


def test_a_feathered_edge_falls_in_even_steps():
    mask = np.zeros((9, 9), np.uint8)
    mask[:, 4:] = 255
    assert list(feather(mask, 4)[4]) == [0, 0, 0, 0, 51, 102, 153, 204, 255]
    assert (feather(np.full((9, 9), 255, np.uint8), 4) == 255).all()
