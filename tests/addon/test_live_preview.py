"""A real job from Blender: the child process, the starter networks, and the sidebar while they work."""

import json
import statistics
import sys
import time
from itertools import pairwise

import bpy
import pytest
from PIL import Image

from .conftest import PACKAGE
from .test_panels import draw

STEPS = {"geometry.steps": 16, "texture.steps": 4}


@pytest.fixture
def pump(extension):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    module = sys.modules[f"{PACKAGE}.ui.pump"]
    yield module
    module.close()


@pytest.fixture
def shown(pump, monkeypatch):
    """When each picture came into the sidebar, and its size; a Blender without a window has no icons, so numbers do."""
    pictures = []

    def load(_name, path, *, at_once):
        with Image.open(path) as picture:
            picture.load()
            pictures.append((time.monotonic(), picture.size))
        return len(pictures)

    monkeypatch.setattr(pump.thumbs, "load", load)
    return pictures


def test_pictures_of_the_unfinished_face_come_into_the_sidebar_at_most_twice_a_second(pump, shown, timers):
    bpy.ops.facewright.generate(prompt="an old man with a hooked nose", settings=json.dumps(STEPS), wait=False)
    took, blocks = [], []

    def looked() -> bool:
        began = time.thread_time()
        blocks.extend(words for name, words, _ in draw("create").calls if name == "template_icon")
        took.append(time.thread_time() - began)
        return pump.state.job is None

    timers.pump(until=looked, seconds=300)
    assert pump.state.failure is None
    (found,) = bpy.data.objects
    assert [step.kind for step in found.facewright.steps] == ["generate"]
    assert len(shown) >= 2
    assert {size for _, size in shown} <= {(128, 128), (256, 256)}
    assert list(dict.fromkeys(blocks)) == [(number + 1,) for number in range(len(shown))]
    moments = [moment for moment, _ in shown]
    assert all(after - before > 0.49 for before, after in pairwise(moments))  # the clock is read a moment later
    assert statistics.median(took) < 0.003  # seconds; the bound, of this thread's computing
    assert pump.state.preview_icon == 0
