"""What jobs keep between calls: heads and networks, loaded once."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from . import checkpoints, warm
from .checkpoints import FamilyProfile
from .diffusion.folders import native_dtype
from .diffusion.model import Diffusion
from .diffusion.plans import PLANS, MemoryPlan, below, plan_for
from .errors import HeadInvalid, HeadMissing, UsageError
from .face.correspond import correspond, with_sliders
from .face.headfile import slider_names
from .face.heads import find_head, open_head
from .face.layers import Face
from .face.mesh import Topology
from .face.model import LinearFaceModel
from .face.saved import png
from .face.shoulders import Shoulders, read as read_shoulders, with_shoulders
from .files import write_whole
from .render.carry import worn_by
from .render.picture import Surface
from .render.plain import plain_albedo

HEAD = "anny"
ALBEDO = 1024
KEPT = 3  # heads in memory at once; ICT with its sliders takes 170 MB


@dataclass(frozen=True, eq=False)
class Networks:
    """A family's networks, each role loaded when it is asked for.

    Attributes:
        base: a folder of checkpoints that is looked at before all others.
        device: where they compute, in the precision that suits it; `plan`: how they share its memory.
    """

    family: FamilyProfile
    base: Path | None = None
    device: str = "cpu"
    plan: MemoryPlan = PLANS[0]

    @property
    def draw(self) -> Diffusion:
        return self._loaded("text-to-image")

    @property
    def edit(self) -> Diffusion:
        return self._loaded("instruct-edit")

    def _loaded(self, role: str) -> Diffusion:
        """Kept on the shelf while there is memory for it."""
        name = self.family.name
        key = (role, name, str(self.base or ""), self.device, self.plan.name)
        each = native_dtype(self.device).itemsize
        return warm.SHELF.get(
            key,
            lambda: warm.weights_mb(self.folders(role), each),
            self.family.step_mb,
            lambda: Diffusion.load(self.folders(role), self.device, plan=self.plan),
        )

    def folders(self, role: str) -> dict[str, Path]:
        """Where the parts of a role lie; raises CheckpointMissing where one does not."""
        return checkpoints.components(self.family.name, role, self.base)

    def hashes(self, *roles: str) -> dict[str, str]:
        """sha256 by role and part of its weights."""
        parts = {role: checkpoints.hashes(self.folders(role)) for role in roles}
        return {f"{role}/{name}": digest for role, each in parts.items() for name, digest in each.items()}

    def offered(self, roles: Sequence[str]) -> list[str]:
        """Those of the roles that the family has here."""
        return [role for role in roles if checkpoints.offers(self.family.name, role, self.base)]

    def known(self, roles: Sequence[str]) -> dict[str, Diffusion]:
        """Those of the roles that the family has here, by role."""
        return {role: self._loaded(role) for role in self.offered(roles)}


@dataclass(frozen=True)
class Workshop:
    """One head and the networks.

    Attributes:
        head: name or path, as `open_head` takes it.
    """

    head: str
    networks: Networks

    @property
    def base(self) -> Path | None:
        return self.networks.base

    @property
    def family(self) -> FamilyProfile:
        return self.networks.family

    @cached_property
    def model(self) -> LinearFaceModel:
        """Raises HeadMissing, with what to download, or HeadInvalid."""
        kept = checkpoints.heads_folder()
        folders = [*checkpoints.roots(self.base), *([kept] if kept else [])]
        try:
            path = find_head(self.head, folders).absolute()
        except HeadMissing as error:
            raise HeadMissing(error.message, advice=checkpoints.head_advice(self.head) or error.advice) from error
        model = open_head(path)
        if model.topology.landmarks is not None and not model.slider_names and self.head != HEAD:
            giver = _workshop(HEAD, self.networks).model
            model = with_sliders(model, giver, correspond(giver.topology, model.topology, kept))
        if kept and not path.is_relative_to(checkpoints.BESIDE):
            _remember(kept, model, path)
        return model

    def slider_names(self) -> dict[str, tuple[str, str]]:
        """Label and group of each slider: all heads have the embedded one's, or none."""
        return slider_names(find_head(HEAD, checkpoints.roots(self.base)))

    @cached_property
    def surface(self) -> Surface:
        return Surface.of(self.model.topology)

    @cached_property
    def shoulders(self) -> Shoulders:
        """Raises UsageError: a head for which none are made."""
        topology = self.model.topology
        known = checkpoints.registry()["heads"].get(topology.head, {})
        if "shoulders" not in known:
            raise UsageError(f"there are no shoulders for the head {topology.head}", advice="leave out --shoulders")
        return read_shoulders(checkpoints.find(known["shoulders"], self.base), topology)

    @cached_property
    def bust(self) -> tuple[Topology, Surface]:
        """The head with its shoulders."""
        topology = with_shoulders(self.model.topology, self.shoulders)
        return topology, Surface.of(topology)

    @cached_property
    def albedo(self) -> np.ndarray:
        """(S, S, 3) uint8: the texture a new head wears."""
        topology = self.model.topology
        known = checkpoints.registry()["heads"].get(topology.head, {})
        if "albedo" in known:
            with Image.open(checkpoints.find(known["albedo"], self.base)) as picture:
                return np.asarray(picture.convert("RGB"))
        if topology.landmarks is None:
            return plain_albedo(topology, ALBEDO)
        return self._borrowed()

    def _borrowed(self) -> np.ndarray:
        """The embedded head's texture, carried across; kept, for it takes seconds."""
        topology, giver = self.model.topology, _workshop(HEAD, self.networks)
        kept, digest = checkpoints.heads_folder(), hashlib.sha256(giver.albedo.tobytes()).hexdigest()[:16]
        path = kept / f"{topology.topology_id}-{digest}.png" if kept else None
        if path and path.is_file():
            with contextlib.suppress(OSError, SyntaxError), Image.open(path, formats=["PNG"]) as picture:
                if picture.mode == "RGB" and picture.size == (ALBEDO, ALBEDO):
                    return np.asarray(picture)
        albedo = worn_by(correspond(giver.model.topology, topology, kept), giver.albedo, ALBEDO)
        if path:
            write_whole(path, png(albedo))
        return albedo

    def licences(self, *roles: str) -> dict[str, str]:
        """SPDX expressions of the head, of the one that lends it skin and sliders, and of the networks of the roles.

        Raises:
            NotForSale: `$FACEWRIGHT_COMMERCIAL_SAFE` is set, and one of them forbids selling or says nothing of it.
        """
        topology, known = self.model.topology, checkpoints.known()
        heads = [topology.head] if topology.landmarks is None else [topology.head, HEAD]
        used = [known[name] for name in dict.fromkeys(heads) if name in known]
        used += [one for role in roles for one in checkpoints.filling(self.family.name, role)]
        checkpoints.refuse_unsold(used, os.environ)
        return {**checkpoints.licences(used), topology.head: topology.licence}

    @property
    def draw(self) -> Diffusion:
        return self.networks.draw

    @property
    def edit(self) -> Diffusion:
        return self.networks.edit


