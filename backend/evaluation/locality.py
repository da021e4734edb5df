"""What an edit changed outside its mask: a witness that reads the files and shares no code with the edits."""

import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image


def changed_outside(before: Path, after: Path) -> dict[str, int | float]:
    """Compares two face folders, bit for bit.

    The masks are those of the layers `after` has beyond `before`: those that are new, or whose files, strength
    or muting differ. Order does not matter: where overlapping layers changed places, that counts as outside.

    Returns:
        layers: how many layers there are beyond.
        texels, vertices: how many the face has; `_masked` within the union of the masks (anything above 0);
            `_changed` anywhere; `_changed_outside` where they should not have.
        texels_largest_outside: in 8-bit steps; vertices_largest_outside: in head units.

    Raises:
        ValueError: the faces differ in topology or size.
    """
    known = [digest for _, digest in _layers(before)]
    beyond = []
    for folder, digest in _layers(after):
        if digest in known:
            known.remove(digest)
        else:
            beyond.append(folder)
    old_texels, new_texels = (_texels(face / "albedo.png") for face in (before, after))
    old_vertices, new_vertices = (_array(face / "mesh.npz", "vertices") for face in (before, after))
    if old_texels.shape != new_texels.shape or old_vertices.shape != new_vertices.shape:
        raise ValueError(f"{before} and {after} are faces of different heads or sizes")
    mask = np.zeros(old_texels.shape[:2], bool)
    weights = np.zeros(len(old_vertices), bool)
    for layer in beyond:
        if (layer / "mask.png").exists():
            mask |= _texels(layer / "mask.png") > 0
        if (layer / "weights.npz").exists():
            weights |= _array(layer / "weights.npz", "weights") > 0
    texels = (old_texels != new_texels).any(axis=-1)
    vertices = (old_vertices.view(np.uint32) != new_vertices.view(np.uint32)).any(axis=-1)
    texel_steps = np.abs(new_texels.astype(int) - old_texels)[~mask]
    vertex_steps = np.linalg.norm(new_vertices - old_vertices, axis=-1)[~weights]
    return {
        "layers": len(beyond),
        "texels": mask.size,
        "texels_masked": int(mask.sum()),
        "texels_changed": int(texels.sum()),
        "texels_changed_outside": int((texels & ~mask).sum()),
        "texels_largest_outside": int(texel_steps.max(initial=0)),
        "vertices": weights.size,
        "vertices_masked": int(weights.sum()),
        "vertices_changed": int(vertices.sum()),
        "vertices_changed_outside": int((vertices & ~weights).sum()),
        "vertices_largest_outside": float(vertex_steps.max(initial=0)),
    }


def _layers(face: Path) -> list[tuple[Path, str]]:
    """The folder of each layer, and what it is: a digest of its entry in the document and of its files."""
    layers = []
    entries = json.loads((face / "face.json").read_text("utf-8"))["layers"]
    for number, entry in enumerate(entries, 1):
        folder = face / f"layers/{number:02d}"
        digest = hashlib.sha256(json.dumps(entry, sort_keys=True).encode())
        for path in sorted(folder.iterdir()):
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        layers.append((folder, digest.hexdigest()))
    return layers


def _texels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def _array(path: Path, name: str) -> np.ndarray:
    with np.load(path, allow_pickle=False) as file:
        return file[name]
