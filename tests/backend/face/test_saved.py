import errno
import json
import os
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from backend import __version__, errors
from backend.face import saved
from backend.face.layers import Face, Layer, albedo, vertices
from backend.face.saved import identify, load, read_document, save
from tests.toys import toy_face, toy_layer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved face of two layers."""
    return save(replace(toy_face(), layers=(toy_layer(), toy_layer(seed=1)), preview=b"PNG"), tmp_path / "face")


def assert_same(one: Face | Layer, other: Face | Layer) -> None:
    for name in (field.name for field in fields(one)):
        a, b = getattr(one, name), getattr(other, name)
        if isinstance(a, np.ndarray):
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()), name
        elif name == "layers":
            for x, y in zip(a, b, strict=True):
                assert_same(x, y)
        else:
            assert a == b, name


def rewrite(path: Path, **arrays: np.ndarray | None) -> None:
    with np.load(path) as file:
        content = dict(file) | arrays
    np.savez_compressed(path, **{name: array for name, array in content.items() if array is not None})


def alter(folder: Path, **changes: object) -> None:
    path = folder / "face.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


edits = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 9),
        "name": st.text(max_size=9),
        "strength": st.floats(-2, 2),
        "muted": st.booleans(),
        "region": st.sampled_from([(), ("lips",), ("lips", "nose")]),
    },
    optional={"texels": st.none(), "offsets": st.none()},
)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 9), st.text(), st.lists(edits, max_size=3), st.binary(min_size=1) | st.none())
def test_a_face_comes_back_as_it_was(tmp_path_factory, seed, prompt, edits, preview):
    layers = tuple(toy_layer(**edit) for edit in edits)
    face = replace(toy_face(seed=seed), prompt=prompt, layers=layers, preview=preview, parent="0" * 64)
    assert_same(load(save(face, tmp_path_factory.mktemp("faces") / "face")), face)


@pytest.mark.parametrize(
    "absent",
    [("mask", "texels"), ("weights", "offsets", "identity", "sliders"), ("texels", "offsets"), ("identity",)],
)
def test_a_layer_may_hold_less(tmp_path, absent):
    face = replace(toy_face(), layers=(toy_layer(**dict.fromkeys(absent)),))
    assert_same(load(save(face, tmp_path / "face")), face)


def test_the_folder_is_the_one_the_design_describes(folder):
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "albedo.png",
        "base.npz",
        "coefficients.npz",
        "face.json",
        "layers/01/delta.npz",
        "layers/01/mask.png",
        "layers/01/weights.npz",
        "layers/02/delta.npz",
        "layers/02/mask.png",
        "layers/02/weights.npz",
        "mesh.npz",
        "preview.png",
    ]
    face = load(folder)
    assert np.array_equal(np.asarray(Image.open(folder / "albedo.png")), albedo(face))
    assert json.loads((folder / "face.json").read_bytes())["generator"] == f"Facewright {__version__}"
    with np.load(folder / "mesh.npz") as mesh:
        assert np.array_equal(mesh["vertices"], vertices(face))


def test_the_id_depends_on_the_files_alone(folder, tmp_path):
    again = save(load(folder), tmp_path / "again")
    other = save(replace(load(folder), base_albedo=toy_face(seed=5).base_albedo), tmp_path / "other")
    assert read_document(again)["id"] == read_document(folder)["id"] == identify(folder)
    assert read_document(other)["id"] != read_document(folder)["id"]


def test_a_cache_or_a_stray_file_does_not_make_a_face_another(folder):
    (folder / "latents.npz").write_bytes(b"cache")
    (folder / ".DS_Store").write_bytes(b"")
    load(folder)


def test_a_face_outlives_its_parent(folder, tmp_path):
    parent = load(folder)
    child = replace(parent, parent=read_document(folder)["id"], layers=(*parent.layers, toy_layer(seed=2)))
    save(child, tmp_path / "child")
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert_same(load(tmp_path / "child"), child)


def test_an_existing_folder_is_refused(folder):
    before = identify(folder)
    with pytest.raises(errors.FolderExists, match="face exists"):
        save(toy_face(), folder)
    assert identify(folder) == before


def test_an_empty_folder_is_refused_too(tmp_path):
    with pytest.raises(errors.FolderExists, match="exists"):
        save(toy_face(), tmp_path)


def test_a_new_face_sweeps_what_killed_processes_left_a_day_ago(tmp_path):
    left = [tmp_path / name for name in (".one.0123abcd.partial", ".new.0123abcd.partial", ".mine.partial")]
    for path in left:
        path.mkdir()
        (path / "mesh.npz").write_bytes(b"half")
    for path in (left[0], left[2]):
        os.utime(path, (time.time() - 90000,) * 2)
    save(toy_face(), tmp_path / "face")
    assert [path.is_dir() for path in left] == [False, True, True]


@pytest.mark.parametrize(("code", "error"), [(errno.ENOSPC, errors.DiskFull), (errno.EIO, errors.FolderUnwritable)])
@pytest.mark.parametrize("written", range(5))
def test_a_failing_write_leaves_nothing(tmp_path, monkeypatch, written, code, error):
    calls = []
    write = saved.write_through

    def fails(path: Path, content: bytes) -> None:
        calls.append(path)
        if len(calls) > written:
            raise OSError(code, "broken")
        write(path, content)

    monkeypatch.setattr(saved, "write_through", fails)
    with pytest.raises(error, match=str(tmp_path / "face")):
        save(toy_face(), tmp_path / "face")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_save_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(path: Path, content: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(saved, "write_through", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(toy_face(), tmp_path / "face")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(errors.FolderUnwritable, match="cannot be written"):
        save(toy_face(), tmp_path / "file" / "face")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"base_vertices": np.full((208, 3), np.nan, np.float32)}, "base.npz vertices holds values"),
        ({"offsets": np.zeros((7, 3), np.float32)}, r"offsets has the shape \(7, 3\), expected \(208, 3\)"),
        ({"layers": (toy_layer(size=16),)}, r"01/mask.png has the shape \(16, 16\), expected \(32, 32\)"),
        ({"layers": (toy_layer(sliders=np.zeros(9, np.float32)),)}, r"01/delta.npz sliders has the shape \(9,\)"),
        ({"layers": (toy_layer(mask=None),)}, "layer 1 changes something through no mask"),
        ({"layers": (toy_layer(strength=float("inf")),)}, "strength of layer 1 is inf"),
        ({"metrics": {"likeness": float("nan")}}, "metrics or settings"),
    ],
)
def test_a_face_that_does_not_fit_is_not_saved(tmp_path, changes, match):
    with pytest.raises(errors.FaceInvalid, match=match):
        save(replace(toy_face(), **changes), tmp_path / "face")
    assert list(tmp_path.iterdir()) == []


def test_no_face_is_named(tmp_path):
    with pytest.raises(errors.FaceMissing, match=r"face\.json is not there"):
        load(tmp_path / "nowhere")


def test_a_newer_schema_is_refused(folder):
    alter(folder, schema=saved.SCHEMA + 1)
    with pytest.raises(errors.SchemaTooNew, match="has schema 2, this version reads up to 1"):
        load(folder)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "is not JSON"),
        ("[]", "states no schema"),
        ('{"schema": "1"}', "states no schema"),
        ('{"schema": 1}', "no 'id'"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_damaged_document_is_named(folder, text, match):
    (folder / "face.json").write_text(text)
    with pytest.raises(errors.FaceInvalid, match=match):
        read_document(folder)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"seed": "7"}, "'seed' is '7'"),
        ({"layers": [1]}, "layer 1: is no JSON object"),
        ({"layers": [{"name": "lips"}]}, "layer 1: no 'instruction'"),
        ({"layers": []}, "is not base.npz followed by the layers"),
    ],
)
def test_a_wrong_field_is_named(folder, changes, match):
    alter(folder, **changes)
    with pytest.raises(errors.FaceInvalid, match=match):
        load(folder)


FILES = ["coefficients.npz", "mesh.npz", "base.npz", "albedo.png", "layers/01/delta.npz"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(errors.FaceInvalid, match=f"{name} is missing"):
        load(folder)


@pytest.mark.parametrize("keep", [0, 3, 0.5, -1])
@pytest.mark.parametrize("name", [*FILES, "layers/02/mask.png", "layers/02/weights.npz"])
def test_a_truncated_file_is_named(folder, name, keep):
    content = (folder / name).read_bytes()
    kept = int(keep * len(content)) if isinstance(keep, float) else keep
    (folder / name).write_bytes(content[:kept])
    with pytest.raises(errors.FaceInvalid, match=f"{name} cannot be read|id"):
        load(folder)


@pytest.mark.parametrize(
    ("name", "arrays", "match"),
    [
        ("mesh.npz", {"expressions": None}, "mesh.npz holds no expressions"),
        (
            "mesh.npz",
            {"expressions": np.zeros((3, 9, 3), np.float32)},
            r"expressions has the shape \(3, 9, 3\)",
        ),
        ("mesh.npz", {"vertices": np.zeros((208, 3))}, "vertices is float64, expected float32"),
        ("mesh.npz", {"vertices": np.zeros((208, 3), np.float32)}, "mesh.npz is not base.npz followed"),
        ("base.npz", {"vertices": np.full((208, 3), np.inf, np.float32)}, "base.npz vertices holds values"),
        ("coefficients.npz", {"identity": np.array([np.nan], np.float32)}, "identity holds values"),
        ("coefficients.npz", {"identity": np.array([None])}, "coefficients.npz cannot be read as .npz"),
        (
            "layers/02/delta.npz",
            {"texels": np.zeros((8, 8, 3), np.int16)},
            r"02/delta.npz texels has the shape",
        ),
        ("layers/01/delta.npz", {"identity": np.full(5, np.nan, np.float32)}, "01/delta.npz identity holds values"),
        (
            "layers/02/weights.npz",
            {"weights": np.float32([1])},
            r"02/weights.npz weights has the shape \(1,\)",
        ),
    ],
)
def test_an_array_that_does_not_fit_is_named(folder, name, arrays, match):
    rewrite(folder / name, **arrays)
    with pytest.raises(errors.FaceInvalid, match=match):
        load(folder)


def test_a_picture_of_the_wrong_kind_is_named(folder):
    Image.new("L", (32, 32)).save(folder / "albedo.png")
    with pytest.raises(errors.FaceInvalid, match=r"albedo\.png is a L picture, expected RGB"):
        load(folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    return save(replace(toy_face(size=8), layers=(toy_layer(size=8),)), tmp_path_factory.mktemp("small") / "face")


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*FILES, "layers/01/mask.png"]), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_any_tampered_byte_is_noticed(small, name, where, change):
    original = (small / name).read_bytes()
    content = bytearray(original)
    content[int(where * len(content))] ^= change
    (small / name).write_bytes(content)
    try:
        with pytest.raises(errors.FaceInvalid, match="face"):
            load(small)
    finally:
        (small / name).write_bytes(original)
    load(small)


def test_tampered_coefficients_of_a_sound_file_are_noticed(folder):
    rewrite(folder / "coefficients.npz", identity=np.ones(5, np.float32))
    with pytest.raises(errors.FaceInvalid, match=r"are not those its face\.json names by id"):
        load(folder)


def test_a_strength_may_be_written_as_a_whole_number(folder):
    document = read_document(folder)
    document["layers"][0]["strength"] = 1
    alter(folder, layers=document["layers"])
    assert load(folder).layers[0].strength == 1.0


def test_a_tampered_strength_is_noticed(folder):
    document = read_document(folder)
    document["layers"][0]["strength"] = 0.5
    alter(folder, layers=document["layers"])
    with pytest.raises(errors.FaceInvalid, match="followed by the layers"):
        load(folder)
