import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from backend.errors import HeadInvalid
from backend.face import matfile
from tests.backend.face.matwriter import mat

GENERATOR = np.random.default_rng(0)
ARRAYS = {
    "mu": GENERATOR.normal(size=(1, 9)),
    "basis": GENERATOR.normal(size=(4, 9)).astype(np.float32),
    "tri": GENERATOR.integers(0, 3, (5, 3)).astype(np.int32),
    "mask": GENERATOR.integers(0, 2, (1, 3)).astype(np.uint8),
    "cube": GENERATOR.normal(size=(2, 3, 4)),
    "one": np.array([[7.0]]),
}


def same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    kinds = all(found[name].dtype == expected[name].dtype for name in expected)
    return found.keys() == expected.keys() and kinds and all(np.array_equal(found[k], expected[k]) for k in expected)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compress", [False, True])
def test_arrays_come_back(order, compress):
    assert same(matfile.read("m.mat", mat(ARRAYS, order, compress)), ARRAYS)


def test_whole_numbers_stored_small_come_back_as_what_they_are():
    table = {"tri": np.arange(300.0).reshape(100, 3)}
    content = mat(table, stored="u2")
    assert len(content) < 1000
    assert same(matfile.read("m.mat", content), table)


@pytest.mark.parametrize("compress", [False, True])
def test_scipy_writes_what_is_read(tmp_path, compress):
    io = pytest.importorskip("scipy.io")
    words = {"note": "text", "table": {"a": 1.0}, "cells": np.array([1, "x"], object), "turn": np.array([[1 + 2j]])}
    io.savemat(tmp_path / "m.mat", ARRAYS | words, do_compression=compress)
    assert same(matfile.read("m.mat", (tmp_path / "m.mat").read_bytes()), ARRAYS)


def outcome(content: bytes) -> tuple[dict[str, np.ndarray], str]:
    """What a file gives, or what is said about it."""
    try:
        return matfile.read("m.mat", content), ""
    except HeadInvalid as error:
        return {}, error.message


FILES = {compress: mat(ARRAYS, compress=compress) for compress in (False, True)}


@given(st.integers(0, 2000), st.booleans())
@settings(max_examples=40)
def test_a_file_that_is_cut_off_is_refused_or_gives_what_came_before(length, compress):
    found, said = outcome(FILES[compress][:length])
    assert all(np.array_equal(array, ARRAYS[name]) for name, array in found.items())
    assert not said or said.startswith("m.mat is ")


@given(st.binary(max_size=400))
def test_noise_behind_the_header_is_no_crash(noise):
    found, said = outcome(mat({}) + noise)
    assert found == {} or not said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no .mat file of version 5"),
        (b"x" * 500, "no .mat file of version 5"),
        (b"MATLAB 7.3 MAT-file" + b" " * 600, "version 7.3"),
        (b"\x89HDF\r\n\x1a\n" + b" " * 600, "version 7.3"),
    ],
)
def test_other_formats_are_named(content, said):
    with pytest.raises(HeadInvalid, match=said):
        matfile.read("m.mat", content)
