"""The one door to all heads: a file or folder of any known model becomes a FaceModel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..errors import HeadInvalid, HeadMissing
from . import anny, flame, hifi3d, ict
from .framing import framed
from .mesh import Topology
from .model import LinearFaceModel

ADVICE = "give the path of a head: anny.npz, ICT-FaceKit's FaceXModel, HIFI3D++.mat, or a FLAME model"
PLACES: dict[str, tuple[str, ...]] = {  # where a head of that name lies in a folder of heads
    "anny": ("starter/anny.npz", "anny.npz"),
    "ict": ("FaceXModel", "ICT-FaceKit/FaceXModel", "ict-facekit/FaceXModel", "ict/FaceXModel"),
    "hifi3d": ("HIFI3D++.mat", "HIFI3D/HIFI3D++.mat", "HIFI3D", "hifi3d"),
    "flame": tuple(f"{folder}{name}" for folder in ("", "FLAME/", "flame/", "FLAME2020/") for name in flame.MODELS),
}


def open_head(name_or_path: str | Path, folders: Sequence[Path] = (), device: str = "cpu") -> LinearFaceModel:
    """A head by the name of its model (anny, ict, hifi3d, flame), looked for in `folders`, or by its path.

    All are framed alike in pictures: see `framing`.

    Raises:
        HeadMissing: it lies nowhere; says where it was looked for.
        HeadInvalid: of no known kind, or damaged: the file, what was found, what was expected.
    """
    path = find_head(name_or_path, folders)
    model = _reader(path)(path, device)
    check(model, path)
    return model if model.topology.head == "anny" else framed(model, path)


def find_head(name_or_path: str | Path, folders: Sequence[Path] = ()) -> Path:
    """Where a head lies, by the name of its model or by its path.

    Raises:
        HeadMissing: it lies nowhere; says where it was looked for.
    """
    name = str(name_or_path)
    if name not in PLACES:
        if not Path(name).exists():
            raise HeadMissing(f"{name} is not there", advice=ADVICE)
        return Path(name)
    places = [folder / inside for folder in folders for inside in PLACES[name]]
    for place in places:
        if place.exists():
            return place
    looked = ", ".join(str(folder) for folder in folders) or "no folder at all"
    raise HeadMissing(f"no head {name!r} in {looked}; expected {' or '.join(PLACES[name])}", advice=ADVICE)


def _reader(path: Path) -> Callable[[Path, str], LinearFaceModel]:
    """Told by what lies there, not by what the user calls it."""
    if path.is_dir():
        inside = path / "FaceXModel"
        if (path / ict.NEUTRAL).is_file() or inside.is_dir():
            return lambda folder, device: ict.load(inside if inside.is_dir() else folder, device)
        return flame.load if any((path / name).is_file() for name in flame.MODELS) else hifi3d.load
    kind = path.suffix.lower()
    if kind == ".obj":
        return lambda file, device: ict.load(file.parent, device)
    if kind == ".npz":
        return flame.load if "shapedirs" in flame.read_npz(path) else anny.load
    readers = {".mat": hifi3d.load, ".zip": hifi3d.load, ".pkl": flame.load}
    if kind not in readers:
        raise HeadInvalid(f"{path} is no head: found {kind or 'a file without ending'}", advice=ADVICE)
    return readers[kind]


def check(model: LinearFaceModel, path: Path) -> None:
    """Refuses a head whose parts do not fit each other.

    Raises:
        HeadInvalid: an array of another size, an index beyond what it points at, a value that is no number.
    """
    topology = model.topology
    flat = topology.rest.size
    for name, basis, rows in (
        ("the identity basis", model.identity_basis, model.identity_size),
        ("the expressions", model.expression_basis, len(topology.expression_names)),
        ("the sliders' rows", model.local_rows, len(model.local_rows)),
    ):
        if basis.shape != (rows, flat):
            raise HeadInvalid(f"{path}: {name} are {tuple(basis.shape)}, expected {(rows, flat)}", advice=ADVICE)
        if not basis.isfinite().all():
            raise HeadInvalid(f"{path}: {name} hold values that are no numbers", advice=ADVICE)
    _check_topology(topology, path)


def _check_topology(topology: Topology, path: Path) -> None:
    count, triangles = len(topology.rest), len(topology.faces)
    for name, array in (("rest", topology.rest), ("uvs", topology.uvs), ("region_weights", topology.region_weights)):
        if not np.isfinite(array).all():
            raise HeadInvalid(f"{path}: {name} holds values that are no numbers", advice=ADVICE)
    indices = {
        "faces": (topology.faces, (triangles, 3), count),
        "uv_faces": (topology.uv_faces, (triangles, 3), len(topology.uvs)),
        "quads": (topology.quads, (len(topology.quads), 4), count),
        "uv_quads": (topology.uv_quads, (len(topology.quads), 4), len(topology.uvs)),
        "face_parts": (topology.face_parts, (triangles,), len(topology.part_names)),
    }
    for name, (array, shape, beyond) in indices.items():
        if array.shape != shape:
            raise HeadInvalid(f"{path}: {name} is {array.shape}, expected {shape}", advice=ADVICE)
        if array.size and not 0 <= array.min() <= array.max() < beyond:
            found = f"{array.min()} to {array.max()}"
            raise HeadInvalid(f"{path}: {name} runs from {found}, expected 0 to {beyond - 1}", advice=ADVICE)
    weights = (len(topology.region_names), count)
    if topology.region_weights.shape != weights:
        raise HeadInvalid(
            f"{path}: region_weights is {topology.region_weights.shape}, expected {weights}", advice=ADVICE
        )
