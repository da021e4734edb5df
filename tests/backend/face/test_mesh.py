import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from backend.face.mesh import components, quad_corners, vertex_normals
from tests.toys import toy_topology


def test_a_region_is_found_by_name():
    topology = toy_topology()
    for name, weights in zip(topology.region_names, topology.region_weights, strict=True):
        assert np.array_equal(topology.region(name), weights)


def test_an_unknown_region_is_refused_with_those_there_are():
    with pytest.raises(KeyError, match="no region 'tail'; there are lips, nose, chin"):
        toy_topology().region("tail")


def test_parts_share_out_the_triangles():
    topology = toy_topology()
    pieces = [topology.part_faces(name) for name in topology.part_names]
    assert np.array_equal(np.sort(np.concatenate(pieces)), np.arange(len(topology.faces)))
    both = topology.part_faces("left_eye", "right_eye")
    assert np.array_equal(both, np.sort(np.concatenate(pieces[1:])))
    assert both.dtype == np.int32


def test_normals_are_those_of_a_plain_loop():
    topology = toy_topology()
    vertices = topology.rest.astype(np.float64)
    expected = np.zeros_like(vertices)
    for face in topology.faces:
        a, b, c = vertices[face]
        expected[face] += np.cross(b - a, c - a)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(vertex_normals(topology.rest, topology.faces), expected, atol=1e-5)


def test_a_vertex_without_a_face_has_no_normal():
    vertices = np.eye(4, 3, dtype=np.float32)
    normals = vertex_normals(vertices, np.array([[0, 1, 2]], np.int32))
    assert (normals[3] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(normals[:3], axis=1), 1, rtol=1e-6)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.booleans()), min_size=1, max_size=6))
def test_quads_come_back_from_their_triangles(cuts):
    """However each quad was cut and its triangles were turned, the ring of corners is the quad's."""
    quads = np.arange(4 * len(cuts)).reshape(-1, 4).astype(np.int32)
    faces = []
    for quad, (first, second, other) in zip(quads, cuts, strict=True):
        a, b, c, d = np.roll(quad, other)
        faces += [np.roll([a, b, c], first), np.roll([a, c, d], second)]
    faces = np.array(faces, np.int32)
    for quad, found in zip(quads, faces.ravel()[quad_corners(faces)], strict=True):
        turned = np.roll(found, -int(found.argmin()))
        assert np.array_equal(turned, quad)


@pytest.mark.parametrize("faces", [[[0, 1, 2], [3, 4, 5]], [[0, 1, 2]], [[0, 1, 2], [2, 3, 4]]])
def test_triangles_that_make_no_quad_are_refused(faces):
    with pytest.raises(ValueError, match="triangles 2i and 2i\\+1 do not share an edge"):
        quad_corners(np.array(faces, np.int32))


@given(st.integers(1, 30), st.data())
@settings(max_examples=50)
def test_pieces_are_what_walking_over_triangles_reaches(count, data):
    corner = st.integers(0, count - 1)
    faces = data.draw(st.lists(st.tuples(corner, corner, corner), max_size=20))
    label = components(np.array(faces, np.int32).reshape(-1, 3), count)
    group = {vertex: {vertex} for vertex in range(count)}
    for face in faces:
        joined = set.union(*(group[vertex] for vertex in face))
        for vertex in joined:
            group[vertex] = joined
    for vertex in range(count):
        assert set(np.flatnonzero(label == label[vertex]).tolist()) == group[vertex]
        assert label[vertex] == min(group[vertex])
