import numpy as np
import pytest

from backend.errors import HeadInvalid
from backend.face.arrays import DAMAGED, Shape, indices, take

SHAPES: dict[str, Shape] = {"mean": (1, "3V"), "basis": ("I", "3V"), "tri": ("F", 3), "mask": ("V",)}


def table(**changes: object) -> dict[str, np.ndarray]:
    fine = {"mean": np.zeros((1, 12)), "basis": np.zeros((2, 12)), "tri": np.zeros((7, 3), int), "mask": np.zeros(4)}
    return {name: np.asarray(array) for name, array in (fine | changes).items() if array is not None}


def test_arrays_that_fit_each_other_are_taken_in_order():
    found = take("a.mat", table(), SHAPES, "advice")
    assert [array.shape for array in found] == [(1, 12), (2, 12), (7, 3), (4,)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"basis": None, "tri": None}, r"a\.mat lacks basis, tri; it has mean, mask"),
        ({"basis": np.zeros((2, 15))}, "basis is 2 × 15, expected 2 × 12"),
        ({"mean": np.zeros((1, 13))}, "mean is 1 × 13, expected 1 × 3V"),
        ({"mean": np.zeros(12)}, "mean is 12, expected 1 × 3V"),
        ({"tri": np.zeros((7, 4))}, "tri is 7 × 4, expected 7 × 3"),
        ({"mask": np.zeros(5)}, "mask is 5, expected 4"),
        ({"mask": np.array([0, 1, np.nan, np.inf])}, "2 values of mask are no numbers"),
        ({"mask": np.array(["a"] * 4)}, "mask holds <U1, expected numbers"),
    ],
)
def test_what_does_not_fit_is_said_with_what_was_expected(changes, said):
    with pytest.raises(HeadInvalid, match=said) as caught:
        take("a.mat", table(**changes), SHAPES, "get it again")
    assert caught.value.advice == "get it again"


@pytest.mark.parametrize("seed", range(30))
def test_an_archive_with_wrong_bytes_fails_in_a_known_way(tmp_path, seed):
    """Names, sizes, methods and compressed data: whatever numpy and zipfile make of them is in the list."""
    generator = np.random.default_rng(seed)
    np.savez_compressed(tmp_path / "a.npz", one=generator.normal(size=50), two=np.arange(9), text=np.array("{}"))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    for place in generator.integers(0, len(content), 4):
        content[place] ^= generator.integers(1, 255)
    (tmp_path / "a.npz").write_bytes(content)
    try:
        with (tmp_path / "a.npz").open("rb") as file, np.load(file, allow_pickle=False) as archive:
            for name in archive.files:
                archive[name]
    except DAMAGED:
        pass


def test_indices_become_int32():
    assert indices("a.mat", "tri", np.array([[0.0, 4.0]]), 5, "").dtype == np.int32


@pytest.mark.parametrize("values", [[0, 5], [-1, 2], [0.5, 1]])
def test_indices_beyond_what_there_is_are_refused(values):
    with pytest.raises(HeadInvalid, match=r"tri runs from .* to .*, expected 0 to 4"):
        indices("a.mat", "tri", np.array(values), 5, "")
