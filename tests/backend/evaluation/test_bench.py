import json

import pytest
import torch

from backend.evaluation import bench
from backend.render.camera import Cameras
from backend.render.picture import GREY, Surface
from tests.toys import toy_topology


@pytest.fixture(scope="module")
def toy() -> bench.Head:
    return Surface.of(toy_topology()), torch.from_numpy(toy_topology().rest)[None]


def test_both_paths_draw_the_same_but_for_the_outlines(toy):
    cameras = Cameras(torch.tensor([20.0]), torch.tensor([5.0]))
    picture = bench.ours(toy, cameras, 40)[0].permute(1, 2, 0).reshape(-1, 3)
    hits = bench.plain(toy, cameras, 40)
    inner = torch.isin(picture[:, 0], GREY * hits[:, 0]).sum()
    assert 0.8 * len(hits) < inner <= len(hits)


def test_a_run_measures_each_path_and_says_so_step_by_step(toy):
    events = []
    rows = bench.measure(events.append, {"9k": toy, "36k": toy}, sizes=(16, 512), batches=(1,), repeats=1)
    assert [(row["mesh"], row["size"]) for row in rows] == [("9k", 16), ("9k", 512), ("36k", 16), ("36k", 512)]
    assert [event["step"] for event in events] == [0, 1, 2, 3]
    assert all(milliseconds > 0 for row in rows for path in ("ours", "torch") for milliseconds in row[path].values())
    figures = bench.figures(rows)
    assert figures["render.cpu_ratio_torch_over_ours_512_36k"] == pytest.approx(
        rows[3]["torch"]["both_cpu"] / rows[3]["ours"]["both_cpu"], abs=0.01
    )
    json.dumps(rows)
    lines = bench.table(rows).splitlines()
    assert len(lines) == 5
    assert len({len(line) for line in lines}) == 1


def test_measuring_leaves_the_number_of_threads(toy):
    torch.set_num_threads(2)
    bench.measure(lambda event: None, {"9k": toy}, sizes=(8,), batches=(2,), repeats=1)
    assert torch.get_num_threads() == 2
