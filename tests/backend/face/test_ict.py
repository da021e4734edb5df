import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import HeadInvalid
from backend.face import ict
from backend.face.checks import landmark_points, outlines
from backend.face.ict_layout import BOXES, VERTICES
from backend.face.mesh import Topology, components
from backend.face.model import FaceModel, LinearFaceModel
from backend.face.subdivision import subdivided
from backend.language.things import WIDER, regions_on
from backend.render.uv import unwrapped

FOLDER = next(
    (place for up in Path(__file__).parents if (place := up / "shared" / "ict-facekit" / "FaceXModel").is_dir()),
    Path(),
)
pytestmark = pytest.mark.skipif(Path() == FOLDER, reason="shared/ict-facekit lies nowhere above the tests")


@pytest.fixture(scope="module")
def model() -> LinearFaceModel:
    return ict.load(FOLDER)


@pytest.fixture(scope="module")
def topology(model) -> Topology:
    return model.topology


def centre(topology: Topology, region: str) -> np.ndarray:
    return np.average(topology.rest, axis=0, weights=topology.region(region))


def test_the_model_has_what_the_folder_has(model, topology):
    assert isinstance(model, FaceModel)
    assert len(topology.rest) == VERTICES
    assert model.identity_size == len(list(FOLDER.glob("identity*.obj")))
    assert model.expression_size == len(topology.expression_names) > 0
    assert {"jawOpen", "eyeBlinkLeft", "mouthSmileRight"} <= set(topology.expression_names)
    assert model.slider_names == ()


def test_the_head_stands_in_its_frame_and_knows_its_size(topology):
    low, high = topology.rest.min(axis=0), topology.rest.max(axis=0)
    np.testing.assert_allclose([high[1], low[1]], [1.5, -1.5], atol=1e-5)
    assert low[0] == pytest.approx(-high[0], abs=1e-3)
    apart = centre(topology, "left_eyeball")[0] - centre(topology, "right_eyeball")[0]
    assert 0.058 < apart * topology.metres_per_unit < 0.070  # an adult's pupils, in metres


def test_a_weight_of_one_is_the_published_mesh(model, topology):
    def vertices(name: str) -> np.ndarray:
        lines = (FOLDER / f"{name}.obj").read_text().splitlines()
        return np.array([line.split()[1:] for line in lines if line.startswith("v ")], float)

    for number, name in enumerate(("identity000", "identity001")):
        moved = model.vertices(torch.eye(model.identity_size)[number : number + 1])[0].numpy()
        expected = (vertices(name) - vertices("generic_neutral_mesh")) * 0.01
        np.testing.assert_allclose((moved - topology.rest) * topology.metres_per_unit, expected, atol=1e-6)
    jaw = topology.expression_names.index("jawOpen")
    moved = model.vertices(expression=torch.eye(model.expression_size)[jaw : jaw + 1])[0].numpy()
    expected = (vertices("jawOpen") - vertices("generic_neutral_mesh")) * 0.01
    np.testing.assert_allclose((moved - topology.rest) * topology.metres_per_unit, expected, atol=1e-6)


def test_gradients_reach_the_coefficients(model):
    identity = torch.zeros(2, model.identity_size, requires_grad=True)
    model.vertices(identity).sum().backward()
    assert identity.grad is not None
    assert identity.grad.abs().min() > 0


def test_quads_are_the_triangles_two_by_two(topology):
    count = len(topology.quads)
    assert 2 * count < len(topology.faces)  # some polygons are triangles
    for quads, faces in ((topology.quads, topology.faces), (topology.uv_quads, topology.uv_faces)):
        assert np.array_equal(faces[0 : 2 * count : 2], quads[:, [0, 1, 2]])
        assert np.array_equal(faces[1 : 2 * count : 2], quads[:, [0, 2, 3]])


