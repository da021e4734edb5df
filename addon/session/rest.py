# SPDX-License-Identifier: GPL-3.0-or-later
"""The face of a new head, which no job has made: what its first step is made of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..link.bundle import errors, provenance
from .face import SCHEMA, Face, face_of, npz_of

if TYPE_CHECKING:
    from .head import Head


@dataclass(frozen=True)
class Rest:
    """What a face needs of a head model besides its mean: the PNG that new heads wear, how many identities it has."""

    albedo: bytes
    identity_size: int


def read_rest(values: Mapping[str, NDArray[Any]], meta: Mapping[str, Any], beside: Path) -> Rest | None:
    """Of a head file's arrays and its `meta`; None of a file that earlier versions have made of another model.

    Args:
        beside: where the picture of the embedded head lies.
    """
    if "albedo" in values:
        return Rest(values["albedo"].tobytes(), int(meta["identity_size"]))
    if "identity_coefficients" in values and beside.is_file():
        return Rest(beside.read_bytes(), len(values["identity_coefficients"]))
    return None


def require_rest(head: "Head") -> Rest:
    """Raises errors.HeadInvalid: the head file has none."""
    if head.rest_face is None:
        raise errors.HeadInvalid(
            f"the file of the head model {head.name} is an older Facewright's",
            advice=f"delete {head.name}.npz from the folder heads of $FACEWRIGHT_HOME and press New Head",
        )
    return head.rest_face


def face_at_rest(head: "Head", texels: NDArray[np.uint8]) -> Face:
    """The head model's mean in its own texture, whole as if a backend had made it.

    It is kept nowhere and has no id: what is made of it names no parent. Its family is empty, for no networks had a
    part in it; "none" is that of imported faces, which may show somebody.

    Args:
        texels: (S, S, 3) the head's albedo, row 0 on top.
    Raises:
        errors.HeadInvalid: the head file is an older one.
    """
    rest = require_rest(head)
    document: dict[str, Any] = {"schema": SCHEMA, "id": "", "generator": provenance.GENERATOR}
    document |= {"kind": "generate", "prompt": "", "instruction": None, "preset": "none", "family": "", "seed": 0}
    document |= {"head": head.name, "topology_id": head.topology_id, "parent": None, "layers": []}
    document |= {"checkpoints": {}, "licences": {head.name: head.licence}, "metrics": {}, "settings": {}, "words": {}}
    coefficients = {
        "identity": np.zeros(rest.identity_size, np.float32),
        "sliders": head.sliders.defaults if head.sliders else np.zeros(0, np.float32),
        "expression": np.zeros(len(head.expressions), np.float32),
        "offsets": np.zeros_like(head.rest),
    }
    files = {
        "face.json": json.dumps(document, indent=1).encode(),
        "coefficients.npz": npz_of(**coefficients),
        "base.npz": npz_of(vertices=head.rest, albedo=texels),
        "mesh.npz": npz_of(vertices=head.rest, expressions=head.expressions),
        "albedo.png": provenance.into_png(rest.albedo, provenance.of_texture(document)),
    }
    return face_of(files, f"a new {head.name} head")
