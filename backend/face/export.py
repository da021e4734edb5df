"""Faces for other programs, in metres, y up: GLB with expressions and provenance, OBJ with its texture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gltf
from numpy.typing import NDArray

from .. import provenance
from ..files import write_whole
from .layers import Face, vertices
from .mesh import FloatArray, IntArray, Topology, vertex_normals
from .saved import albedo_png, document_of

ROUGHNESS = 0.6  # skin between dry and oily; glTF's own default is 1, chalk


def write_glb(face: Face, topology: Topology, path: Path) -> Path:
    """One mesh, a primitive a part, a morph target an expression, the albedo as embedded PNG.

    Raises:
        FolderUnwritable, DiskFull: nothing was left behind.
    """
    file = _Buffer()
    corners, triangles = _corners(topology)
    positions = vertices(face) * np.float32(topology.metres_per_unit)
    normals = vertex_normals(positions, topology.faces)
    uvs = topology.uvs[corners[:, 1]] * np.array([1, -1], np.float32) + np.array([0, 1], np.float32)
    attributes = gltf.Attributes(
        POSITION=file.add_vectors(positions[corners[:, 0]], "VEC3", bounds=True),
        NORMAL=file.add_vectors(normals[corners[:, 0]], "VEC3"),
        TEXCOORD_0=file.add_vectors(uvs, "VEC2"),
    )
    targets = []
    for difference in face.expressions * np.float32(topology.metres_per_unit):
        bent = vertex_normals(positions + difference, topology.faces) - normals
        targets.append(
            gltf.Attributes(
                POSITION=file.add_vectors(difference[corners[:, 0]], "VEC3", bounds=True),
                NORMAL=file.add_vectors(bent[corners[:, 0]], "VEC3"),
            )
        )
    parts = [part for part in range(len(topology.part_names)) if (topology.face_parts == part).any()]
    primitives = [
        gltf.Primitive(
            attributes=attributes,
            indices=file.add_indices(triangles[topology.face_parts == part]),
            material=number,
            targets=targets,
        )
        for number, part in enumerate(parts)
    ]
    mesh = gltf.Mesh(name="face", primitives=primitives, weights=[0.0] * len(targets))
    mesh.extras = {"targetNames": list(topology.expression_names)}
    told = origin(face, topology)
    asset = gltf.Asset(version="2.0", generator=provenance.GENERATOR, copyright=provenance.notice(told), extras=told)
    document = gltf.GLTF2(
        asset=asset,
        scene=0,
        scenes=[gltf.Scene(nodes=[0])],
        nodes=[gltf.Node(mesh=0, name="face")],
        meshes=[mesh],
        materials=[_material(topology.part_names[part]) for part in parts],
        textures=[gltf.Texture(source=0, sampler=0)],
        samplers=[gltf.Sampler(magFilter=gltf.LINEAR, minFilter=gltf.LINEAR_MIPMAP_LINEAR)],
        images=[gltf.Image(name="albedo", mimeType="image/png", bufferView=file.add(albedo_png(face)))],
        accessors=file.accessors,
        bufferViews=file.views,
        buffers=[gltf.Buffer(byteLength=len(file.content))],
    )
    document.set_binary_blob(bytes(file.content))
    return write_whole(path, b"".join(document.save_to_bytes()))


def write_obj(face: Face, topology: Topology, path: Path) -> Path:
    """The resting face in `path`, quads and triangles in no quad; its .mtl and .png of the same stem lie beside it.

    Raises:
        FolderUnwritable, DiskFull: the .obj is not there, or is the old one.
    """
    positions = vertices(face) * np.float32(topology.metres_per_unit)
    normals = vertex_normals(positions, topology.faces)
    material, texture = path.with_suffix(".mtl"), path.with_suffix(".png")
    used = sorted(set(topology.face_parts.tolist()))
    told = [
        f"# {provenance.GENERATOR}",
        *(f"# {key}: {json.dumps(value)}" for key, value in origin(face, topology).items()),
    ]
    lines = list(told)
    lines += [f"mtllib {material.name}", "o face"]
    lines += _rows("v", positions) + _rows("vt", topology.uvs) + _rows("vn", normals)
    for part in used:
        lines += [f"usemtl {topology.part_names[part]}", "s 1", *_polygons(topology, part)]
    materials = [
        f"newmtl {topology.part_names[part]}\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {texture.name}\n" for part in used
    ]
    write_whole(texture, albedo_png(face))
    write_whole(material, "\n".join([*told, *materials]).encode())
    return write_whole(path, ("\n".join(lines) + "\n").encode())


def origin(face: Face, topology: Topology) -> dict[str, Any]:
    """How a face came about and under which licences, as it goes into exported files."""
    told = provenance.of_face(document_of(face))
    return told | {"head_licence": topology.licence, "head_provenance": topology.provenance}


class _Buffer:
    """The binary chunk of a GLB while it grows, with its views and accessors."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.views: list[gltf.BufferView] = []
        self.accessors: list[gltf.Accessor] = []

    def add(self, content: bytes, target: int | None = None) -> int:
        """Appends bytes, aligned to 4; returns the view."""
        self.content += bytes(-len(self.content) % 4)
        self.views.append(
            gltf.BufferView(buffer=0, byteOffset=len(self.content), byteLength=len(content), target=target)
        )
        self.content += content
        return len(self.views) - 1

    def add_vectors(self, vectors: FloatArray, kind: str, *, bounds: bool = False) -> int:
        """Appends an attribute of each vertex; returns the accessor. The standard wants positions' bounds."""
        view = self.add(np.ascontiguousarray(vectors, "<f4").tobytes(), gltf.ARRAY_BUFFER)
        accessor = gltf.Accessor(bufferView=view, componentType=gltf.FLOAT, count=len(vectors), type=kind)
        if bounds:
            accessor.min, accessor.max = vectors.min(axis=0).tolist(), vectors.max(axis=0).tolist()
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def add_indices(self, triangles: IntArray) -> int:
        """Appends triangles; returns the accessor."""
        view = self.add(np.ascontiguousarray(triangles, "<u4").tobytes(), gltf.ELEMENT_ARRAY_BUFFER)
        self.accessors.append(
            gltf.Accessor(bufferView=view, componentType=gltf.UNSIGNED_INT, count=triangles.size, type="SCALAR")
        )
        return len(self.accessors) - 1