def test_one_square_holds_all_parts_and_none_lies_on_another(topology):
    assert topology.uvs.min() >= 0
    assert topology.uvs.max() <= 1
    taken = torch.zeros(512, 512, dtype=torch.int64)
    for name in topology.part_names:
        mine = topology.part_faces(name)
        faces, uv_faces = torch.from_numpy(topology.faces[mine]), torch.from_numpy(topology.uv_faces[mine])
        values, uvs = torch.zeros(VERTICES, 1), torch.from_numpy(topology.uvs)
        covered = unwrapped(values, uvs, faces, uv_faces, 512)[1]
        if name == "skin":
            assert covered.float().mean() >= 0.65  # face and back of the head
        taken += covered
    assert (taken > 1).sum() <= 4  # a texel on the rim of two
    assert topology.published is not None
    assert topology.published.uvs.max() > 6  # seven tiles, and eyes that lie on the face


@pytest.mark.parametrize("name", ["left_eye", "right_eye"])
def test_eyes_have_islands_large_enough_to_paint(topology, name):
    corners = topology.uvs[topology.uv_faces[topology.part_faces(name)]].reshape(-1, 2)
    assert (np.ptp(corners, axis=0) * 1024 >= 128).all()


def test_the_tongue_is_a_part_that_lies_between_the_teeth(topology):
    tongue, teeth = (topology.rest[topology.region(name) > 0.5] for name in ("tongue", "teeth"))
    assert np.ptp(tongue[:, 0]) < np.ptp(teeth[:, 0])
    assert tongue[:, 2].max() < teeth[:, 2].max()
    assert abs(tongue[:, 0].mean()) < 0.01
    assert (topology.mirror[np.unique(topology.faces[topology.part_faces("tongue")])] >= 0).all()


def test_no_tooth_touches_another_in_the_texture(topology):
    """Each of the 32 islands drawn alone at 1024; at least a texel is free round it."""
    taken = []
    label = components(topology.uv_faces, len(topology.uvs))[topology.uv_faces[:, 0]]
    teeth = topology.part_faces("upper_teeth", "lower_teeth")
    for piece in np.unique(label[teeth]):
        mine = label == piece
        faces, uv_faces = torch.from_numpy(topology.faces[mine]), torch.from_numpy(topology.uv_faces[mine])
        taken.append(unwrapped(torch.zeros(VERTICES, 1), torch.from_numpy(topology.uvs), faces, uv_faces, 1024)[1])
    assert len(taken) == 32
    every = torch.stack(taken).int().sum(0)
    for island in taken:
        grown = torch.nn.functional.max_pool2d(island[None].float(), 3, 1, 1)[0] > 0
        assert every[grown & ~island].sum() == 0


def test_few_triangles_lie_on_their_back_and_none_of_the_skin(topology):
    a, b, c = (topology.uvs[topology.uv_faces[:, k]].astype(float) for k in range(3))
    wound = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert (wound[topology.part_faces("skin")] > 0).all()
    assert (wound <= 0).mean() < 0.005  # inside the eyes, where the published irises fold


def test_boxes_lie_apart():
    boxes = [target for _, target in BOXES.values()]
    for number, (left, bottom, right, top) in enumerate(boxes):
        for other in boxes[:number]:
            beside = other[2] <= left + 1e-9 or right <= other[0] + 1e-9
            assert beside or other[3] <= bottom + 1e-9 or top <= other[1] + 1e-9


def test_the_mirror_pairs_left_with_right(topology):
    mirror = topology.mirror
    assert mirror is not None
    assert np.array_equal(mirror[mirror], np.arange(VERTICES))
    millimetres = np.linalg.norm(topology.rest[mirror] - topology.rest * [-1, 1, 1], axis=1)
    assert millimetres.max() * topology.metres_per_unit * 1000 < 0.5
    lines = {tuple(pair) for pair in outlines(topology).tolist()}
    assert {tuple(sorted(pair)) for pair in mirror[outlines(topology)].tolist()} == lines
    for name in ("eyeball", "ear", "brow"):
        left, right = topology.region(f"left_{name}"), topology.region(f"right_{name}")
        np.testing.assert_allclose(left[mirror], right, atol=0.02)


