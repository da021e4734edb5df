"""The folder of one face: complete or absent, self-contained, never overwritten."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import struct
import time
import tokenize
import uuid
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from PIL import Image

from .. import provenance
from ..errors import FaceInvalid, FaceMissing, FolderExists, SchemaTooNew
from ..files import refusal, vacant, write_through
from .layers import Face, Layer, TexelArray, albedo, vertices

SCHEMA = 1
PARTIAL = re.compile(r"\..+\.[0-9a-f]{8}\.partial")  # the names that `save` writes under
STALE = 86400.0  # seconds after which no process still writes it
ADVICE = "restore the folder from a copy, or make the face again"
UNREADABLE = (  # all that numpy, zipfile, zlib and Pillow raise about damaged files
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    SyntaxError,
    RuntimeError,
    MemoryError,
    OverflowError,
    struct.error,
    tokenize.TokenError,
    zlib.error,
    zipfile.BadZipFile,
    Image.DecompressionBombError,
)
DOCUMENT = {
    "schema": int,
    "id": str,
    "kind": str,
    "prompt": str,
    "instruction": (str, type(None)),
    "head": str,
    "topology_id": str,
    "preset": str,
    "family": str,
    "seed": int,
    "parent": (str, type(None)),
    "layers": list,
    "checkpoints": dict,
    "licences": dict,
    "metrics": dict,
    "settings": dict,
    "words": dict,
}
LAYER = {
    "name": str,
    "instruction": str,
    "kind": str,
    "scope": str,
    "region": list,
    "strength": (int, float),
    "muted": bool,
    "seed": int,
}
# What a layer's delta.npz may hold; layers of before the coefficients were kept lack those.
DELTA = {"texels": np.int16, "offsets": np.float32, "identity": np.float32, "sliders": np.float32}


def save(face: Face, folder: Path) -> Path:
    """Writes a face under a temporary name beside `folder`, then renames it; sweeps what crashes left there.

    Raises:
        FolderExists: there is something of that name.
        FolderUnwritable, DiskFull: nothing was left behind.
        FaceInvalid: an array of the wrong shape, or a value that is no number.
    """
    check(face, folder)
    document = document_of(face)
    try:
        json.dumps(document, allow_nan=False)
    except ValueError as error:
        raise FaceInvalid(f"{folder}: the metrics or settings hold what is no number", advice=ADVICE) from error
    vacant(folder)
    partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        partial.mkdir(parents=True)
        for name, content in _files(face).items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_through(path, content)
        document["id"] = identify(partial)
        write_through(partial / "face.json", json.dumps(document, indent=1).encode())
        partial.rename(folder)
    except OSError as error:
        if os.path.lexists(folder):
            raise FolderExists(f"{folder} exists", advice="name a folder that does not exist yet") from error
        raise refusal(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _sweep(folder.parent)
    return folder


def load(folder: Path) -> Face:
    """Reads a face and checks all of it.

    Raises:
        FaceMissing: there is no face in the folder.
        SchemaTooNew: a later version wrote it.
        FaceInvalid: a file is missing, damaged or of the wrong shape, or is not the one that was saved.
    """
    document = read_document(folder)
    coefficients = _read_arrays(
        folder / "coefficients.npz",
        dict.fromkeys(("identity", "sliders", "expression", "offsets"), np.float32),
    )
    base = _read_arrays(folder / "base.npz", {"vertices": np.float32, "albedo": np.uint8})
    mesh = _read_arrays(folder / "mesh.npz", {"vertices": np.float32, "expressions": np.float32})
    now = _read_png(folder / "albedo.png", "RGB")
    preview = folder / "preview.png"
    face = Face(
        **{name: document[name] for name in DOCUMENT if name not in ("schema", "id", "layers")},
        **coefficients,
        base_vertices=base["vertices"],
        base_albedo=base["albedo"],
        expressions=mesh["expressions"],
        layers=tuple(
            _read_layer(folder / _layer_folder(number), entry) for number, entry in enumerate(document["layers"], 1)
        ),
        preview=preview.read_bytes() if preview.is_file() else None,
    )
    check(face, folder)
    if not np.array_equal(albedo(face), now):
        raise FaceInvalid(f"{folder / 'albedo.png'} is not base.npz followed by the layers", advice=ADVICE)
    if not np.array_equal(vertices(face), mesh["vertices"]):
        raise FaceInvalid(f"{folder / 'mesh.npz'} is not base.npz followed by the layers", advice=ADVICE)
    if identify(folder) != document["id"]:
        raise FaceInvalid(f"the files of {folder} are not those its face.json names by id", advice=ADVICE)
    return face


def read_document(folder: Path) -> dict[str, Any]:
    """The contents of face.json, each field of its type.

    Raises:
        FaceMissing, SchemaTooNew, FaceInvalid: as for `load`.
    """
    path = folder / "face.json"
    if not path.is_file():
        raise FaceMissing(f"{path} is not there", advice="name a folder that `generate` or `edit` wrote")
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        raise FaceInvalid(f"{path} is not JSON: {error}", advice=ADVICE) from error
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise FaceInvalid(f"{path} states no schema", advice=ADVICE)
    if document["schema"] > SCHEMA:
        raise SchemaTooNew(
            f"{path} has schema {document['schema']}, this version reads up to {SCHEMA}",
            advice="open it with the version that made it, or update Facewright",
        )
    document.setdefault("words", {})  # the first faces have none
    _check_fields(document, DOCUMENT, path, "")
    for number, entry in enumerate(document["layers"], 1):
        _check_fields(entry, LAYER, path, f"layer {number}: ")
        _check_fields({"details": {}} | entry, {"details": dict}, path, f"layer {number}: ")
    return document


def identify(folder: Path) -> str:
    """sha256 over the names and bytes of a face's files, in order of name, without face.json and caches."""
    digest = hashlib.sha256()
    paths = [folder / f"{stem}" for stem in ("albedo.png", "base.npz", "coefficients.npz", "mesh.npz", "preview.png")]
    paths += folder.glob("layers/*/*.npz")
    paths += folder.glob("layers/*/*.png")
    for path in sorted(paths, key=lambda path: path.relative_to(folder).as_posix()):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def png(texels: TexelArray) -> bytes:
    """A picture (H, W, 3) or (H, W) as a PNG file; the same texels give the same bytes."""
    stream = BytesIO()
    Image.fromarray(texels).save(stream, "PNG")
    return stream.getvalue()


def albedo_png(face: Face) -> bytes:
    """The albedo as a PNG file that says where it comes from."""
    return provenance.into_png(png(albedo(face)), provenance.of_texture(document_of(face)))


def check(face: Face, folder: Path) -> None:
    """Raises FaceInvalid where the arrays of a face do not fit each other or hold what is no number."""
    V, S, E = len(face.base_vertices), len(face.base_albedo), len(face.expression)
    expected: list[tuple[str, NDArray[Any] | None, tuple[int | None, ...]]] = [
        ("coefficients.npz identity", face.identity, (None,)),
        ("coefficients.npz sliders", face.sliders, (None,)),
        ("coefficients.npz expression", face.expression, (None,)),
        ("coefficients.npz offsets", face.offsets, (V, 3)),
        ("base.npz vertices", face.base_vertices, (V, 3)),
        ("base.npz albedo", face.base_albedo, (S, S, 3)),
        ("mesh.npz expressions", face.expressions, (E, V, 3)),
    ]
    for number, layer in enumerate(face.layers, 1):
        inside = _layer_folder(number)
        expected += [
            (f"{inside}/mask.png", layer.mask, (S, S)),
            (f"{inside}/weights.npz weights", layer.weights, (V,)),
            (f"{inside}/delta.npz texels", layer.texels, (S, S, 3)),
            (f"{inside}/delta.npz offsets", layer.offsets, (V, 3)),
            (f"{inside}/delta.npz identity", layer.identity, face.identity.shape),
            (f"{inside}/delta.npz sliders", layer.sliders, face.sliders.shape),
        ]
        if not np.isfinite(layer.strength):
            raise FaceInvalid(f"{folder}: the strength of layer {number} is {layer.strength}", advice=ADVICE)
        if (layer.texels is not None and layer.mask is None) or (layer.offsets is not None and layer.weights is None):
            raise FaceInvalid(f"{folder}: layer {number} changes something through no mask", advice=ADVICE)
    for name, array, shape in expected:
        if array is None:
            continue
        if array.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, array.shape, strict=True)):
            raise FaceInvalid(f"{folder}: {name} has the shape {array.shape}, expected {shape}", advice=ADVICE)
        if not np.isfinite(array).all():
            raise FaceInvalid(f"{folder}: {name} holds values that are no numbers", advice=ADVICE)


def _sweep(place: Path) -> None:
    """Removes the half-written faces of processes that were killed, a day after."""
    for path in place.glob(".*.partial"):
        with contextlib.suppress(OSError):
            stale = PARTIAL.fullmatch(path.name) and time.time() - path.lstat().st_mtime > STALE
            if stale and path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)


def _layer_folder(number: int) -> str:
    return f"layers/{number:02d}"


def document_of(face: Face) -> dict[str, Any]:
    """What face.json says of a face; its id is counted when it is saved."""
    document: dict[str, Any] = {"schema": SCHEMA, "id": "", "generator": provenance.GENERATOR}
    document |= {name: getattr(face, name) for name in DOCUMENT if name not in document}
    document["layers"] = [{name: getattr(layer, name) for name in (*LAYER, "details")} for layer in face.layers]
    return document


def _files(face: Face) -> dict[str, bytes]:
    """The files of a face but face.json, by name."""
    files = {
        "coefficients.npz": _npz(
            identity=face.identity, sliders=face.sliders, expression=face.expression, offsets=face.offsets
        ),
        "mesh.npz": _npz(vertices=vertices(face), expressions=face.expressions),
        "albedo.png": albedo_png(face),
        "base.npz": _npz(vertices=face.base_vertices, albedo=face.base_albedo),
    }
    if face.preview is not None:
        files["preview.png"] = face.preview
    for number, layer in enumerate(face.layers, 1):
        inside = _layer_folder(number)
        delta = {name: getattr(layer, name) for name in DELTA}
        files[f"{inside}/delta.npz"] = _npz(**{name: array for name, array in delta.items() if array is not None})
        if layer.mask is not None:
            files[f"{inside}/mask.png"] = png(layer.mask)
        if layer.weights is not None:
            files[f"{inside}/weights.npz"] = _npz(weights=layer.weights)
    return files


def _npz(**arrays: Any) -> bytes:
    stream = BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def _read_layer(folder: Path, entry: dict[str, Any]) -> Layer:
    delta = _read_arrays(folder / "delta.npz", {}, DELTA)
    arrays: dict[str, Any] = {name: delta.get(name) for name in DELTA}
    mask, weights = folder / "mask.png", folder / "weights.npz"
    return Layer(
        **{name: entry[name] for name in LAYER if name not in ("region", "strength")},
        details=entry.get("details", {}),
        region=tuple(entry["region"]),
        strength=float(entry["strength"]),
        mask=_read_png(mask, "L") if mask.exists() else None,
        weights=_read_arrays(weights, {"weights": np.float32})["weights"] if weights.exists() else None,
        **arrays,
    )


def _read_arrays(
    path: Path, wanted: dict[str, DTypeLike], optional: dict[str, DTypeLike] | None = None
) -> dict[str, Any]:
    """Named arrays of an .npz file; what the file holds besides is for later versions."""
    if not path.is_file():
        raise FaceInvalid(f"{path} is missing", advice=ADVICE)
    arrays: dict[str, Any] = {}
    types = wanted | (optional or {})
    try:
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as file:
            for name in types.keys() & set(file.files):
                arrays[name] = file[name]
    except UNREADABLE as error:
        raise FaceInvalid(f"{path} cannot be read as .npz: {error}", advice=ADVICE) from error
    for name, dtype in types.items():
        if name in wanted and name not in arrays:
            raise FaceInvalid(f"{path} holds no {name}", advice=ADVICE)
        if name in arrays and arrays[name].dtype != dtype:
            found, expected = arrays[name].dtype, np.dtype(dtype)
            raise FaceInvalid(f"{path}: {name} is {found}, expected {expected}", advice=ADVICE)
    return arrays


def _read_png(path: Path, mode: str) -> TexelArray:
    if not path.is_file():
        raise FaceInvalid(f"{path} is missing", advice=ADVICE)
    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.mode != mode:
                raise FaceInvalid(f"{path} is a {image.mode} picture, expected {mode}", advice=ADVICE)
            return np.asarray(image)
    except UNREADABLE as error:
        raise FaceInvalid(f"{path} cannot be read as PNG: {error}", advice=ADVICE) from error


def _check_fields(entry: Any, fields: dict[str, Any], path: Path, where: str) -> None:
    if not isinstance(entry, dict):
        raise FaceInvalid(f"{path}: {where or 'it '}is no JSON object", advice=ADVICE)
    for name, kind in fields.items():
        if name not in entry:
            raise FaceInvalid(f"{path}: {where}no {name!r}", advice=ADVICE)
        if not isinstance(entry[name], kind):
            raise FaceInvalid(f"{path}: {where}{name!r} is {entry[name]!r}", advice=ADVICE)
