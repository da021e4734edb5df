"""A request becomes calls of stages and a face folder. Nothing heavy is imported before a job runs.

Every job takes paths and plain values, tells of its progress through `emit`, looks at `cancelled` between steps,
and returns plain values. The face folder is written at the end, whole, or not at all.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import memory, provenance, warm
from .errors import EmptyPrompt
from .files import vacant
from .protocol import Ready
from .retrying import retreating
from .showing import head

if TYPE_CHECKING:
    from .face.layers import Face
    from .workshop import Workshop

Emit = Callable[[dict[str, Any]], None]
Result = dict[str, Any]


@retreating
def generate(
    *,
    prompt: str,
    out: Path,
    emit: Emit,
    cancelled: Callable[[], bool],
    seed: int = 0,
    stage: str = "both",
    texture_prompt: str | None = None,
    negative: tuple[str, ...] = (),
    family: str = "auto",
    device: str | None = None,
    candidates: int = 0,
    choose: str = "best",
    parent: Path | None = None,
    head: str | None = None,
    base: Path | None = None,
    preset: str = "recommended",
    repeat: Path | None = None,
    settings: dict[str, Any] | None = None,
    resume: bool = False,
    previews: bool = False,
) -> Result:
    """A face from words: shape, then texture; with `stage` only one of them, on top of `parent` or the mean head.

    Args:
        negative: what to keep away from, in place of the family's own words; "side view=TEXT" for one view.
        family: of networks; "auto" is the full one where it is installed and fits the card.
        device: "cpu" or "cuda" for the networks; by default the card for families that need it.
        candidates: so many cheap first results, from `seed` on; one is finished, `choose` is "best" or its number.
        head: name or path of a head model; the parent's, or the embedded one, where it is None.
        base: a folder of checkpoints and heads that is looked at before all others.
        preset: of `settings.PRESETS`; `repeat`, in its place, is the face.json of a face made with what is wanted.
        settings: fields of it to change, by "stage.field".
        resume: go on with the run of `out` that was broken off.
        previews: make pictures on the way, for `emit`.

    Raises:
        HeadMissing, HeadInvalid: `head`, or the parent's.
        EmptyPrompt, UnknownWords: nothing of the prompt is known to the family.
        CheckpointUnknown, CheckpointMissing: of `family`.
        UnknownOption, UsageError: no such setting; nothing to resume.
        FolderExists, FolderUnwritable, Cancelled: nothing is left behind.
    """
    from . import making
    from .face import saved
    from .running import chosen, running

    chosen(preset, repeat, settings)
    vacant(out)
    described = prompt if texture_prompt is None else texture_prompt
    _refuse_empty(prompt, described)
    old = saved.load(parent) if parent else None
    shop = _shop(emit, old, head, base, family, device)
    made_with = chosen(preset, repeat, settings, shop.family.settings)
    shop.licences(*(roles := making.roles(shop, made_with, stage)))  # what may not be sold is refused before the work
    started = time.monotonic()
    spoken = making.listen(shop, made_with, {"geometry": prompt, "texture": described}, negative)
    _tell(emit, spoken.messages)
    picked: Result = {}
    if candidates > 1:
        from .candidates import select

        picked = select(shop, made_with, spoken, stage, seed, candidates, old, choose, out, emit, cancelled)
        seed = picked["seed"]
    asked = {"prompt": spoken.document(), "seed": seed, "stage": stage, "head": head, "from": parent}
    with running(emit, cancelled, out, asked | made_with.document(), resume, previews) as run:
        drawn = making.draw(shop, made_with, spoken, stage, seed, old, run.watch)
        metrics = {"seconds": round(time.monotonic() - started, 1), "unknown_words": spoken.unknown, **run.told()}
        face = making.new_face(shop, made_with, roles, prompt, seed, drawn, metrics, parent, spoken)
        saved.save(making.with_preview(shop, face), out)
    return {"face": str(out), "family": shop.family.name, "messages": spoken.messages, **picked, **metrics}


@retreating
def edit(
    *,
    face: Path,
    instruction: str,
    out: Path,
    emit: Emit,
    cancelled: Callable[[], bool],
    seed: int = 0,
    scope: str = "auto",
    region: tuple[str, ...] = (),
    mask: Path | None = None,
    words: tuple[str, ...] = (),
    tokens: tuple[int, ...] = (),
    strength: float = 1.0,
    family: str = "auto",
    force: bool = False,
    device: str | None = None,
    head: str | None = None,
    base: Path | None = None,
    preset: str = "recommended",
    repeat: Path | None = None,
    settings: dict[str, Any] | None = None,
    resume: bool = False,
    previews: bool = False,
) -> Result:
    """One more layer on a face: what the instruction asks for, locked to the region it names, or to those given.

    Args:
        region, mask: named regions and a picture the size of the albedo: together, where the edit may reach.
        words, tokens: of the instruction, to find that place by their attention; see `editing.Asked`.
        force: also where the face was made by other networks than those here; the layer's details tell.

    Raises:
        EmptyPrompt, UnknownWords, FaceMissing, FaceInvalid, FolderExists, FolderUnwritable, Cancelled.
        HeadMissing, HeadInvalid: the head that the face was made on, or `head` if given.
        CheckpointUnknown, CheckpointMissing: of `family`.
        UsageError: a region the head does not have, or a slider that is at its end.
        MaskInvalid: no picture, of another size, or empty; or the words look nowhere. CheckpointsChanged: see `force`.
    """
    from . import editing, making
    from .face import saved
    from .running import chosen, running
    from .stages.masks import read_mask

    chosen(preset, repeat, settings)
    vacant(out)
    _refuse_empty(instruction)
    old = saved.load(face)
    drawn = read_mask(mask, old.base_albedo.shape[0]) if mask else None
    shop = _shop(emit, old, head, base, family, device)
    made_with = chosen(preset, repeat, settings, shop.family.settings)
    started = time.monotonic()
    wish = editing.Asked(instruction, scope, region, drawn, strength, seed, words, tokens)
    way = editing.way_of(wish, shop, made_with)
    asked = wish.document() | made_with.document() | {"face": face}
    with running(emit, cancelled, out, asked, resume, previews) as run:
        watch = {"geometry": run.watch("shape"), "texture": run.watch("texture")}
        made = editing.made(shop, old, made_with, wish, way, watch, force=force)
        _tell(emit, made.messages)
        metrics = {"seconds": round(time.monotonic() - started, 2), "unknown_words": made.unknown, **run.told()}
        new = replace(
            old,
            kind="edit",
            instruction=instruction,
            seed=seed,
            parent=saved.read_document(face)["id"],
            layers=(*old.layers, made.layer),
            checkpoints={**old.checkpoints, **made.checkpoints},
            licences={**old.licences, **(shop.licences(*made.roles) if made.roles else {})},
            metrics=metrics,
            settings=made_with.document(),
        )
        saved.save(making.with_preview(shop, new), out)
    told = {"scope": made.layer.kind, "region": list(made.layer.region), **made.layer.details}
    return {"face": str(out), **told, "messages": made.messages, **metrics}


def retexture(
    *,
    face: Path,
    out: Path,
    emit: Emit,
    cancelled: Callable[[], bool],
    prompt: str | None = None,
    seed: int = 0,
    base: Path | None = None,
    settings: dict[str, Any] | None = None,
) -> Result:
    """A face of the same shape with a texture made anew, from other words or from those it was made of."""
    from .face import saved

    words = prompt or saved.read_document(face)["prompt"]
    options = {"seed": seed, "base": base, "settings": settings}
    return generate(prompt=words, out=out, emit=emit, cancelled=cancelled, stage="texture", parent=face, **options)


def import_face(
    *,
    source: Path,
    out: Path,
    emit: Emit,
    cancelled: Callable[[], bool],
    parent: Path | None = None,
    head: str | None = None,
    base: Path | None = None,
) -> Result:
    """A face of what another program left: FaceG2E's arrays or folder, an OBJ of a known head, an albedo PNG.

    Raises:
        ImportInvalid: what lies there is none of these, is damaged, or does not fit the head; nothing is written.
        HeadMissing, HeadInvalid: `head`, the parent's, or the one the file needs.
        FolderExists, FolderUnwritable: see `out`.
    """
    from . import importing, making
    from .face import saved

    vacant(out)
    old = saved.load(parent) if parent else None
    default = None if old else importing.head_for(source)
    shop = _shop(emit, old, head or default, base)
    face = importing.face_of(shop, source, old, saved.read_document(parent)["id"] if parent else None)
    saved.save(making.with_preview(shop, face), out)
    return {"face": str(out), "head": face.head, **face.metrics}


def layers(
    *,
    face: Path,
    out: Path,
    emit: Emit,
    cancelled: Callable[[], bool],
    strengths: dict[int, float] | None = None,
    mute: tuple[int, ...] = (),
    unmute: tuple[int, ...] = (),
    order: tuple[int, ...] | None = None,
    copy_to: Path | None = None,
) -> Result:
    """The same edits at other strengths, muted or in another order (numbers count from 1); nothing is computed anew.

    Args:
        copy_to: another face of the same head, which gets those that are not muted above its own.

    Raises:
        UsageError: a layer the face does not have, or an order that is not all of them once.
        HeadInvalid: `copy_to` is a face of another head.
    """
    from . import layering, making
    from .face import saved

    vacant(out)
    old = saved.load(face)
    wanted = layering.arranged(old, face.name, strengths or {}, mute, unmute, order)
    new = replace(old, layers=wanted) if copy_to is None else layering.copied(wanted, old, copy_to)
    parent = saved.read_document(copy_to or face)["id"]
    new = replace(new, kind="layers", parent=parent)
    saved.save(making.with_preview(_shop(emit, new), new), out)
    return {"face": str(out), "layers": len(new.layers)}


def show(*, face: Path, emit: Emit, cancelled: Callable[[], bool]) -> Result:
    """What a face folder says of itself."""
    from .face import saved

    document = saved.read_document(face)
    edits = [
        f"{number}. {layer['instruction']} ({layer['kind']}, strength {layer['strength']:g}"
        + (", muted)" if layer["muted"] else ")")
        for number, layer in enumerate(document["layers"], start=1)
    ]
    kept = ("kind", "prompt", "instruction", "head", "family", "preset", "seed", "metrics", "licences")
    return {name: document[name] for name in kept} | {"edits": edits}


def render(
    *,
    face: Path,
    views: tuple[float, ...],
    out: Path,
    emit: Emit,
    cancelled: Callable[[], bool],
    kinds: bool = False,
    strip: bool = False,
    shoulders: bool = False,
) -> Result:
    """A sheet of the face from several azimuths (degrees): grey and textured, every kind of picture, or edit by edit.

    Raises:
        UsageError: `shoulders` of a head that has none.
    """
    from .face import saved
    from .pictures import rows_asked
    from .render.sheet import sheet

    loaded = saved.load(face)
    rows = rows_asked(_shop(emit, loaded), loaded, views, kinds=kinds, strip=strip, shoulders=shoulders)
    sheet(rows, out, loaded.prompt, provenance.of_face(saved.document_of(loaded)))
    return {"sheet": str(out)}


def export(*, face: Path, out: Path, emit: Emit, cancelled: Callable[[], bool], shoulders: bool = False) -> Result:
    """The face as .glb (expressions as morph targets) or .obj.

    Raises:
        UsageError: `shoulders` of a head that has none.
    """
    from .face import export as exporter, saved
    from .face.shoulders import dressed

    write = exporter.write_glb if out.suffix == ".glb" else exporter.write_obj
    loaded = saved.load(face)
    shop = _shop(emit, loaded)
    topology = shop.model.topology
    write(*((dressed(loaded, topology, shop.shoulders), shop.bust[0]) if shoulders else (loaded, topology)), out)
    return {"file": str(out)}


def selftest(*, emit: Emit, cancelled: Callable[[], bool]) -> Result:
    """One picture and one step of each network, timed."""
    import torch

    from . import making
    from .pictures import portrait

    shop = _shop(emit)
    started = time.monotonic()
    picture = portrait(shop, shop.model.vertices(), making.worn(shop, None), azimuth=0.0, size=128)
    rendered = time.monotonic()
    latents, text = shop.draw.encode(picture), shop.draw.encode_text(["a person"])
    step = torch.tensor([500])
    shop.draw.predict_noise(latents, step, text)
    shop.edit.predict_noise(latents, step, text, latents)
    return {"render_seconds": round(rendered - started, 3), "network_seconds": round(time.monotonic() - rendered, 3)}


def describe() -> Ready:
    """What this backend can do; imports torch."""
    import torch

    from . import checkpoints

    family = [{"id": name, "state": checkpoints.family_state(name)} for name in checkpoints.registry()["families"]]
    devices = [
        {"name": torch.cuda.get_device_name(index)}
        | {name: size >> 20 for name, size in zip(("free_mb", "total_mb"), torch.cuda.mem_get_info(index), strict=True)}
        for index in range(torch.cuda.device_count())
    ]
    return Ready(torch.__version__, tuple(devices), tuple(JOBS), tuple(family))


def unload(keep: tuple[str, ...]) -> float | None:
    """Frees heads and networks, but those of the roles in `keep`. Returns the MiB that are free then."""
    if workshop := sys.modules.get(f"{__package__}.workshop"):  # else nothing is loaded
        workshop.close_workshop(keep)
    return memory.free_mb()


def limit(megabytes: int | None) -> None:
    """Sets how much the networks kept between jobs may take."""
    warm.SHELF.limit_mb = megabytes


JOBS: dict[str, Callable[..., Result]] = {
    "generate": generate,
    "edit": edit,
    "retexture": retexture,
    "head": head,
    "import": import_face,
    "layers": layers,
    "render": render,
    "export": export,
    "selftest": selftest,
}


def _shop(emit: Emit, face: Face | None = None, *where: Any) -> Workshop:
    """The workshop of a face's head, or of a new one's; `where`: head, base, family and device, as far as given."""
    emit({"type": "progress", "phase": "loading", "step": 0, "total": 1})
    from .workshop import open_workshop, workshop_of

    warm.SHELF.tell = lambda text: emit({"type": "message", "text": text})
    shop = workshop_of(face, *where) if face else open_workshop(*where)
    emit({"type": "progress", "phase": "loading", "step": 1, "total": 1})
    return shop


def _tell(emit: Emit, messages: list[str]) -> None:
    """Sentences about what was asked, before the work begins; the result has them as "messages"."""
    for text in messages:
        emit({"type": "message", "text": text})


def _refuse_empty(*texts: str) -> None:
    if not all(text.strip() for text in texts):
        raise EmptyPrompt("there are no words", advice='say what is wanted, such as "an old man with a long nose"')
