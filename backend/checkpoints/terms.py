"""Under what conditions checkpoints may come: licences, the network, whether the results are for sale.

Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import LicenceNotAccepted, NotForSale
from ..files import write_whole
from . import shelf
from .entries import Checkpoint
from .hub import Hub

SWITCHES = ("OFFLINE", "COMMERCIAL_SAFE")


@dataclass(frozen=True)
class Terms:
    """Under what conditions checkpoints may come.

    Attributes:
        accept: names of licences the user accepts now; remembered in `ckpts/licences.json`.
        offline: whether the network is forbidden, `$FACEWRIGHT_OFFLINE`; Blender's online access is passed so.
        for_sale: whether only what may be sold is wanted, `$FACEWRIGHT_COMMERCIAL_SAFE`.
        environ: where `HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN` are read.
        hub: another than the environment names.
    """

    accept: tuple[str, ...] = ()
    offline: bool = False
    for_sale: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    hub: Hub | None = None

    @classmethod
    def of(
        cls, environ: Mapping[str, str], accept: Iterable[str] = (), offline: bool = False, for_sale: bool = False
    ) -> Terms:
        """What the environment says, and the switches that are on."""
        forbidden, selling = (environ.get(f"FACEWRIGHT_{name}", "0") not in ("", "0") for name in SWITCHES)
        return cls(tuple(accept), offline or forbidden, for_sale or selling, environ)


def accepted_in() -> Path:
    """Where it is written down which licences were accepted."""
    return shelf.folder() / "licences.json"


def accepted() -> dict[str, str]:
    """The licences that were accepted, and when."""
    with contextlib.suppress(OSError, ValueError):
        return dict(json.loads(accepted_in().read_text(encoding="utf-8")))
    return {}


def admit(wanted: Checkpoint, terms: Terms) -> None:
    """Terms first: nothing comes that may not be used as it is meant to be.

    Raises:
        NotForSale, LicenceNotAccepted: nothing was asked of anyone.
    """
    if terms.for_sale and wanted.commercial is not True:
        said = "forbids selling" if wanted.commercial is False else "says nothing about selling"
        named = ", ".join(licence.name for licence in wanted.licences if licence.commercial is not True)
        raise NotForSale(f"the licence of {wanted.name} ({named}) {said}", advice="leave out --commercial-safe")
    before = accepted()
    asked = {licence.name: licence for licence in wanted.licences if licence.accept}
    now = {name for name in terms.accept if name in asked}
    if lacking := [licence for name, licence in asked.items() if name not in before and name not in now]:
        texts = "; ".join(f"{one.name} ({one.url or one.note})" for one in lacking)
        options = " ".join(f"--accept-licence {one.name}" for one in lacking)
        raise LicenceNotAccepted(
            f"{wanted.name} comes under {texts}", advice=f"read it and, if you accept it, add {options}"
        )
    if fresh := now - before.keys():
        write_whole(accepted_in(), json.dumps(before | dict.fromkeys(sorted(fresh), shelf.today()), indent=1).encode())
