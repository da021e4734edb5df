import collections
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from backend.errors import HeadInvalid
from backend.face import plainpickle

ARRAYS = {
    "f": np.arange(12, dtype=np.uint32).reshape(4, 3),
    "shapedirs": np.random.default_rng(0).normal(size=(5, 3, 4)),
    "columns": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "big": np.arange(3, dtype=">i4"),
    "flags": np.array([True, False]),
    "empty": np.zeros((0, 3)),
}


class Object:
    """Stands for a class of a package that is not installed."""


def pickled(value: object, name: str = "chumpy.ch.Ch") -> bytes:
    """A pickle of protocol 2 in which each Object is called by that name."""
    module, _, last = name.rpartition(".")
    ours = f"c{Object.__module__}\nObject\n".encode()
    return pickle.dumps(value, 2).replace(ours, f"c{module}\n{last}\n".encode())


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_arrays_come_back(protocol):
    found = plainpickle.read("m.pkl", pickle.dumps(ARRAYS, protocol))
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_python_2s_pickles_come_back():
    """Its strings are bytes, its modules have other names: written out by hand as its cPickle wrote them."""
    raw = np.arange(4, dtype="<f8").tobytes()
    content = (
        b"\x80\x02}q\x01U\x01vq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87R"
        b"(K\x01K\x02K\x02\x86cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U" + bytes([len(raw)]) + raw + b"tbs."
    )
    assert np.array_equal(plainpickle.read("m.pkl", content)["v"], [[0, 1], [2, 3]])


@pytest.mark.parametrize("protocol", [2, 4])
def test_plain_values_come_back(protocol):
    value = {"a": [1, -2, 2**40, 1.5, None, True], "b": ("x", b"y", (), (1, 2, 3, 4)), 3: {"c": []}}
    assert plainpickle.read("m.pkl", pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("name", ["chumpy.ch.Ch", "scipy.sparse.csc.csc_matrix"])
def test_objects_of_other_packages_are_shells_with_their_state(name):
    thing = Object()
    thing.x = ARRAYS["shapedirs"]
    shell = plainpickle.read("m.pkl", pickled({"v": thing, "again": thing}, name))
    assert shell["v"].name == name
    assert np.array_equal(shell["v"].state["x"], thing.x)
    assert shell["again"] is shell["v"]


class _Harm:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (os.system, ("touch HARM",), "system"),
        (eval, ("open('HARM', 'w')",), "eval"),
        (collections.Counter, ("aab",), "collections.Counter"),
        (getattr, ("text", "upper"), "getattr"),
        (np.load, ("HARM",), "numpy.load"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_nothing_else_is_called(tmp_path, monkeypatch, function, arguments, named, protocol):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps({"v": _Harm(function, *arguments)}, protocol)
    with pytest.raises(HeadInvalid, match=rf"m\.pkl: .*{named} is not admitted"):
        plainpickle.read("m.pkl", content)
    assert not list(tmp_path.iterdir())


def test_arrays_of_objects_are_refused():
    with pytest.raises(HeadInvalid, match="an array of O8 is not admitted"):
        plainpickle.read("m.pkl", pickle.dumps(np.array([{}, []], object)))


@given(st.integers(0, 5000))
@settings(max_examples=25)
def test_a_file_that_is_cut_off_is_refused(length):
    whole = pickle.dumps(ARRAYS, 2)
    with pytest.raises(HeadInvalid, match=r"m\.pkl"):
        plainpickle.read("m.pkl", whole[: min(length, len(whole) - 1)])


@given(st.binary(max_size=60))
def test_noise_is_refused_or_a_value_but_no_crash(noise):
    try:
        plainpickle.read("m.pkl", b"\x80\x02" + noise + b".")
    except HeadInvalid:
        return


def test_lists_of_lists_of_lists_take_no_time():
    value: list[object] = []
    for _ in range(60):
        value = [value, value]
    assert len(plainpickle.read("m.pkl", pickle.dumps(value, 2))) == 2


def test_the_module_itself_unpickles_nothing():
    assert "import pickle\n" not in Path(plainpickle.__file__).read_text()