def open_workshop(
    head: str | None = None, base: Path | None = None, family: str = "auto", device: str | None = None
) -> Workshop:
    """The workshop of a head by name or path, the embedded one by default, with a family's networks.

    Args:
        device: "cpu" or "cuda"; by default the card, if there is one, for families that need it.

    Raises:
        CheckpointUnknown, CheckpointMissing: `family` is none, or is not there.
        UsageError: there is no such device.
    """
    torch.set_num_threads(min(4, torch.get_num_threads()))
    return _workshop(head or HEAD, _networks(*_settled(family, base, device, _plans["roomiest"]), base))


def retreat() -> str | None:
    """After a card was full: lets all go and takes one memory plan lower from now on. Returns what was done in words.

    None: there is none lower.
    """
    full = _plans["taken"]
    plan = below(full)
    if plan is None:
        return None
    _plans.update(roomiest=plan, taken=plan)
    close_workshop()
    return f"The memory was full under the plan “{full.name}”; it goes on under “{plan.name}”."


def workshop_of(
    face: Face,
    head: str | None = None,
    base: Path | None = None,
    family: str = "auto",
    device: str | None = None,
) -> Workshop:
    """The workshop of the head that a face was made on: `head` if given, else the embedded one if it is that, else
    where it was last, else by its name.

    Raises:
        HeadMissing: it lies nowhere that is looked at.
        HeadInvalid: what lies there is another head, or another version of it.
    """
    embedded = open_workshop(HEAD, base, family, device) if head is None and face.head == HEAD else None
    if embedded and embedded.model.topology.topology_id == face.topology_id:
        return embedded  # newer than a copy that was opened once: regions change, the topology does not
    place = head or _remembered(face.topology_id) or face.head
    try:
        shop = open_workshop(place, base, family, device)
        found = shop.model.topology
    except HeadMissing as error:
        advice = checkpoints.head_advice(face.head) or error.advice
        raise HeadMissing(f"the face was made on the head {face.head!r}: {error.message}", advice=advice) from error
    if found.topology_id != face.topology_id:
        raise HeadInvalid(
            f"the face was made on {face.head} {face.topology_id}, {place} is {found.head} {found.topology_id}",
            advice="give the head it was made on with --head, or make the face again",
        )
    return shop


