"""A folder of textures is taken whole or refused by name."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from backend.errors import TrainingSetInvalid, UsageError
from backend.language import draw_person
from backend.training.canvas import Canvas
from backend.training.textures import OTHER, OURS, paint_textures, read_textures

SIZE = 32


@pytest.fixture(scope="module")
def canvas(head) -> Canvas:
    return Canvas.of(head.topology, 256)


@pytest.fixture(scope="module")
def painted(canvas, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("painted")
    rng = random.Random(4)
    paint_textures(canvas, [draw_person(rng).look for _ in range(8)], folder)
    return folder


@pytest.fixture
def textures(painted, tmp_path) -> Path:
    for path in painted.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def turn(path: Path) -> None:
    Image.fromarray(np.rot90(np.asarray(Image.open(path))).copy()).save(path)


def test_painted_textures_are_ours_and_free(textures, canvas):
    read = read_textures(textures, SIZE, OURS, None, canvas)
    assert read.pictures.shape == (8, 3, SIZE, SIZE)
    assert 0 <= read.pictures.min() < read.pictures.max() <= 1
    assert read.licence.startswith("CC0-1.0")
    assert not read.mirrored  # eyes, teeth and tongue lie where there is room


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("empty", "holds 0 textures"),
        ("text for a picture", "00003.png cannot be read as a picture"),
        ("cut off", "00003.png cannot be read as a picture"),
        ("another size", r"most textures are 256 x 256, but not 00003.png \(200 x 256\)"),
        ("none is square", "not square"),
        ("one is turned", "00003.png are not laid out as the other textures are"),
        ("all are turned", "not in Facewright's UV layout .*00000.png, 00001.png, 00002.png and"),
        ("all are flat", "not in Facewright's UV layout"),
        ("no folder", "is no folder"),
    ],
)
def test_a_spoilt_folder_is_refused_with_what_to_do(textures, canvas, what, told):
    pictures, third = sorted(textures.glob("*.png")), textures / "00003.png"
    if what == "empty":
        for path in pictures:
            path.unlink()
    elif what == "text for a picture":
        third.write_text("not a picture")
    elif what == "cut off":
        third.write_bytes(third.read_bytes()[:2000])
    elif what == "another size":
        Image.new("RGB", (200, 256)).save(third)
    elif what == "none is square":
        for path in pictures:
            Image.open(path).crop((0, 0, 256, 128)).save(path)
    elif what == "one is turned":
        turn(third)
    elif what == "all are turned":
        for path in pictures:
            turn(path)
    elif what == "all are flat":
        for path in pictures:
            Image.new("RGB", (256, 256), (90, 60, 50)).save(path)
    folder = textures / "elsewhere" if what == "no folder" else textures
    with pytest.raises(TrainingSetInvalid, match=told) as caught:
        read_textures(folder, SIZE, OURS, None, canvas)
    assert caught.value.advice


def test_another_layout_is_taken_where_it_is_said_but_not_a_mixture(textures, canvas):
    for path in textures.glob("*.png"):
        turn(path)
    assert read_textures(textures, SIZE, OTHER, None, canvas).layout == OTHER
    other = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(other).resize((256, 256)).save(textures / "00005.png")
    with pytest.raises(TrainingSetInvalid, match=r"00005\.png are not laid out as the other"):
        read_textures(textures, SIZE, OTHER, None, canvas)


def test_a_layout_that_is_the_same_from_left_to_right_may_be_mirrored(textures, canvas):
    for path in textures.glob("*.png"):
        half = np.asarray(Image.open(path))[:, :128]
        Image.fromarray(np.concatenate([half, half[:, ::-1]], axis=1)).save(path)
    assert read_textures(textures, SIZE, OTHER, None, canvas).mirrored


def test_somebody_says_what_they_may_be_used_for(textures, canvas):
    (textures / "LICENSE").unlink()
    with pytest.raises(UsageError, match="nothing says what") as caught:
        read_textures(textures, SIZE, OURS, None, canvas)
    assert "--licence" in caught.value.advice
    assert read_textures(textures, SIZE, OURS, "my own", canvas).licence == "my own"
    (textures / "LICENCE.txt").write_text("\nresearch only\nmore\n")
    assert read_textures(textures, SIZE, OURS, None, canvas).licence == "research only"


def test_textures_are_averaged_to_the_size_that_is_trained(textures, canvas):
    whole = torch.from_numpy(np.array(Image.open(textures / "00000.png"))).permute(2, 0, 1).float() / 255
    small = read_textures(textures, SIZE, OURS, None, canvas).pictures[0]
    expected = torch.nn.functional.avg_pool2d(whole[None], 256 // SIZE)[0]
    torch.testing.assert_close(small, expected, atol=1.5 / 255, rtol=0)
