"""On small files of the published structure: FLAME itself may not be handed out."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import HeadInvalid
from backend.face import flame
from backend.face.checks import landmark_points
from backend.face.model import FaceModel
from tests.backend.face.test_plainpickle import Object, pickled as as_python_2
from tests.backend.face.toy_marks import toy_marks
from tests.toys import toy_topology


def structure(directions: int = 305) -> dict[str, object]:
    """The published keys: triangles from 0, expressions behind 300 identities."""
    toy, generator = toy_topology(), np.random.default_rng(0)
    eyes = [toy.rest * 0.1 + [side * 0.35, 0.25, 0.8] for side in (1, -1)]
    template = np.concatenate([toy.rest, *eyes]).astype(np.float64) * 0.08
    count = len(toy.rest)
    return {
        "v_template": template + np.array([0, 0.01, 0.02]),
        "shapedirs": generator.normal(size=(len(template), 3, directions)) * 1e-3,
        "f": np.concatenate([toy.faces + k * count for k in range(3)]).astype(np.uint32),
        "weights": generator.random((len(template), 5)),
        "kintree_table": np.zeros((2, 5), np.int64),
        "bs_type": "lrotmin",
    }


def beside(folder: Path, layout: str = "FLAME_texture.npz") -> Path:
    """The texture space next to the model."""
    toy = toy_topology()
    uv_faces = np.concatenate([toy.uv_faces] * 3)
    if layout.endswith(".obj"):
        lines = [f"v {x} {y} {z}" for x, y, z in structure()["v_template"]]
        lines += [f"vt {u} {v}" for u, v in toy.uvs]
        corners = np.stack([structure()["f"], uv_faces], axis=2) + 1
        lines += ["f " + " ".join(f"{v}/{t}" for v, t in face) for face in corners.tolist()]
        (folder / layout).write_text("\n".join(lines))
    else:
        np.savez(folder / layout, vt=toy.uvs, ft=uv_faces, mean=np.zeros(3))
    return folder


def pickled(path: Path, model: dict[str, object]) -> Path:
    """As the original: chumpy's objects around two of the arrays."""
    wrapped = dict(model)
    for name in ("v_template", "shapedirs"):
        if name in wrapped:
            wrapped[name] = Object()
            wrapped[name].x = model[name]
    path.write_bytes(as_python_2(wrapped))
    return path


@pytest.fixture(params=["FLAME_NEUTRAL.npz", "generic_model.pkl"])
def path(request, tmp_path) -> Path:
    place = beside(tmp_path) / request.param
    if place.suffix == ".npz":
        np.savez(place, **structure(), J_regressor=np.array([{}], object))
        return place
    return pickled(place, structure())


def test_vertices_are_template_and_weighted_differences(path):
    model = flame.load(path)
    assert isinstance(model, FaceModel)
    assert (model.identity_size, model.expression_size) == (300, 5)
    identity, expression = torch.randn(2, 300), torch.randn(2, 5)
    arrays = structure()
    moved = np.einsum("vcs,bs->bvc", arrays["shapedirs"], torch.cat([identity, expression], 1).numpy())
    found = model.vertices(identity, None, expression) - model.vertices()
    np.testing.assert_allclose(found * model.topology.metres_per_unit, moved, atol=1e-5)
    low, high = model.topology.rest.min(axis=0), model.topology.rest.max(axis=0)
    np.testing.assert_allclose([low[1], high[1]], [-1.5, 1.5], atol=1e-5)
    assert model.topology.metres_per_unit == pytest.approx(np.ptp(arrays["v_template"][:, 1]) / 3)


def test_eyes_are_the_pieces_beside_the_skin(path):
    topology = flame.load(path).topology
    assert topology.part_names == ("skin", "left_eye", "right_eye")
    left = topology.rest[topology.faces[topology.part_faces("left_eye")]]
    assert left[..., 0].min() > 0
    assert len(topology.part_faces("skin")) == len(toy_topology().faces)


