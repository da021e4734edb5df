"""Closest points on a mesh's surface, by Warp's tree of boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
import warp as wp
from jaxtyping import Float, Int
from numpy import ndarray

from .. import warped  # noqa: F401 - starts Warp

wp.set_module_options({"enable_backward": False})
FAR = wp.constant(1e6)


@no_type_check  # Warp reads these annotations
@wp.kernel
def nearest_point(
    mesh: wp.uint64,
    points: wp.array(dtype=wp.vec3),  # pyright: ignore[reportInvalidTypeForm]
    faces: wp.array(dtype=wp.int32),  # pyright: ignore[reportInvalidTypeForm]
    weights: wp.array(dtype=wp.vec3),  # pyright: ignore[reportInvalidTypeForm]
):
    i = wp.tid()
    found = wp.mesh_query_point_no_sign(mesh, points[i], FAR)
    faces[i] = found.face
    weights[i] = wp.vec3(found.u, found.v, 1.0 - found.u - found.v)


@dataclass(frozen=True)
class Places:
    """Points on a surface: `faces` (N,) into its triangles, `barycentrics` (N, 3) weights of their corners."""

    faces: Int[ndarray, " N"]
    barycentrics: Float[ndarray, "N 3"]

    def of(self, values: Float[ndarray, "V C"], faces: Int[ndarray, "F 3"]) -> Float[ndarray, "N C"]:
        """Values of vertices, interpolated there; with `uvs` and `uv_faces` the texture coordinates."""
        corners = faces[self.faces]
        one, two, three = (values[corners[:, k]] * self.barycentrics[:, k, None] for k in range(3))
        return one + two + three


class Tree:
    """A surface that is asked often."""

    def __init__(self, vertices: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"]):
        self._mesh = wp.Mesh(
            wp.array(np.ascontiguousarray(vertices, np.float32), dtype=wp.vec3, device="cpu"),
            wp.array(np.ascontiguousarray(faces, np.int32).reshape(-1), dtype=wp.int32, device="cpu"),
        )

    def closest(self, points: Float[ndarray, "N 3"]) -> Places:
        """The nearest point of the surface to each point; a few microseconds each, in float32."""
        found = wp.zeros(len(points), dtype=wp.int32, device="cpu")
        weights = wp.zeros(len(points), dtype=wp.vec3, device="cpu")
        queries = wp.array(np.ascontiguousarray(points, np.float32), dtype=wp.vec3, device="cpu")
        wp.launch(nearest_point, dim=len(points), inputs=[self._mesh.id, queries, found, weights], device="cpu")
        return Places(found.numpy(), weights.numpy())
