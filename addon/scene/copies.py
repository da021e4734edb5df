# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of heads: Blender's Duplicate and Append copy the session too, and each copy must become one of its own."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import bpy

from . import steps


@dataclass
class State:
    counted: int = 0  # objects when copies were last looked for


state = State()


def part_new() -> None:
    """`part`, where objects have come or gone since: Blender asks at every move of the mouse that changes something."""
    if len(bpy.data.objects) != state.counted:
        state.counted = len(bpy.data.objects)
        part()


def part() -> None:
    """Gives every copy of a head a uid of its own; the one that was there first keeps it.

    Mesh, material and pictures stay shared until one of them changes, for `steps.own_session` to part. A copy gets
    the same uid each time that undo brings it back as it was copied.
    """
    taken: set[str] = set()
    copies = []
    for found in sorted(_own_heads(), key=lambda one: one.session_uid):
        if found.facewright.uid in taken:
            copies.append(found)
        taken.add(found.facewright.uid)
    for found in copies:
        made = found.facewright.uid
        while made in taken:
            made = uuid.uuid5(uuid.NAMESPACE_OID, f"{made} {found.name}").hex
        taken.add(made)
        found.facewright.uid = made
        steps.describe(found)


def _own_heads() -> Iterable[bpy.types.Object]:
    """The heads of this file that it may change."""
    return [
        found
        for found in bpy.data.objects
        if found.facewright.uid and found.library is None and found.override_library is None
    ]
