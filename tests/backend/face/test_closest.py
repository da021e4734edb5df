import numpy as np

from backend.face.closest import Tree
from tests.toys import toy_topology


def test_a_point_of_the_surface_is_its_own_nearest():
    toy, generator = toy_topology(), np.random.default_rng(0)
    triangles = generator.integers(0, len(toy.faces), 200)
    weights = generator.dirichlet((1, 1, 1), 200)
    points = (toy.rest[toy.faces[triangles]] * weights[..., None]).sum(axis=1)
    found = Tree(toy.rest, toy.faces).closest(points)
    np.testing.assert_allclose(found.of(toy.rest, toy.faces), points, atol=1e-5)
    np.testing.assert_allclose(found.barycentrics.sum(axis=1), 1, atol=1e-5)


def test_nothing_of_the_surface_is_nearer():
    toy, generator = toy_topology(), np.random.default_rng(1)
    points = generator.normal(size=(50, 3))
    found = np.linalg.norm(Tree(toy.rest, toy.faces).closest(points).of(toy.rest, toy.faces) - points, axis=1)
    samples = generator.dirichlet((1, 1, 1), (len(toy.faces), 20))
    surface = np.einsum("fnk,fkc->fnc", samples, toy.rest[toy.faces]).reshape(-1, 3)
    others = np.linalg.norm(points[:, None] - surface[None], axis=2).min(axis=1)
    assert (found <= others + 1e-6).all()
    assert (others - found).max() < 0.1
