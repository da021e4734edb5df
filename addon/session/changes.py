# SPDX-License-Identifier: GPL-3.0-or-later
"""New faces made of old ones without the backend: moved sliders, and what hands have sculpted or painted.

All keep what every face keeps: its mesh is its base followed by its layers, in the order and the arithmetic of
`backend/face/layers.py`.
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..link.bundle import errors, provenance
from .face import Face, arrays_of, face_of, identify, npz_of
from .png import encode
from .sliders import Sliders

FloatArray = NDArray[np.float32]
Texels = NDArray[np.uint8]
SCULPTED, PAINTED = "sculpted by hand", "painted by hand"


def move_sliders(face: Face, sliders: Sliders, by: FloatArray, label: str) -> Face:
    """The face with its sliders moved `by` so much (S,); identity, layers and texture stay.

    Raises:
        errors.FaceInvalid: a file of the face is damaged.
    """
    kept, base = _arrays(face, "coefficients.npz"), _arrays(face, "base.npz")
    before = base_sliders(face, sliders)
    after = (before + by).astype(np.float32)
    base["vertices"] = base["vertices"] + sliders.difference(before, after)
    files = {**face.files, "coefficients.npz": npz_of(**{**kept, "sliders": after})}
    files["base.npz"] = npz_of(**base)
    return _finish(face, files, "sliders", label, face.document["layers"], base["vertices"], face.expressions)


def base_sliders(face: Face, sliders: Sliders) -> FloatArray:
    """(S,) where the face's sliders are before its first layer; the head's defaults where the face has none."""
    found = _arrays(face, "coefficients.npz")["sliders"]
    return found if found.shape == sliders.defaults.shape else sliders.defaults


def slider_values(face: Face, sliders: Sliders) -> FloatArray:
    """(S,) where the face's sliders are with what its layers add, as strong as they are."""
    total = base_sliders(face, sliders).copy()
    for number, layer in enumerate(face.document["layers"], start=1):
        added = _arrays(face, f"layers/{number:02d}/delta.npz").get("sliders")
        if added is not None and added.shape == total.shape and not layer["muted"]:
            total += np.float32(layer["strength"]) * added
    return total


def sculpt(face: Face, vertices: FloatArray, expressions: FloatArray) -> Face:
    """The face as hands have left it (V, 3), in head units: one more layer for the shape, expressions replaced.

    Raises:
        errors.FaceInvalid: a file of the face is damaged.
    """
    offsets = (vertices - face.vertices).astype(np.float32)
    weights = np.any(offsets != 0, axis=1).astype(np.float32)
    entries = [*face.document["layers"], _layer(SCULPTED, "geometry")]
    inside = f"layers/{len(entries):02d}"
    files = {
        **face.files,
        f"{inside}/delta.npz": npz_of(offsets=offsets),
        f"{inside}/weights.npz": npz_of(weights=weights),
    }
    base = _arrays(face, "base.npz")["vertices"]
    return _finish(face, files, "sculpt", SCULPTED, entries, base, expressions)


def paint(face: Face, before: Texels, after: Texels) -> Face:
    """The face whose albedo (S, S, 3) hands have changed from `before`: one more layer.

    Raises:
        errors.FaceInvalid: a file of the face is damaged.
    """
    entries = [*face.document["layers"], _layer(PAINTED, "texture")]
    inside = f"layers/{len(entries):02d}"
    mask = np.where((before != after).any(axis=2), np.uint8(255), np.uint8(0))
    files = {
        **face.files,
        f"{inside}/delta.npz": npz_of(texels=after.astype(np.int16) - before.astype(np.int16)),
        f"{inside}/mask.png": encode(mask),
        "albedo.png": provenance.into_png(encode(after), provenance.of_texture({**face.document, "layers": entries})),
    }
    base = _arrays(face, "base.npz")["vertices"]
    return _finish(face, files, "paint", PAINTED, entries, base, face.expressions)


def _layer(name: str, kind: str) -> dict[str, Any]:
    made = {"name": name, "instruction": name, "kind": kind, "scope": kind, "region": []}
    return {**made, "strength": 1.0, "muted": False, "seed": 0}


def add_offsets(vertices: FloatArray, strength: float, weights: FloatArray, offsets: FloatArray) -> FloatArray:
    """(V, 3) vertices + strength · weights · offsets in float32; weight 0 keeps its bytes."""
    inside = np.nonzero(weights)
    changed = vertices.copy()
    changed[inside] += np.float32(strength) * weights[inside][:, None] * offsets[inside]
    return changed


def _finish(
    face: Face,
    files: dict[str, bytes],
    kind: str,
    label: str,
    layers: list[dict[str, Any]],
    base: FloatArray,
    expressions: FloatArray,
) -> Face:
    """The face whose vertices are the base followed by the layers; the old picture of it is dropped."""
    vertices = base
    for number, layer in enumerate(layers, start=1):
        inside = f"layers/{number:02d}"
        delta = arrays_of(files[f"{inside}/delta.npz"])
        if layer["muted"] or layer["strength"] == 0 or "offsets" not in delta or f"{inside}/weights.npz" not in files:
            continue
        weights = arrays_of(files[f"{inside}/weights.npz"])["weights"]
        vertices = add_offsets(vertices, layer["strength"], weights, delta["offsets"])
    files["mesh.npz"] = npz_of(vertices=vertices, expressions=expressions.astype(np.float32))
    files.pop("preview.png", None)
    parent = face.document["id"] or None  # a face at rest was never kept
    document = {**face.document, "kind": kind, "instruction": label, "parent": parent, "layers": layers}
    document["id"] = identify(files)
    files["face.json"] = json.dumps(document, indent=1).encode()
    return face_of(files, label)


def _arrays(face: Face, name: str) -> dict[str, NDArray[Any]]:
    try:
        return arrays_of(face.files[name])
    except (KeyError, ValueError) as error:
        raise errors.FaceInvalid(f"{name} of the face is damaged: {error}", advice="go back a step") from None
