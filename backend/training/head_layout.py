"""Anny's regions, parts and UV layout, from its geometry: nothing of the kind comes with the package."""

from __future__ import annotations

import numpy as np

from ..face.mesh import components

PARTS = ("skin", "left_eye", "right_eye", "left_socket", "right_socket", "mouth", "tongue")  # of the package's head

LID_RIM = 3  # edges from the seam inside an eye's lids to their outer rim, where lashes grow


def name_parts(rest: np.ndarray, faces: np.ndarray, uv_faces: np.ndarray, uv_count: int) -> np.ndarray:
    """(F,) index into PARTS of each triangle, told apart by connectivity, UV islands and place."""
    piece = components(faces, len(rest))[faces[:, 0]]
    island = components(uv_faces, uv_count)[uv_faces[:, 0]]
    skin_piece = np.bincount(piece).argmax()
    face_island = np.bincount(island).argmax()
    parts = np.zeros(len(faces), np.int32)
    for key in {(int(a), int(b)) for a, b in zip(piece, island, strict=True)}:
        mine = (piece == key[0]) & (island == key[1])
        middle = rest[np.unique(faces[mine])].mean(axis=0)
        side = "" if abs(middle[0]) < 0.05 else "left_" if middle[0] > 0 else "right_"
        if key == (skin_piece, face_island) or (not side and middle[1] < -0.9):
            name = "skin"
        elif key[0] == skin_piece:
            name = f"{side}socket" if side else "mouth"
        else:
            name = f"{side}eye" if side else "tongue"
        parts[mine] = PARTS.index(name)
    return parts


def rings(start: np.ndarray, faces: np.ndarray, allowed: np.ndarray, count: int) -> np.ndarray:
    """(V,) how many edges a vertex is from the start set, walking over allowed vertices; count + 1 beyond."""
    distance = np.full(len(start), count + 1)
    distance[start] = 0
    for step in range(1, count + 1):
        near = (distance[faces] < step).any(axis=1)
        reached = np.unique(faces[near])
        reached = reached[(distance[reached] > step) & allowed[reached]]
        distance[reached] = step
    return distance


def lid_edges(faces: np.ndarray, parts: np.ndarray, count: int) -> np.ndarray:
    """(E, 2) the edges along the outer rims of both eyes' lids: LID_RIM rings out from where the sockets begin."""
    skin, socket = np.zeros(count, bool), np.zeros(count, bool)
    skin[faces[parts == PARTS.index("skin")]] = True
    socket[faces[np.isin(parts, [PARTS.index(f"{side}_socket") for side in ("left", "right")])]] = True
    rim = rings(skin & socket, faces, skin, LID_RIM) == LID_RIM
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return np.unique(edges[rim[edges].all(axis=1)], axis=0)


def region_table(rest: np.ndarray, faces: np.ndarray, parts: np.ndarray) -> dict[str, np.ndarray]:
    """Region name -> (V,) weights 0..1, falling off smoothly at a region's border."""

    def of(*names: str) -> np.ndarray:
        chosen = np.zeros(len(rest), bool)
        chosen[faces[np.isin(parts, [PARTS.index(name) for name in names])]] = True
        return chosen

    skin = of("skin")
    lip_line = skin & of("mouth")
    lips = ramp(rings(lip_line, faces, skin, 8), 8.0, 6.5)
    x, y, z = rest.T
    front = ramp(z, 0.1, 0.35) * skin
    mouth = rest[lip_line].mean(axis=0)
    half_mouth = float(np.ptp(rest[lip_line, 0]) / 2)
    eye = {side: rest[skin & of(f"{side}_socket")].mean(axis=0) for side in ("left", "right")}
    eye_y, eye_x = float(eye["left"][1]), float(eye["left"][0])
    nose_tip = rest[np.argmax(np.where((np.abs(x) < 0.05) & (y > mouth[1] + 0.1) & (y < eye_y), z, -9))]
    away = np.abs(x)
    regions = {
        "lips": lips,
        "upper_lip": lips * ramp(y, mouth[1] - 0.015, mouth[1] + 0.005),
        "lower_lip": lips * ramp(y, mouth[1] + 0.015, mouth[1] - 0.005),
        "nose": front
        * ramp(away, 0.30, 0.22)
        * ramp(y, nose_tip[1] - 0.20, nose_tip[1] - 0.12)
        * ramp(y, eye_y + 0.12, eye_y - 0.05),
        "chin": front * ramp(y, mouth[1] - 0.16, mouth[1] - 0.26) * ramp(away, 0.42, 0.26) * ramp(y, -1.28, -1.15),
        "jaw": skin * ramp(y, mouth[1] + 0.05, mouth[1] - 0.15) * ramp(z, -0.1, 0.2) * ramp(y, -1.28, -1.1),
        "forehead": front * ramp(y, eye_y + 0.28, eye_y + 0.40) * ramp(y, 1.12, 0.98),
        "scalp": skin
        * np.maximum(ramp(y, 0.95, 1.1), ramp(z, 0.1, -0.1) * ramp(y, -0.35, -0.15))
        * ramp(away, 1.0, 0.9),
        "neck": skin * np.maximum(ramp(y, -1.05, -1.25), ramp(z, 0.0, -0.25) * ramp(y, -0.2, -0.5)),
        "mouth": of("mouth").astype(float),
        "tongue": of("tongue").astype(float),
    }
    for side, sign in (("left", 1.0), ("right", -1.0)):
        out = x * sign
        middle = np.hypot((out - eye_x) / 1.35, y - eye_y)
        regions |= {
            f"{side}_eye_area": front * ramp(middle, 0.26, 0.19),
            f"{side}_brow": front
            * ramp(np.abs(y - brow_height(out, eye_x, eye_y)), 0.075, 0.03)
            * ramp(np.abs(out - eye_x), 0.34, 0.28),
            f"{side}_cheek": front
            * ramp(np.hypot(out - eye_x - 0.08, y - (eye_y + mouth[1]) / 2), 0.38, 0.22)
            * ramp(y, eye_y - 0.15, eye_y - 0.25)
            * (1 - lips),
            f"{side}_ear": skin
            * ramp(out, 0.80, 0.86)
            * ramp(np.abs(y - eye_y + 0.15), 0.42, 0.36)
            * ramp(z, 0.3, 0.2),
            f"{side}_eyeball": of(f"{side}_eye").astype(float),
        }
    regions["beard"] = beard(x, y, z, mouth, half_mouth) * skin * (1 - lips)
    regions["eye_mask"] = front * ramp(np.abs(y - eye_y - 0.04), 0.30, 0.24) * ramp(away, 0.85, 0.75)
    regions["face"] = front * ramp(y, 1.1, 0.95) * ramp(y, -1.28, -1.15)
    return {name: np.clip(weights, 0, 1) for name, weights in regions.items()}