def _corners(topology: Topology) -> tuple[NDArray[np.int64], IntArray]:
    """(N, 2) vertex and uv of each vertex of the file, which glTF cuts at seams, and (F, 3) into them."""
    pairs = np.stack([topology.faces.reshape(-1), topology.uv_faces.reshape(-1)], axis=1).astype(np.int64)
    corners, triangles = np.unique(pairs, axis=0, return_inverse=True)
    return corners, triangles.reshape(-1, 3).astype(np.int32)


def _polygons(topology: Topology, part: int) -> list[str]:
    """The lines of a part's quads, then of its lone triangles."""
    quads = 2 * len(topology.quads)
    rings = (
        (topology.quads, topology.uv_quads, topology.face_parts[:quads:2]),
        (*topology.lone, topology.face_parts[quads:]),
    )
    return [
        "f " + " ".join(f"{v}/{t}/{v}" for v, t in zip(ring, uv_ring, strict=True))
        for corners, uv_corners, parts in rings
        for ring, uv_ring in zip(corners[parts == part] + 1, uv_corners[parts == part] + 1, strict=True)
    ]


def _material(name: str) -> gltf.Material:
    texture = gltf.PbrMetallicRoughness(
        baseColorTexture=gltf.TextureInfo(index=0), metallicFactor=0.0, roughnessFactor=ROUGHNESS
    )
    return gltf.Material(name=name, pbrMetallicRoughness=texture, alphaMode=None, alphaCutoff=None)


def _rows(key: str, vectors: FloatArray) -> list[str]:
    """Nine digits bring a float32 back exactly."""
    return [key + "".join(f" {number:.9g}" for number in vector) for vector in vectors.tolist()]