def close_workshop(keep: tuple[str, ...] = ()) -> None:
    """Frees heads and networks, but those of the roles in `keep`; the next job loads what it needs."""
    warm.SHELF.keep(keep)
    if not keep:
        _workshop.cache_clear()
        _networks.cache_clear()
        _settled.cache_clear()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@lru_cache(KEPT)
def _workshop(head: str, networks: Networks) -> Workshop:
    return Workshop(head, networks)


_plans = {"roomiest": PLANS[0], "taken": PLANS[0]}  # that may be taken, for a roomier one was full; that is taken


@lru_cache(1)
def _networks(family: FamilyProfile, device: str, plan: MemoryPlan, base: Path | None) -> Networks:
    return Networks(family, base, device, plan)


@lru_cache(8)
def _settled(
    family: str, base: Path | None, device: str | None, roomiest: MemoryPlan
) -> tuple[FamilyProfile, str, MemoryPlan]:
    """Family, device and plan; measured once, while nothing is loaded.

    Args:
        roomiest: of the plans that were not full before.
    """
    card = torch.cuda.is_available()
    if device not in (None, "cpu", "cuda") or (device == "cuda" and not card):
        raise UsageError(f"there is no device {device!r}", advice="leave out --device" if card else "say cpu")
    free = torch.cuda.mem_get_info()[0] / 2**20 if card else None
    profile, _ = checkpoints.choose(family, free, base)
    device = device or ("cuda" if card and profile.needs_mb else "cpu")
    plan = max(roomiest, plan_for(free if device == "cuda" else None), key=PLANS.index)
    _plans["taken"] = plan
    return profile, device, plan


def _remember(folder: Path, model: LinearFaceModel, path: Path) -> None:
    """Notes where a head lies, so that its faces open it without being told."""
    topology = model.topology
    note = {"head": topology.head, "path": str(path)}
    place = folder / f"{topology.topology_id}.json"
    content = json.dumps(note).encode()
    if not (place.is_file() and place.read_bytes() == content):
        write_whole(place, content)


def _remembered(topology_id: str) -> str | None:
    """Where the head of that topology lay when it was last opened by its path, if it still lies there."""
    folder = checkpoints.heads_folder()
    place = folder / f"{Path(topology_id).name}.json" if folder else None
    if place is None or not place.is_file():
        return None
    try:
        path = json.loads(place.read_bytes())["path"]
    except (ValueError, KeyError, TypeError, OSError):
        return None
    return path if isinstance(path, str) and Path(path).exists() else None
