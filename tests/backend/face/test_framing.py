from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import HeadInvalid
from backend.face.framing import MIDDLE, SIZE, framed
from backend.face.mesh import Landmarks
from backend.face.model import LinearFaceModel
from backend.face.register import landmarks_of
from tests.toy_head import toy_head

FILE = Path("head.mat")


def test_the_frame_is_annys(head):
    marks = landmarks_of(head.topology)
    low, high = marks.min(axis=0), marks.max(axis=0)
    np.testing.assert_allclose((high - low)[:2], SIZE, atol=1e-4)
    np.testing.assert_allclose((low + high)[1:] / 2, MIDDLE, atol=1e-4)


def test_a_head_in_another_frame_comes_back_with_its_true_size(head):
    topology, scale = head.topology, 0.4
    elsewhere = replace(
        topology,
        rest=(topology.rest * scale + np.array([0, 0.7, -0.3])).astype(np.float32),
        metres_per_unit=topology.metres_per_unit / scale,
    )
    found = framed(LinearFaceModel(elsewhere, head.identity_basis * scale, head.expression_basis * scale), FILE)
    assert found.topology.metres_per_unit == pytest.approx(topology.metres_per_unit, rel=1e-4)
    assert found.topology.topology_id != topology.topology_id
    identity, expression = torch.randn(1, head.identity_size), torch.rand(1, head.expression_size)
    expected = head.vertices(identity=identity, expression=expression)
    np.testing.assert_allclose(found.vertices(identity=identity, expression=expression), expected, atol=1e-3)


def test_a_head_without_landmarks_stays_as_it_is():
    model = toy_head()
    model.topology = replace(model.topology, landmarks=None)
    assert framed(model, FILE) is model


def test_landmarks_on_one_line_are_refused(head):
    middle = Landmarks(np.zeros(68, np.int32), np.array([[1, 0, 0]] * 68, np.float32))
    model = LinearFaceModel(replace(head.topology, landmarks=middle), head.identity_basis, head.expression_basis)
    with pytest.raises(HeadInvalid, match=r"head\.mat: the landmarks span 0 × 0 head units"):
        framed(model, FILE)
