from dataclasses import replace

import numpy as np
import pytest

from backend.face.checks import laplacian
from backend.face.register import alignment, boxed, conjugate_gradients, pulled
from tests.toys import toy_topology


def test_a_turned_scaled_and_shifted_head_is_laid_back(head):
    topology = head.topology
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    other = replace(topology, rest=(1.7 * topology.rest @ turn.T + [1, 2, 3]).astype(np.float32))
    found = alignment(topology, other)
    assert found.scale == pytest.approx(1.7, abs=1e-4)
    np.testing.assert_allclose(found.rotation, turn, atol=1e-4)
    np.testing.assert_allclose(found(topology.rest), other.rest, atol=1e-3)


def test_marks_move_as_they_should_and_far_points_stay():
    generator = np.random.default_rng(0)
    marks, moves = generator.normal(size=(12, 3)), generator.normal(size=(12, 3))
    np.testing.assert_allclose(pulled(marks, marks, moves, 0.5), marks + moves, atol=1e-9)
    far = marks + 100
    np.testing.assert_allclose(pulled(far, marks, moves, 0.5), far, atol=1e-9)


def test_a_part_fills_the_others_box_from_the_front():
    points = np.random.default_rng(0).random((40, 3))
    found = boxed(points, points * 3 + [5, 6, 7])
    np.testing.assert_allclose(found, points * 3 + [5, 6, 7], atol=1e-9)


def test_the_solver_solves():
    toy = toy_topology()
    springs = laplacian(toy.faces, len(toy.rest)).dense()
    matrix = springs.T @ springs + np.eye(len(toy.rest))
    right = np.random.default_rng(0).normal(size=(len(toy.rest), 3))
    found = conjugate_gradients(lambda moves: matrix @ moves, right, 200)
    np.testing.assert_allclose(matrix @ found, right, atol=1e-5)
