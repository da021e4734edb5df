from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from backend.face.checks import (
    edges_of,
    flipped,
    joined,
    landmark_points,
    landmarks_at,
    laplacian,
    mirror_of,
    near_pairs,
    outlines,
)
from tests.toys import toy_topology

QUAD = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def test_edges_know_their_sides_and_what_lies_across():
    edges = edges_of(QUAD)
    assert edges.ends.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [2, 3]]
    assert edges.sides.tolist() == [[0, -1], [0, 1], [1, -1], [0, -1], [1, -1]]
    assert edges.opposite.tolist() == [[2, -1], [1, 3], [2, -1], [0, -1], [0, -1]]
    assert edges.of_faces.tolist() == [[0, 3, 1], [1, 4, 2]]


def test_an_edge_of_three_triangles_is_a_border():
    edges = edges_of(np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]], np.int32))
    assert edges.sides[0].tolist() == [0, -1]


def test_a_ball_with_two_holes_has_as_many_edges_as_euler_says():
    toy = toy_topology()
    assert len(toy.rest) - len(edges_of(toy.faces).ends) + len(toy.faces) == 0


def test_the_laplacian_is_a_plain_loop_over_neighbours():
    toy = toy_topology()
    ends = edges_of(toy.faces).ends
    found = laplacian(toy.faces, len(toy.rest) + 1) @ np.concatenate([toy.rest, [[1, 1, 1]]]).astype(np.float64)
    for vertex in range(len(toy.rest)):
        near = [a + b - vertex for a, b in ends.tolist() if vertex in (a, b)]
        np.testing.assert_allclose(found[vertex], toy.rest[near].mean(axis=0) - toy.rest[vertex], atol=1e-6)
    assert (found[-1] == 0).all()


def test_a_triangle_turned_over_or_crushed_is_flipped():
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    assert not flipped(square, square, QUAD).any()
    over = square.copy()
    over[3] = [1, 0.2, 0]
    assert flipped(over, square, QUAD).tolist() == [False, True]
    over[3] = [0.5, 0.5, 0]
    assert flipped(over, square, QUAD).tolist() == [False, True]
    assert not flipped(square, over, QUAD).any()  # it had no area to lose


def test_landmarks_on_vertices_are_the_vertices():
    toy = toy_topology()
    wanted = np.array([30, 5, 200, 5])
    landmarks = landmarks_at(wanted, toy.faces)
    assert np.array_equal(landmark_points(toy.rest, toy.faces, landmarks), toy.rest[wanted])


def test_landmarks_between_corners_are_their_averages():
    toy = toy_topology()
    landmarks = landmarks_at(np.array([30]), toy.faces)
    landmarks.barycentrics[:] = 1 / 3
    expected = toy.rest[toy.faces[landmarks.faces[0]]].mean(axis=0)
    np.testing.assert_allclose(landmark_points(toy.rest, toy.faces, landmarks)[0], expected, atol=1e-6)


def test_a_landmark_on_no_triangle_is_refused():
    with pytest.raises(ValueError, match=r"no triangle has the vertices \[4, 7\]"):
        landmarks_at(np.array([1, 7, 4]), QUAD)


TENT = np.array([[-1, 0, 0], [1, 0, 0], [0, 1, 0], [0, -1, 0]], np.float32)
FACES = np.array([[0, 3, 2], [1, 2, 3]], np.int32)


def test_the_mirror_swaps_sides_and_keeps_the_middle():
    assert mirror_of(TENT, edges_of(FACES).ends, 0.01).tolist() == [1, 0, 2, 3]


def test_a_vertex_without_a_mirror_picture_is_refused():
    moved = TENT + np.array([[0.1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]], np.float32)
    with pytest.raises(ValueError, match=r"2 vertices have no mirror picture within 0\.01"):
        mirror_of(moved, edges_of(FACES).ends, 0.01)


def test_of_two_vertices_at_one_place_each_has_its_own_partner():
    points = np.array([[-1, 0, 0], [-1, 0.004, 0], [1, 0.005, 0], [1, 0.001, 0]], np.float32)
    none = np.zeros((0, 2), np.int32)
    assert mirror_of(points, none, 0.01).tolist() == [3, 2, 1, 0]
    with pytest.raises(ValueError, match="1 vertices have no mirror picture"):
        mirror_of(points[:3], none, 0.01)
    assert mirror_of(points, none, 0.01, kinds=np.array([0, 1, 0, 1])).tolist() == [2, 3, 0, 1]


def test_a_mesh_cut_unlike_on_both_sides_is_symmetric_by_its_quads_alone():
    toy = toy_topology()
    with pytest.raises(ValueError, match="edges have no mirror picture"):
        mirror_of(toy.rest, edges_of(toy.faces).ends, 1e-4)
    mirror = mirror_of(toy.rest, outlines(toy), 1e-4)
    np.testing.assert_allclose(toy.rest[mirror], toy.rest * [-1, 1, 1], atol=1e-6)


def test_outlines_are_what_the_modeller_drew():
    toy = toy_topology()
    assert len(outlines(toy)) == len(edges_of(toy.faces).ends) - len(toy.quads)
    half = replace(toy, quads=toy.quads[:10])
    assert len(outlines(half)) == len(outlines(toy)) + len(toy.quads) - 10


@given(st.integers(0, 2**32), st.integers(1, 60), st.floats(0.02, 2))
@settings(max_examples=40)
def test_near_pairs_are_all_pairs_that_are_near(seed, count, distance):
    generator = np.random.default_rng(seed)
    points, others = generator.normal(size=(count, 3)), generator.normal(size=(30, 3))
    apart = ((points[:, None] - others[None]) ** 2).sum(axis=-1)
    found = set(zip(*(index.tolist() for index in near_pairs(points, others, distance)), strict=True))
    assert found == set(zip(*(index.tolist() for index in np.nonzero(apart <= distance**2)), strict=True))


@given(st.lists(st.integers(0, 5), max_size=9), st.lists(st.integers(0, 5), max_size=9))
def test_joined_finds_equal_keys(wanted, keys):
    keys = sorted(keys)
    first, second = joined(np.array(wanted, int), np.array(keys, int))
    expected = [(i, j) for i, one in enumerate(wanted) for j, other in enumerate(keys) if one == other]
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected
