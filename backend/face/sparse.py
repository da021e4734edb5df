"""A sparse matrix as three index arrays, applied by numpy and by torch alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor


@dataclass(frozen=True)
class Sparse:
    """An (N, M) matrix; entries of the same row and column add up.

    torch's own sparse tensors are made from it where they are wanted; scipy's would be a package for this alone.
    """

    rows: Int[ndarray, " K"]
    columns: Int[ndarray, " K"]
    weights: Float[ndarray, " K"]
    shape: tuple[int, int]

    def __matmul__(self, values: Float[ndarray, " M *C"]) -> Float[ndarray, " N *C"]:
        """The product with a dense array, in that array's precision."""
        flat = values.reshape(len(values), -1)
        out = np.empty((self.shape[0], flat.shape[1]), flat.dtype)
        for column in range(flat.shape[1]):
            weighted = self.weights * flat[self.columns, column]
            out[:, column] = np.bincount(self.rows, weighted, minlength=self.shape[0])
        return out.reshape(self.shape[0], *values.shape[1:])

    def tensor(self, like: Tensor) -> Tensor:
        """torch's sparse tensor, of the type and on the device of `like`."""
        places = torch.from_numpy(np.stack([self.rows, self.columns]).astype(np.int64))
        weights = torch.from_numpy(self.weights)
        return torch.sparse_coo_tensor(places, weights, self.shape, check_invariants=False).coalesce().to(like)

    def dense(self) -> Float[ndarray, "N M"]:
        return self @ np.eye(self.shape[1])
