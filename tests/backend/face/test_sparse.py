import numpy as np
import torch

from backend.face.sparse import Sparse

GENERATOR = np.random.default_rng(0)
MATRIX = Sparse(
    rows=GENERATOR.integers(0, 5, 20), columns=GENERATOR.integers(0, 7, 20), weights=GENERATOR.random(20), shape=(5, 7)
)


def plain() -> np.ndarray:
    out = np.zeros(MATRIX.shape)
    for row, column, weight in zip(MATRIX.rows, MATRIX.columns, MATRIX.weights, strict=True):
        out[row, column] += weight
    return out


def test_products_are_those_of_the_dense_matrix():
    values = GENERATOR.random((7, 2, 3))
    np.testing.assert_allclose(MATRIX.dense(), plain())
    np.testing.assert_allclose(MATRIX @ values, np.einsum("nm,mab->nab", plain(), values))
    assert (MATRIX @ values.astype(np.float32)).dtype == np.float32


def test_torch_multiplies_alike_and_passes_gradients():
    values = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    product = MATRIX.tensor(values) @ values
    torch.testing.assert_close(product, torch.from_numpy(plain()) @ values)
    product.sum().backward()
    torch.testing.assert_close(values.grad, torch.from_numpy(plain()).sum(0)[:, None].expand(-1, 3))
