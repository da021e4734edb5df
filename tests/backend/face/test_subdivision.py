from dataclasses import replace

import numpy as np
import pytest

from backend.face.checks import edges_of, landmark_points, landmarks_at, mirror_of, outlines
from backend.face.mesh import Landmarks, UvMap, vertex_normals
from backend.face.subdivision import loop_matrix, midpoints, split, subdivided
from tests.toys import toy_topology

OCTAHEDRON = np.array(
    [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]], np.int32
)
CORNERS = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float32)


def plain_loop(vertices: np.ndarray, faces: np.ndarray) -> dict[tuple[int, ...], np.ndarray]:
    """Loop's rules by dictionaries: (vertex,) or (end, end) -> where it comes to lie."""
    across: dict[tuple[int, int], list[int]] = {}
    for face in faces.tolist():
        for k in range(3):
            ends = sorted((face[k], face[(k + 1) % 3]))
            across.setdefault((ends[0], ends[1]), []).append(face[(k + 2) % 3])
    out: dict[tuple[int, ...], np.ndarray] = {}
    for (a, b), corners in across.items():
        inside = len(corners) == 2
        out[a, b] = (vertices[a] + vertices[b]) * (3 / 8 if inside else 1 / 2)
        if inside:
            out[a, b] = out[a, b] + (vertices[corners[0]] + vertices[corners[1]]) / 8
    for vertex in range(len(vertices)):
        mine = {edge: corners for edge, corners in across.items() if vertex in edge}
        near = {sum(edge) - vertex: len(corners) for edge, corners in mine.items()}
        border = [other for other, count in near.items() if count == 1]
        if border:
            out[(vertex,)] = 3 / 4 * vertices[vertex] + sum(vertices[other] for other in border) / 8
        else:
            share = (5 / 8 - (3 / 8 + np.cos(2 * np.pi / len(near)) / 4) ** 2) / len(near)
            around = sum(vertices[other] for other in near)
            out[(vertex,)] = (1 - len(near) * share) * vertices[vertex] + share * around
    return out


@pytest.mark.parametrize("mesh", ["octahedron", "toy"])
def test_the_matrix_follows_loops_rules(mesh):
    toy = toy_topology()
    vertices, faces = (CORNERS, OCTAHEDRON) if mesh == "octahedron" else (toy.rest, toy.faces)
    expected = plain_loop(vertices.astype(np.float64), faces)
    found = loop_matrix(faces, len(vertices)) @ vertices.astype(np.float64)
    names = [(k,) for k in range(len(vertices))] + [tuple(ends) for ends in edges_of(faces).ends.tolist()]
    np.testing.assert_allclose(found, [expected[name] for name in names], atol=1e-12)


def test_every_row_is_an_average():
    toy = toy_topology()
    matrix = loop_matrix(toy.faces, len(toy.rest))
    np.testing.assert_allclose(matrix @ np.ones(len(toy.rest)), 1)


def test_a_vertex_of_no_triangle_stays():
    vertices = np.concatenate([CORNERS, [[7, 7, 7]]]).astype(np.float32)
    assert ((loop_matrix(OCTAHEDRON, 7) @ vertices)[6] == 7).all()


def test_triangles_in_four_cover_what_the_one_did():
    toy = toy_topology()
    finer, flat = split(toy.faces, len(toy.rest)), midpoints(toy.rest, toy.faces)

    def normals(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
        a, b, c = (points[faces[:, k]] for k in range(3))
        return np.cross(b - a, c - a)

    quarters = normals(flat, finer).reshape(-1, 4, 3)
    np.testing.assert_allclose(quarters, np.repeat(normals(toy.rest, toy.faces)[:, None] / 4, 4, axis=1), atol=1e-6)


def test_a_finer_head_is_a_whole_topology():
    toy = toy_topology()
    toy = replace(toy, mirror=mirror_of(toy.rest, outlines(toy), 1e-4), published=UvMap(toy.uvs, edged(toy.uv_quads)))
    toy = replace(toy, landmarks=landmarks_at(np.array([40, 99]), toy.faces))
    finer, matrix = subdivided(replace(toy, faces=edged(toy.quads), uv_faces=edged(toy.uv_quads)))
    count = len(toy.rest) + len(edges_of(edged(toy.quads)).ends)
    assert (len(finer.rest), len(finer.faces), len(finer.face_parts)) == (count, 4 * len(toy.faces), len(finer.faces))
    assert finer.region_weights.shape == (3, count)
    assert finer.topology_id != toy.topology_id
    assert np.array_equal(finer.rest, matrix @ toy.rest)
    for indices, points in ((finer.faces, finer.rest), (finer.uv_faces, finer.uvs)):
        assert np.array_equal(np.unique(indices), np.arange(len(points)))
    normals = vertex_normals(finer.rest, finer.faces)
    assert ((normals * finer.rest).sum(axis=1) > 0).all()  # a ball: all outwards
    assert finer.published is not None
    assert np.array_equal(finer.published.uvs, finer.uvs)


def edged(quads: np.ndarray) -> np.ndarray:
    """Quads as four triangles a pair, so that the cut is symmetric: left halves one way, right halves the other."""
    left = np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1)
    right = np.stack([quads[:, [1, 2, 3]], quads[:, [1, 3, 0]]], axis=1)
    column = np.arange(len(quads)) % 16
    return np.where((column < 8)[:, None, None], left, right).reshape(-1, 3)


def test_the_finer_mirror_is_the_mirror_of_the_finer_head():
    toy = toy_topology()
    faces = edged(toy.quads)
    coarse = replace(toy, faces=faces, uv_faces=edged(toy.uv_quads), mirror=mirror_of(toy.rest, outlines(toy), 1e-4))
    finer, _ = subdivided(coarse)
    assert np.array_equal(finer.mirror, mirror_of(finer.rest, edges_of(finer.faces).ends, 1e-4))


def test_triangles_that_are_not_symmetric_have_no_finer_mirror():
    toy = toy_topology()
    finer, _ = subdivided(replace(toy, mirror=mirror_of(toy.rest, outlines(toy), 1e-4)))
    assert finer.mirror is None


def test_landmarks_keep_their_place_in_the_flat_triangles():
    toy = toy_topology()
    weights = np.random.default_rng(0).dirichlet(np.ones(3), 50).astype(np.float32)
    landmarks = Landmarks(np.arange(50, dtype=np.int32) * 3, weights)
    finer, _ = subdivided(replace(toy, landmarks=landmarks))
    assert finer.landmarks is not None
    assert finer.landmarks.barycentrics.min() >= -1e-6
    flat = midpoints(toy.rest, toy.faces)
    expected = landmark_points(toy.rest, toy.faces, landmarks)
    np.testing.assert_allclose(landmark_points(flat, finer.faces, finer.landmarks), expected, atol=1e-6)