def test_landmarks_are_where_a_face_has_them(topology):
    assert topology.landmarks is not None
    points = landmark_points(topology.rest, topology.faces, topology.landmarks)
    assert points.shape == (68, 3)
    assert abs(points[[8, 27, 30, 33, 51, 57], 0]).max() < 0.02
    assert (np.diff(points[[27, 30, 33, 51, 57, 8], 1]) < 0).all()  # down the middle
    assert points[42:48, 0].min() > 0 > points[36:42, 0].max()
    np.testing.assert_allclose(points[36:42].mean(0), centre(topology, "right_eyeball"), atol=0.2)


def test_regions_are_those_that_the_other_heads_have(topology, head):
    assert set(head.topology.region_names) - set(WIDER) <= set(topology.region_names)
    assert all(regions_on((name,), topology.region_names) for name in head.topology.region_names)
    assert {"teeth", "gums", "mouth"} <= set(topology.region_names)
    for name in topology.region_names:
        assert topology.region(name).max() > 0.9, name


def test_a_finer_head_keeps_parts_and_marks(topology):
    finer, matrix = subdivided(topology)
    assert len(finer.faces) == 4 * len(topology.faces)
    assert finer.landmarks is not None
    moved = landmark_points(finer.rest, finer.faces, finer.landmarks)
    before = landmark_points(topology.rest, topology.faces, topology.landmarks)
    assert np.abs(moved - before).max() * topology.metres_per_unit < 0.001
    assert np.array_equal(finer.rest, matrix @ topology.rest)


def copied(folder: Path, *names: str) -> Path:
    """A folder of links to the published files."""
    for name in ("generic_neutral_mesh.obj", "vertex_indices.json", *names):
        (folder / name).symlink_to(FOLDER / name)
    return folder


def test_any_number_of_identities_will_do(tmp_path):
    bare = ict.load(copied(tmp_path))
    assert (bare.identity_size, bare.expression_size) == (0, 0)
    assert bare.vertices().shape == (1, VERTICES, 3)


@pytest.mark.parametrize("name", ["generic_neutral_mesh.obj", "vertex_indices.json"])
def test_a_missing_file_is_named(tmp_path, name):
    copied(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(HeadInvalid, match=f"{name} is not there"):
        ict.load(tmp_path)


def test_a_cut_off_identity_is_named_with_what_it_has(tmp_path):
    copied(tmp_path)
    text = (FOLDER / "identity003.obj").read_text()
    (tmp_path / "identity003.obj").write_text(text[: text.index("\nvt ") // 2].rsplit("\n", 1)[0])
    with pytest.raises(HeadInvalid, match=r"identity003\.obj has \d+ vertices, expected 26719"):
        ict.load(tmp_path)


def test_another_mesh_of_that_name_is_refused(tmp_path):
    copied(tmp_path)
    (tmp_path / "generic_neutral_mesh.obj").unlink()
    (tmp_path / "generic_neutral_mesh.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(HeadInvalid, match=r"generic_neutral_mesh\.obj has 3 vertices, expected 26719"):
        ict.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"idx_to_landmark_verts": [1, 2]}, "is not 68 vertices"),
        ({"idx_to_landmark_verts": [99999] * 68}, "is not 68 vertices"),
        ({"expressions": [1, 2]}, "is not a list of names"),
        ({"expressions": None}, "is not a list of names"),
    ],
)
def test_indices_that_cannot_be_are_refused(tmp_path, change, said):
    copied(tmp_path)
    indices = json.loads((FOLDER / "vertex_indices.json").read_text()) | change
    (tmp_path / "vertex_indices.json").unlink()
    (tmp_path / "vertex_indices.json").write_text(json.dumps(indices))
    with pytest.raises(HeadInvalid, match=said):
        ict.load(tmp_path)


def test_the_same_files_give_the_same_topology(topology, tmp_path):
    again = ict.load(copied(tmp_path)).topology
    assert again.topology_id == topology.topology_id
    assert replace(again, expression_names=()).licence == "MIT"
