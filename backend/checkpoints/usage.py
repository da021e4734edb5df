"""Under which licences a face is made: those of the head and of the networks it takes. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import NotForSale
from .entries import Checkpoint, known
from .places import roles_of
from .terms import Terms


def filling(family: str, role: str) -> list[Checkpoint]:
    """The registry's entries whose networks fill a role of a family."""
    every = known()
    folders = roles_of(family)[role].values()
    return [every[name] for name in dict.fromkeys(folder.split("/")[0] for folder in folders) if name in every]


def licences(used: list[Checkpoint]) -> dict[str, str]:
    """SPDX expression by name of the checkpoint, as a face's `licences` holds it."""
    return {one.name: " AND ".join(licence.spdx for licence in one.licences) for one in used}


def refuse_unsold(used: list[Checkpoint], environ: Mapping[str, str]) -> None:
    """With `$FACEWRIGHT_COMMERCIAL_SAFE`, refuses what may not be sold, or of which nobody says so.

    Raises:
        NotForSale: nothing was made.
    """
    if Terms.of(environ).for_sale and (unsold := [one for one in used if one.commercial is not True]):
        named = ", ".join(f"{one.name} ({' + '.join(licence.name for licence in one.licences)})" for one in unsold)
        raise NotForSale(
            f"what is made with {named} may not be sold",
            advice="use another head or other networks, or unset FACEWRIGHT_COMMERCIAL_SAFE",
        )