@pytest.mark.parametrize("layout", ["head_template.obj", "FLAME_albedo_from_BFM.npz"])
def test_texture_coordinates_come_from_a_file_beside(tmp_path, layout):
    model = flame.load(pickled(beside(tmp_path, layout) / "generic_model.pkl", structure()))
    np.testing.assert_allclose(model.topology.uvs, toy_topology().uvs, atol=1e-6)
    assert len(model.topology.uv_faces) == len(model.topology.faces)


def test_landmarks_and_regions_come_where_they_lie_beside(tmp_path):
    toy, generator = toy_topology(), np.random.default_rng(0)
    place = pickled(beside(tmp_path) / "generic_model.pkl", structure())
    assert flame.load(place).topology.region_names == ("head",)
    centres = toy.rest[toy.faces].mean(axis=1)
    nearest = np.linalg.norm(centres[:, None] - toy_marks()[None], axis=2).argmin(axis=0)
    weights = generator.dirichlet(np.ones(3) * 9, 68)
    np.savez(tmp_path / flame.MARKS, lmk_face_idx=nearest, lmk_b_coords=weights)
    topology = flame.load(place).topology
    assert topology.landmarks is not None
    assert landmark_points(topology.rest, topology.faces, topology.landmarks).shape == (68, 3)
    assert {"nose", "jaw", "left_ear", "left_eyeball"} <= set(topology.region_names)


def test_the_mirror_pairs_vertices_by_their_place(path):
    topology = flame.load(path).topology
    mirror = topology.mirror
    assert mirror is not None
    assert np.array_equal(mirror[mirror], np.arange(len(topology.rest)))
    apart = np.abs(topology.rest[mirror] - topology.rest * [-1, 1, 1]).max()
    assert apart * topology.metres_per_unit < flame.LOPSIDED
    left = np.unique(topology.faces[topology.part_faces("left_eye")])
    assert set(mirror[left]) == set(np.unique(topology.faces[topology.part_faces("right_eye")]))


def test_a_head_that_leans_has_no_mirror(tmp_path):
    model = structure()
    template = np.asarray(model["v_template"])
    model["v_template"] = template + np.array([0.02, 0, 0]) * (template[:, 1:2] > 0)
    assert flame.load(pickled(beside(tmp_path) / "generic_model.pkl", model)).topology.mirror is None


def test_a_folder_is_searched_for_the_published_names(path):
    assert flame.load(path.parent).identity_size == 300


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shapedirs": None}, r"lacks shapedirs; it has v_template"),
        ({"shapedirs": np.zeros((7, 3, 400))}, r"shapedirs is 7 × 3 × 400, expected 624 × 3 × K"),
        ({"f": np.array([[0, 1, 700]])}, r"f runs from 0 to 700, expected 0 to 623"),
        ({"v_template": np.full((624, 3), np.inf)}, r"1872 values of v_template are no numbers"),
        ({"f": structure()["f"][:9]}, r"FLAME_texture\.npz has 1152 triangles, expected 9"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, changes, said):
    model = {name: array for name, array in (structure() | changes).items() if array is not None}
    with pytest.raises(HeadInvalid, match=said):
        flame.load(pickled(beside(tmp_path) / "generic_model.pkl", model))


def test_a_model_without_texture_coordinates_beside_is_refused(tmp_path):
    with pytest.raises(HeadInvalid, match=r"no texture coordinates for FLAME; looked for FLAME_texture\.npz"):
        flame.load(pickled(tmp_path / "generic_model.pkl", structure()))


def test_a_download_that_stopped_is_refused(path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HeadInvalid, match=path.name):
        flame.load(path)


def test_what_is_no_table_or_not_there_is_refused(tmp_path):
    place = beside(tmp_path) / "generic_model.pkl"
    with pytest.raises(HeadInvalid, match=r"generic_model\.pkl cannot be read"):
        flame.load(place)
    place.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(HeadInvalid, match="holds list, expected a table of arrays"):
        flame.load(place)
    with pytest.raises(HeadInvalid, match=r"holds no a FLAME model|looked for generic_model\.pkl"):
        flame.load(tmp_path / "..")
