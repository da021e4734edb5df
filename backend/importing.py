"""A face folder of what another program left: FaceG2E's arrays, an OBJ of a known head, a picture of an albedo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray

from . import checkpoints
from .errors import HeadInvalid, HeadMissing, ImportInvalid
from .face import foreign, obj
from .face.heads import PLACES, find_head
from .face.layers import Face, albedo, vertices
from .pictures import to_bytes
from .render.uv import pad_seams, sample, unwrapped
from .workshop import ALBEDO, Workshop

KINDS = "a FaceG2E folder, *_coeff.npy, *_diffuse_latent.npy, an .obj or a .png"
GUTTER = 4  # texels that colour runs beyond an island's border
NO_DECODER = "not decoded: the latent needs the autoencoder of Stable Diffusion 1.5, which this version cannot use"
NO_PICTURE = "not taken over: no PNG beside the OBJ that lies on this head's triangles"


def head_for(source: Path) -> str | None:
    """The head that a file is most likely of, None for the embedded one: FaceG2E knows HIFI3D++ alone."""
    if source.is_dir() or source.suffix.lower() == ".npy":
        return "hifi3d"
    return None


def face_of(shop: Workshop, source: Path, old: Face | None, parent: str | None) -> Face:
    """A face without layers; what the file does not tell is that of `old`, or the mean head's.

    Raises:
        ImportInvalid: the file is none of those known, damaged, or does not fit the head.
    """
    if not source.exists():
        raise ImportInvalid(f"{source} is not there", advice=f"expected {KINDS}")
    model, told = shop.model, {"imported": source.name}
    identity = np.zeros(model.identity_size, np.float32) if old is None else old.identity
    head = model.topology.rest if old is None else vertices(old)
    picture: UInt8[ndarray, "S S 3"] | str
    kind = source.suffix.lower()
    if source.is_dir() or kind == ".npy":
        identity, head, picture = _result(shop, foreign.find_result(source), identity, head)
    elif kind == ".obj":
        identity = np.zeros_like(identity)
        head, picture = _mesh(shop, source)
    elif kind == ".png":
        picture = foreign.read_picture(source)
    else:
        raise ImportInvalid(
            f"{source} is {kind or 'a file without ending'}, expected {KINDS}",
            advice="save it as an OBJ with the head's own vertices, or its texture as a PNG",
        )
    told["albedo"] = picture if isinstance(picture, str) else "taken over"
    if isinstance(picture, str):
        picture = shop.albedo if old is None else albedo(old)
    return _face(shop, old, parent, told, identity, head, picture)


def _result(
    shop: Workshop, result: foreign.Result, identity: Float[ndarray, " I"], head: Float[ndarray, "V 3"]
) -> tuple[Float[ndarray, " I"], Float[ndarray, "V 3"], UInt8[ndarray, "S S 3"] | str]:
    """Identity, vertices, and the albedo or why there is none."""
    if result.coefficients is not None:
        identity = foreign.read_array(result.coefficients, (1, shop.model.identity_size))[0]
        with torch.no_grad():
            head = shop.model.vertices(identity=torch.from_numpy(identity)[None])[0].numpy()
    if result.latent is not None:
        foreign.read_array(result.latent, (1, 4, 64, 64))
    if result.picture is not None:
        return identity, head, foreign.read_picture(result.picture)
    if result.latent is not None and result.coefficients is None:
        raise ImportInvalid(
            f"{result.latent}: {NO_DECODER}",
            advice=f"put the {foreign.PICTURE[1:]} that FaceG2E wrote with it beside it, or its coefficients",
        )
    return identity, head, NO_DECODER if result.latent is not None else "the head's own: the result has none"


def _mesh(shop: Workshop, source: Path) -> tuple[Float[ndarray, "V 3"], UInt8[ndarray, "S S 3"] | str]:
    """Vertices in head units, and the albedo that its material names or why there is none."""
    topology = shop.model.topology
    try:
        mesh = obj.read(source)
    except HeadInvalid as error:
        raise ImportInvalid(error.message, advice="export it again, or fetch it again") from error
    if len(mesh.vertices) != len(topology.rest):
        raise ImportInvalid(
            f"{source} has {len(mesh.vertices)} vertices, expected the {len(topology.rest)} of {topology.head}",
            advice=f"name the head it is of with --head; there are {_heads(shop)}",
        )
    picture, corners = foreign.texture_of(source), foreign.texture_corners(mesh, topology)
    if picture is None or corners is None:
        return foreign.placed(mesh.vertices, topology), NO_PICTURE
    texels = torch.from_numpy(foreign.read_picture(picture).copy()).permute(2, 0, 1)[None].float() / 255
    uvs, uv_faces = torch.from_numpy(topology.uvs), torch.from_numpy(topology.uv_faces)
    if np.array_equal(corners, topology.uv_faces) and np.allclose(mesh.uvs, topology.uvs, atol=1e-5):
        return foreign.placed(mesh.vertices, topology), foreign.read_picture(picture)
    places, covered = unwrapped(
        torch.from_numpy(mesh.uvs).float(), uvs, torch.from_numpy(corners), uv_faces, max(ALBEDO, texels.shape[-1])
    )
    drawn = torch.zeros(3, *covered.shape)
    asked = places[:, covered].T
    drawn[:, covered] = sample(texels, asked, torch.zeros(len(asked), dtype=torch.long)).T
    return foreign.placed(mesh.vertices, topology), to_bytes(pad_seams(drawn, covered, GUTTER)[None])


def _heads(shop: Workshop) -> str:
    """The heads that lie where heads are looked for."""
    kept = checkpoints.heads_folder()
    folders = [*checkpoints.roots(shop.base), *([kept] if kept else [])]
    found: list[str] = []
    for name in PLACES:
        try:
            find_head(name, folders)
            found.append(name)
        except HeadMissing:
            continue
    return ", ".join(found)


def _face(
    shop: Workshop,
    old: Face | None,
    parent: str | None,
    told: dict[str, Any],
    identity: Float[ndarray, " I"],
    head: Float[ndarray, "V 3"],
    texture: UInt8[ndarray, "S S 3"],
) -> Face:
    """Free offsets make up what the coefficients do not say."""
    model, topology = shop.model, shop.model.topology
    with torch.no_grad():
        said = model.vertices(identity=torch.from_numpy(identity)[None])[0].numpy()
    return Face(
        prompt=old.prompt if old else "",
        instruction=None,
        kind="import",
        head=topology.head,
        topology_id=topology.topology_id,
        preset="none",
        family="none",
        seed=0,
        parent=parent,
        identity=identity,
        sliders=model.slider_defaults.numpy(),
        expression=np.zeros(model.expression_size, np.float32),
        offsets=(head - said).astype(np.float32),
        base_vertices=np.ascontiguousarray(head, np.float32),
        base_albedo=texture,
        expressions=model.expression_basis.view(model.expression_size, -1, 3).numpy(),
        licences={**(old.licences if old else {}), topology.head: topology.licence},
        metrics=told,
    )
