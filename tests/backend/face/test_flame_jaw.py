import numpy as np
import pytest

from backend.errors import HeadInvalid
from backend.face import flame
from backend.face.flame_jaw import JAW, POSES, jaw_rows, rotation
from tests.backend.face.test_flame import beside, structure
from tests.backend.face.test_plainpickle import Object, pickled


def with_jaw(correctives: float = 0.0) -> dict[str, np.ndarray]:
    """The toys' FLAME whose jaw, all that is below, hangs on a joint in the middle of the head."""
    model, generator = structure(), np.random.default_rng(1)
    template = np.asarray(model["v_template"])
    weights = np.zeros((len(template), 5))
    below = template[:, 1] < 0
    weights[:, JAW], weights[:, 0] = below, ~below
    regressor = np.zeros((5, len(template)))
    regressor[JAW] = 1 / len(template)
    posedirs = correctives * generator.normal(size=(len(template), 3, 36))
    return {"J_regressor": regressor, "weights": weights, "posedirs": posedirs}


def template() -> np.ndarray:
    return np.asarray(structure()["v_template"])


def test_an_open_jaw_turns_stiffly_round_its_joint():
    found, rest = with_jaw(), template()
    opened = rest + jaw_rows("m", found, rest, "")["jawOpen"]
    joint = rest.mean(axis=0)
    below = found["weights"][:, JAW] == 1
    np.testing.assert_allclose(opened[~below], rest[~below])
    before, after = (np.linalg.norm(points[below] - joint, axis=1) for points in (rest, opened))
    np.testing.assert_allclose(after, before)
    chin = below & (rest[:, 2] > joint[2] + 0.02)
    assert (opened[chin, 1] < rest[chin, 1]).all()


def test_left_is_the_persons_own():
    found, rest = with_jaw(), template()
    rows = jaw_rows("m", found, rest, "")
    chin = (found["weights"][:, JAW] == 1) & (rest[:, 2] > rest[:, 2].mean() + 0.02)
    assert rows["jawLeft"][chin, 0].mean() > 0 > rows["jawRight"][chin, 0].mean()


def test_the_correctives_of_the_jaw_alone_count():
    found, rest = with_jaw(correctives=1e-3), template()
    changed = dict(found, posedirs=found["posedirs"].copy())
    changed["posedirs"][..., : 9 * (JAW - 1)] = 5
    changed["posedirs"][..., 9 * JAW :] = 5
    for name in POSES:
        one, other = (jaw_rows("m", table, rest, "")[name] for table in (found, changed))
        assert np.array_equal(one, other)
    assert not np.allclose(jaw_rows("m", with_jaw(), rest, "")["jawOpen"], jaw_rows("m", found, rest, "")["jawOpen"])


def test_a_rotation_keeps_lengths_and_its_axis():
    turn = np.array([0.3, -0.2, 0.5])
    matrix = rotation(turn)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(matrix @ turn, turn)
    assert np.trace(matrix) == pytest.approx(1 + 2 * np.cos(np.linalg.norm(turn)))
    assert np.array_equal(rotation(np.zeros(3)), np.eye(3))


def test_without_joints_there_are_no_poses(tmp_path):
    assert jaw_rows("m", {}, template(), "") == {}


@pytest.mark.parametrize("kind", ["csc", "csr", "dense"])
def test_the_file_gives_poses_as_named_expressions(tmp_path, kind):
    """The published pickle holds the joints as a sparse matrix of scipy."""
    found = with_jaw()
    model = structure() | found
    if kind == "dense":
        place = beside(tmp_path) / "FLAME_NEUTRAL.npz"
        np.savez(place, **model)
    else:
        matrix = found["J_regressor"]
        outer = matrix.T if kind == "csc" else matrix
        sparse = Object()
        starts = np.concatenate([[0], np.cumsum((outer != 0).sum(axis=1))]).astype(np.int32)
        state = {"data": outer[outer != 0], "indices": np.nonzero(outer)[1].astype(np.int32), "indptr": starts}
        vars(sparse).update(state, _shape=matrix.shape)
        place = beside(tmp_path) / "generic_model.pkl"
        content = pickled(model | {"J_regressor": sparse}, f"scipy.sparse.{kind}.{kind}_matrix")
        place.write_bytes(content)
    head = flame.load(place)
    assert head.topology.expression_names[-3:] == tuple(POSES)
    jaw = head.topology.expression_names.index("jawOpen")
    moved = head.expression_basis[jaw].reshape(-1, 3).numpy() * head.topology.metres_per_unit
    np.testing.assert_allclose(moved, jaw_rows("m", found, template(), "")["jawOpen"], atol=1e-6)


def test_joints_that_do_not_fit_are_refused():
    found = with_jaw()
    with pytest.raises(HeadInvalid, match=r"posedirs is 624 × 3 × 12, expected 624 × 3 × 36"):
        jaw_rows("m", found | {"posedirs": found["posedirs"][..., :12]}, template(), "")
    with pytest.raises(HeadInvalid, match=r"weights is 624 × 5, expected 9 × 5"):
        jaw_rows("m", found, template()[:9], "")
