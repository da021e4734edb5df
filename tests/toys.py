"""Small real parts for tests: a head of 208 vertices and faces on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from backend.face.layers import Face, Layer
from backend.face.mesh import Topology
from backend.face.saved import png

ROWS, COLUMNS = 12, 16
IDENTITIES = 5
EXPRESSIONS = ("jawOpen", "mouthSmileLeft", "eyeBlinkLeft")


def toy_topology() -> Topology:
    """A sphere of quads without its poles, cut open behind: 208 vertices, 221 uvs, three parts."""
    row, column = np.mgrid[0 : ROWS + 1, 0 : COLUMNS + 1]
    across = 2 * np.pi * column / COLUMNS - np.pi
    height = np.radians(75) * (2 * row / ROWS - 1)
    rest = np.stack([np.sin(across) * np.cos(height), np.sin(height), np.cos(across) * np.cos(height)], axis=-1)[
        :, :COLUMNS
    ]
    uvs = np.stack([column / COLUMNS, 0.05 + 0.9 * row / ROWS], axis=-1).reshape(-1, 2)
    row, column = (axis.reshape(-1) for axis in np.mgrid[0:ROWS, 0:COLUMNS])
    corners = [(row, column), (row, column + 1), (row + 1, column + 1), (row + 1, column)]
    quads = np.stack([r * COLUMNS + c % COLUMNS for r, c in corners], axis=1).astype(np.int32)
    uv_quads = np.stack([r * (COLUMNS + 1) + c for r, c in corners], axis=1).astype(np.int32)
    parts = np.select([(row == 8) & (column == 6), (row == 8) & (column == 9)], [1, 2], 0)
    rest = rest.reshape(-1, 3).astype(np.float32)
    centres = np.array([[0, -0.4, 0.9], [0, 0, 1], [0, -0.9, 0.4]], dtype=np.float32)
    distances = np.linalg.norm(rest - centres[:, None], axis=-1)
    return Topology(
        faces=_triangles(quads),
        quads=quads,
        uvs=uvs.astype(np.float32),
        uv_faces=_triangles(uv_quads),
        uv_quads=uv_quads,
        rest=rest,
        region_names=("lips", "nose", "chin"),
        region_weights=np.clip(1.5 - 2 * distances, 0, 1).astype(np.float32),
        part_names=("skin", "left_eye", "right_eye"),
        face_parts=np.repeat(parts, 2).astype(np.int32),
        expression_names=EXPRESSIONS,
        head="toy",
        topology_id="0123456789abcdef",
        metres_per_unit=0.08,
        licence="CC0-1.0",
        provenance="made by the tests",
    )


def with_lone_triangles(topology: Topology, count: int) -> Topology:
    """The same mesh, of whose quads the last `count` are two triangles each."""
    return replace(topology, quads=topology.quads[:-count], uv_quads=topology.uv_quads[:-count])


def toy_face(size: int = 32, seed: int = 0) -> Face:
    """A face of the toy head without layers: a random albedo, three expressions."""
    generator = np.random.default_rng(seed)
    rest = toy_topology().rest
    return Face(
        prompt="an old sailor",
        instruction=None,
        kind="generate",
        head="toy",
        topology_id="0123456789abcdef",
        preset="recommended",
        family="starter",
        seed=seed,
        parent=None,
        identity=generator.standard_normal(IDENTITIES).astype(np.float32),
        sliders=np.zeros(4, np.float32),
        expression=np.zeros(len(EXPRESSIONS), np.float32),
        offsets=np.zeros_like(rest),
        base_vertices=rest + np.float32(0.01) * generator.standard_normal(rest.shape, np.float32),
        base_albedo=generator.integers(0, 256, (size, size, 3), np.uint8),
        expressions=np.float32(0.05) * generator.standard_normal((len(EXPRESSIONS), *rest.shape), np.float32),
        checkpoints={"text-to-image": "0" * 64},
        licences={"head": "CC0-1.0"},
        metrics={"seconds": 1.5},
        settings={"steps": 20},
    )


def toy_layer(size: int = 32, seed: int = 0, **changes: object) -> Layer:
    """An edit of both kinds, random, with a mask and weights that are 0 over half of the head."""
    generator = np.random.default_rng(seed)
    count = len(toy_topology().rest)
    mask = generator.integers(0, 256, (size, size), np.uint8)
    mask[:, : size // 2] = 0
    weights = generator.random(count, np.float32)
    weights[: count // 2] = 0
    layer = Layer(
        name="red lips",
        instruction="make his lips red",
        kind="both",
        scope="auto",
        region=("lips",),
        mask=mask,
        weights=weights,
        texels=generator.integers(-255, 256, (size, size, 3), np.int16),
        offsets=generator.standard_normal((count, 3), np.float32),
        identity=generator.standard_normal(IDENTITIES).astype(np.float32),
        sliders=generator.standard_normal(4).astype(np.float32),
        seed=seed,
    )
    return replace(layer, **changes)


def _triangles(quads: np.ndarray) -> np.ndarray:
    return np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)


def write_head(topology: Topology, path: Path) -> None:
    """A head file of the toy topology, as `train head` writes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    shape = (len(topology.expression_names), *topology.rest.shape)
    plain = ("head", "topology_id", "metres_per_unit", "licence", "provenance")
    arrays = {name: np.asarray(value) for name, value in vars(topology).items() if name not in plain}
    meta = json.dumps({name: getattr(topology, name) for name in plain} | SLIDER_META | {"identity_size": IDENTITIES})
    arrays["albedo"] = np.frombuffer(png(toy_face().base_albedo), np.uint8)
    expressions = (0.05 * generator.standard_normal(shape)).astype(np.float16)
    sliders = slider_arrays(generator, len(topology.rest))
    np.savez_compressed(path, **arrays, **sliders, expressions=expressions, meta=np.array(meta))


SLIDER_META = {
    "phenotype_anchors": {"age": [0.0, 0.5, 1.0]},
    "phenotype_mixed": ["north", "south"],
    "slider_defaults": [0.5, 0.5, 0.5, 0.0],
}


def slider_arrays(generator: np.random.Generator, vertices: int) -> dict[str, np.ndarray]:
    """One phenotype, two that share out 1, and one local slider."""
    names = ["age", "north", "south", "nose-long"]
    return {
        "slider_names": np.array(names),
        "slider_labels": np.array(["age", "northern", "southern", "nose length"]),
        "slider_groups": np.array(["person", "person", "person", "nose"]),
        "slider_ranges": np.array([[0, 1], [0, 1], [0, 1], [-1, 1]], np.float32),
        "phenotype_mask": generator.integers(0, 2, (3, 5)).astype(np.uint8),
        "phenotype_rows": generator.integers(-900, 900, (3, vertices, 3)).astype(np.int16),
        "phenotype_steps": np.full(3, 1e-4, np.float32),
        "local_rows": generator.integers(-900, 900, (2, vertices, 3)).astype(np.int16),
        "local_steps": np.full(2, 1e-4, np.float32),
    }
