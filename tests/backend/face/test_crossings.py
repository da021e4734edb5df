import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from backend.face.crossings import crossings, crossings_by_parts
from tests.toys import toy_topology

FLAT = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0]], np.float32)
APART = np.array([[0, 1, 2], [3, 4, 5]], np.int32)


def pair(other: list[list[float]]) -> list[list[int]]:
    return crossings(np.concatenate([FLAT, np.array(other, np.float32)]), APART).tolist()


def test_a_triangle_through_another_is_found():
    assert pair([[0.5, 0.5, -1], [0.5, 0.5, 1], [3, 3, 0.5]]) == [[0, 1]]


@pytest.mark.parametrize(
    "other",
    [
        [[0.5, 0.5, 0.1], [0.5, 0.5, 1], [3, 3, 0.5]],  # above
        [[3, 3, -1], [3, 3, 1], [4, 4, 0]],  # beside
        [[0.1, 0.1, 0], [1, 0.1, 0], [0.1, 1, 0]],  # in the same plane
    ],
)
def test_triangles_apart_do_not_cross(other):
    assert pair(other) == []


def test_neighbours_do_not_cross():
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 1]], np.float32)
    assert len(crossings(points, np.array([[0, 1, 2], [1, 3, 2]], np.int32))) == 0


def test_a_ball_does_not_cut_itself_until_it_is_pushed_in():
    toy = toy_topology()
    assert len(crossings(toy.rest, toy.faces)) == 0
    pushed = toy.rest.copy()
    pushed[100] *= -1.5
    found = crossings(pushed, toy.faces)
    assert len(found) > 0
    assert (toy.faces[found] == 100).any(axis=(1, 2)).all()


def test_crossings_are_counted_by_the_parts_that_meet():
    toy = toy_topology()
    assert crossings_by_parts(toy.rest, toy) == {}
    pushed = toy.rest.copy()
    pushed[100] *= -1.5
    counted = crossings_by_parts(pushed, toy)
    assert sum(counted.values()) == len(crossings(pushed, toy.faces))
    assert {name for pair in counted for name in pair} <= set(toy.part_names)
    assert list(counted.values()) == sorted(counted.values(), reverse=True)


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_the_grid_finds_what_testing_all_pairs_finds(seed):
    """Triangles of very different sizes; a pair alone has nothing but itself in its grid."""
    generator = np.random.default_rng(seed)
    size = generator.choice([0.05, 0.5, 3], 14)
    corners = generator.normal(size=(14, 1, 3)) + generator.normal(size=(14, 3, 3)) * size[:, None, None]
    faces = np.arange(42, dtype=np.int32).reshape(-1, 3)
    found = crossings(corners.reshape(-1, 3), faces).tolist()
    alone = [
        [a, b] for a in range(14) for b in range(a + 1, 14) if len(crossings(corners[[a, b]].reshape(-1, 3), faces[:2]))
    ]
    assert found == alone
