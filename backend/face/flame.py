"""Reads FLAME: the model as .npz, or the pickled original, with texture coordinates from a file beside it.

The model is licensed per user and is not at hand here: names and shapes are those of its published loaders
(TF_FLAME, smplx), and the tests build small files of that structure. Of its joints the jaw's become expressions
beside the published linear ones (`flame_jaw`); neck and eyes stay as they are.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import HeadInvalid
from . import arrays, obj, plainpickle
from .checks import landmark_points, mirror_of
from .flame_jaw import jaw_rows
from .mesh import IntArray, Landmarks, Topology, components
from .model import LinearFaceModel
from .regions import name_regions

ADVICE = "get FLAME and its texture space (flame.is.tue.mpg.de), put both in one folder and give the model's path"
IDENTITIES = 300  # the rows of `shapedirs` that are identity; what follows are expressions
LOPSIDED = 0.001  # metres a vertex may be from its mirror picture
HEIGHT = 3.0  # head units from the lowest to the highest vertex
MODELS = ("generic_model.pkl", "flame2023.pkl", "FLAME_NEUTRAL.npz", "FLAME_NEUTRAL.pkl")
LAYOUTS = ("FLAME_texture.npz", "FLAME_albedo_from_BFM.npz", "head_template.obj", "head_template_mesh.obj")
MARKS = "flame_static_embedding_68_v4.npz"
PARTS = ("skin", "left_eye", "right_eye")


def load(path: Path, device: str = "cpu") -> LinearFaceModel:
    """The head of a model file, or of a folder with one under its published name.

    `identity` weighs the published differences as they are: FLAME's betas are in standard deviations.

    Raises:
        HeadInvalid: a file is absent, damaged, holds more than arrays, or is of another mesh.
    """
    path = _first(path, MODELS, "a FLAME model") if path.is_dir() else path
    found = read_arrays(path)
    shapes: dict[str, arrays.Shape] = {"v_template": ("V", 3), "shapedirs": ("V", 3, "K"), "f": ("F", 3)}
    template, directions, triangles = arrays.take(str(path), found, shapes, ADVICE)
    faces = arrays.indices(str(path), "f", triangles, len(template), ADVICE)
    low, high = template.min(axis=0), template.max(axis=0)
    scale = (high[1] - low[1]) / HEIGHT
    rest = ((template - (low + high) / 2 * [0, 1, 1]) / scale).astype(np.float32)
    rows = (directions / scale).transpose(2, 0, 1).reshape(directions.shape[2], -1).astype(np.float32)
    uvs, uv_faces = _layout(path, len(faces))
    jaw = jaw_rows(str(path), found, template, ADVICE)
    names = [f"expression{number:03}" for number in range(max(len(rows) - IDENTITIES, 0))] + list(jaw)
    topology = _topology(rest, faces, uvs, uv_faces, _marks(path, len(faces)), tuple(names), float(scale))
    turned = [(row / scale).astype(np.float32).reshape(1, -1) for row in jaw.values()]
    basis = torch.from_numpy(np.concatenate([rows, *turned])).to(device)
    return LinearFaceModel(topology, basis[:IDENTITIES], basis[IDENTITIES:])


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a model file by name, of chumpy's objects the values; what else it holds is left out.

    Raises:
        HeadInvalid: absent, cut off, or a pickle that names anything but arrays.
    """
    if path.suffix == ".npz":
        return read_npz(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HeadInvalid(f"{path} cannot be read: {error}", advice=ADVICE) from error
    model = plainpickle.read(str(path), content)
    if not isinstance(model, dict):
        raise HeadInvalid(f"{path} holds {type(model).__name__}, expected a table of arrays", advice=ADVICE)
    values = {name: _values(value) for name, value in model.items()}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The numeric arrays of an .npz file; pickled ones are left out."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files if _is_plain(archive, name)}
    except arrays.DAMAGED as error:
        raise HeadInvalid(f"{path} cannot be read: {error}", advice=ADVICE) from error


def _is_plain(archive: Any, name: str) -> bool:
    """Whether an array can be read without unpickling: its header says so."""
    with archive.zip.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return not header(file)[2].hasobject


def _values(thing: Any) -> Any:
    """What a chumpy object holds under `x`, what a sparse matrix stands for; other things as they are."""
    if not isinstance(thing, plainpickle.Shell):
        return thing
    if thing.name.endswith(("csc_matrix", "csr_matrix")):
        return _dense(thing)
    return thing.state.get("x")


def _dense(sparse: plainpickle.Shell) -> np.ndarray | None:
    """A compressed matrix of scipy written out; None if its parts do not fit each other."""
    shape = sparse.state.get("_shape", sparse.state.get("shape"))
    parts = [sparse.state.get(name) for name in ("data", "indices", "indptr")]
    if not isinstance(shape, tuple) or len(shape) != 2 or not all(isinstance(part, np.ndarray) for part in parts):
        return None
    values, inner, starts = (np.asarray(part) for part in parts)
    by_column = sparse.name.endswith("csc_matrix")
    outer = np.repeat(np.arange(len(starts) - 1), np.diff(starts).clip(min=0))
    if not len(outer) == len(inner) == len(values) or len(starts) != shape[1 if by_column else 0] + 1:
        return None
    if len(inner) and not 0 <= inner.min() <= inner.max() < shape[0 if by_column else 1]:
        return None
    out = np.zeros(shape)
    np.add.at(out, (inner, outer) if by_column else (outer, inner), values)
    return out


def _first(folder: Path, names: tuple[str, ...], what: str) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise HeadInvalid(f"{folder} holds no {what}; looked for {', '.join(names)}", advice=ADVICE)


def _layout(path: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """uvs and uv_faces from the texture space or the template beside the model."""
    place = _first(path.parent, LAYOUTS, "texture coordinates for FLAME")
    if place.suffix == ".obj":
        mesh = obj.read(place)
        uvs, uv_faces = mesh.uvs, mesh.uv_polygons[:, :3]
    else:
        uvs, uv_faces = arrays.take(str(place), read_npz(place), {"vt": ("T", 2), "ft": ("F", 3)}, ADVICE)
    if len(uv_faces) != count:
        raise HeadInvalid(f"{place} has {len(uv_faces)} triangles, expected {count}", advice=ADVICE)
    return uvs.astype(np.float32), arrays.indices(str(place), "ft", uv_faces, len(uvs), ADVICE)


def _marks(path: Path, count: int) -> Landmarks | None:
    """The 68 landmarks, where their published file lies beside the model."""
    place = path.parent / MARKS
    if not place.is_file():
        return None
    wanted: dict[str, arrays.Shape] = {"lmk_face_idx": (68,), "lmk_b_coords": (68, 3)}
    faces, weights = arrays.take(str(place), read_npz(place), wanted, ADVICE)
    return Landmarks(arrays.indices(str(place), "lmk_face_idx", faces, count, ADVICE), weights.astype(np.float32))


def _parts(rest: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F,) into PARTS: the largest piece is the skin, the others are the eyeballs, told apart by their side."""
    piece = components(faces, len(rest))[faces[:, 0]]
    names, size = np.unique(piece, return_counts=True)
    parts = np.zeros(len(faces), np.int32)
    for name in names[names != names[size.argmax()]]:
        mine = piece == name
        parts[mine] = PARTS.index("left_eye" if rest[faces[mine], 0].mean() > 0 else "right_eye")
    return parts


def _topology(
    rest: np.ndarray,
    faces: np.ndarray,
    uvs: np.ndarray,
    uv_faces: np.ndarray,
    landmarks: Landmarks | None,
    expressions: tuple[str, ...],
    scale: float,
) -> Topology:
    parts = _parts(rest, faces)
    regions = {"head": np.ones(len(rest), np.float32)}
    if landmarks is not None:
        regions |= name_regions(rest, faces, parts, PARTS, landmark_points(rest, faces, landmarks))
    none = np.zeros((0, 4), np.int32)
    return Topology(
        faces=faces,
        quads=none,
        uvs=uvs,
        uv_faces=uv_faces,
        uv_quads=none,
        rest=rest,
        region_names=tuple(regions),
        region_weights=np.stack(list(regions.values())),
        part_names=PARTS,
        face_parts=parts,
        expression_names=expressions,
        head="flame",
        topology_id=hashlib.sha256(b"".join(a.tobytes() for a in (faces, uvs, uv_faces))).hexdigest()[:16],
        metres_per_unit=scale,
        licence="LicenseRef-FLAME",
        provenance="FLAME (Li et al., SIGGRAPH Asia 2017); its licence differs by version",
        landmarks=landmarks,
        mirror=_mirror(rest, faces, parts, scale),
    )


def _mirror(rest: np.ndarray, faces: np.ndarray, parts: np.ndarray, scale: float) -> IntArray | None:
    """By place alone, within LOPSIDED: its triangles' diagonals need not be mirror pictures. None if some are alone."""
    kinds = np.zeros(len(rest), np.int64)
    kinds[faces] = (parts > 0)[:, None]
    try:
        return mirror_of(rest, np.zeros((0, 2), np.int32), LOPSIDED / scale, kinds)
    except ValueError:
        return None
