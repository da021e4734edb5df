"""The edits of a face as layers: at other strengths, muted, in another order, on another face of the same head."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from .errors import HeadInvalid, UsageError
from .face import saved
from .face.layers import Face, Layer
from .provenance import EDITING

Changes = dict[str, Any]


def arranged(
    old: Face,
    name: str,
    strengths: dict[int, float],
    mute: tuple[int, ...],
    unmute: tuple[int, ...],
    order: tuple[int, ...] | None,
) -> tuple[Layer, ...]:
    """The layers as they are to be; numbers count from 1.

    Args:
        name: of the face, for messages.

    Raises:
        UsageError: a layer the face does not have, or an order that is not all of them once.
    """
    count = len(old.layers)
    wrong = [str(number) for number in (*strengths, *mute, *unmute, *(order or ())) if not 1 <= number <= count]
    if wrong:
        raise UsageError(f"no layer {', '.join(wrong)}", advice=f"{name} has {count} layers, counted from 1")
    if order is not None and sorted(order) != list(range(1, count + 1)):
        raise UsageError("--order must name every layer once", advice=f"{name} has {count} layers")
    changed = [
        replace(
            layer,
            strength=float(strengths.get(number, layer.strength)),
            muted=(layer.muted or number in mute) and number not in unmute,
        )
        for number, layer in enumerate(old.layers, start=1)
    ]
    return tuple(changed[number - 1] for number in order) if order else tuple(changed)


def copied(layers: tuple[Layer, ...], old: Face, onto: Path) -> Face:
    """The face in `onto` with these layers of `old` above its own; those that are muted stay behind.

    Raises:
        HeadInvalid: it is a face of another head.
        UsageError: its texture is of another size.
        FaceMissing, FaceInvalid: there is none, or it is damaged.
    """
    face = saved.load(onto)
    if face.topology_id != old.topology_id:
        raise HeadInvalid(
            f"{onto} is a face of the head {face.head} {face.topology_id}, the edits of {old.head} {old.topology_id}",
            advice="edits fit every face of the head they were made on; give the instruction again instead",
        )
    sizes = face.base_albedo.shape[0], old.base_albedo.shape[0]
    if sizes[0] != sizes[1]:
        raise UsageError(f"the texture of {onto} has {sizes[0]} texels a side, the edits have {sizes[1]}")
    return replace(
        face,
        layers=(*face.layers, *(layer for layer in layers if not layer.muted)),
        checkpoints={name: sha for name, sha in old.checkpoints.items() if name.startswith(EDITING)} | face.checkpoints,
        licences=old.licences | face.licences,
    )