def ramp(values: np.ndarray, zero: float | np.ndarray, one: float | np.ndarray) -> np.ndarray:
    """0 at and beyond `zero`, 1 at and beyond `one`, smooth between."""
    t = np.clip((values - zero) / (one - zero), 0, 1)
    return t * t * (3 - 2 * t)


def brow_height(out: np.ndarray, eye_x: float, eye_y: float) -> np.ndarray:
    """y of the brow's middle line, `out` head units from the plane of symmetry: it rises and bends down at the tail."""
    t = (out - eye_x) / 0.3
    return eye_y + 0.20 + 0.03 * t - 0.045 * t * t


def beard(x: np.ndarray, y: np.ndarray, z: np.ndarray, mouth: np.ndarray, half_mouth: float) -> np.ndarray:
    """Where a full beard grows: jaw, chin, upper lip, a strip before the ears."""
    line = mouth[1] - 0.02 + 0.28 * ramp(np.abs(x), 0.35, 0.80)  # from the mouth's corners up to the ears
    cheeks = ramp(y, line + 0.04, line - 0.08)
    moustache = ramp(np.abs(x), half_mouth + 0.10, half_mouth) * ramp(y, mouth[1] + 0.24, mouth[1] + 0.16)
    return np.maximum(cheeks, moustache) * ramp(z, -0.05, 0.15) * ramp(y, -1.30, -1.12)


# Where an island goes in the UV square: left, bottom, width, height.
BOXES = {
    "skin": (0.005, 0.144, 0.990, 0.851),
    "neck": (0.005, 0.005, 0.280, 0.133),
    "tongue": (0.290, 0.005, 0.068, 0.133),
    "right_eye": (0.364, 0.006, 0.132, 0.132),
    "left_eye": (0.504, 0.006, 0.132, 0.132),
    "mouth": (0.642, 0.005, 0.150, 0.133),
    "right_socket": (0.798, 0.005, 0.095, 0.133),
    "left_socket": (0.899, 0.005, 0.095, 0.133),
    "upper_teeth": (0.147, 0.144, 0.146, 0.046),
    "lower_teeth": (0.707, 0.144, 0.146, 0.046),
    "right_lashes": (0.005, 0.144, 0.125, 0.036),
    "left_lashes": (0.870, 0.144, 0.125, 0.036),
}
LENS = 0.35  # how much larger than the island's mean the face is drawn; 0.5 would fold the back of the head
LENS_MIDDLE = (0.5, 0.38)  # of the skin's island, where that is: on the nose


def lay_out(
    uvs: np.ndarray, uv_faces: np.ndarray, faces: np.ndarray, rest: np.ndarray, parts: np.ndarray
) -> np.ndarray:
    """(T, 2) the package's islands, re-packed: the face upright and largest, the eyes seen from the front."""
    island = components(uv_faces, len(uvs))
    largest = np.bincount(island[uv_faces[:, 0]]).argmax()
    out = np.zeros_like(uvs)
    for index, part in enumerate(PARTS):
        for label in np.unique(island[uv_faces[parts == index]]):
            mine = island == label
            flat = uvs[mine]
            if part == "skin":
                flat = _through_lens(flat[:, ::-1] * [1, -1]) if label == largest else flat
            elif part.endswith("_eye"):
                corner = np.zeros(len(uvs), np.int64)
                corner[uv_faces] = faces
                flat = rest[corner[mine]][:, :2]
            name = "neck" if part == "skin" and label != largest else part
            out[mine] = in_box((flat - flat.min(axis=0)) / np.ptp(flat, axis=0), name)
    return out


def _through_lens(flat: np.ndarray) -> np.ndarray:
    """(N, 2) 0..1 the skin's island with its middle magnified by 1 + LENS, its borders where they are.

    Each axis is mapped alone and rises everywhere, so nothing folds and left stays the mirror picture of right.
    """
    flat = (flat - flat.min(axis=0)) / np.ptp(flat, axis=0)
    middle = np.array(LENS_MIDDLE)
    reach = np.where(flat < middle, middle, 1 - middle)
    out = (flat - middle) / reach
    return middle + reach * out * (1 + LENS * (1 - out * out))


def in_box(uvs: np.ndarray, part: str) -> np.ndarray:
    """Texture coordinates 0..1 within an island, in its place."""
    left, bottom, width, height = BOXES[part]
    return uvs * [width, height] + [left, bottom]
