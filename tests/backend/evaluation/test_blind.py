import json

import numpy as np
import pytest

from backend import commandline
from backend.errors import UsageError
from backend.evaluation.blind import KEY, write_blind
from backend.evaluation.keys import Judged
from backend.evaluation.lab import save_picture


def found(folder, name: str, count: int) -> Judged:
    rows = []
    for number in range(count):
        picture = save_picture(folder, f"{name} {number}", np.full((8, 8, 3), 20 * number, np.uint8))
        rows.append({"id": str(number), "seed": 0, "prompt": f"prompt <{number}>", "picture": picture})
    return Judged(colour=rows)


def test_a_sheet_tells_no_names_and_the_key_tells_all(tmp_path):
    sheet = write_blind(tmp_path, {"plain": found(tmp_path, "a", 12), "other": found(tmp_path, "b", 10)}).read_text()
    assert "plain" not in sheet
    assert "prompt &lt;3&gt;" in sheet
    assert sheet.count("<section>") == 10
    key = json.loads((tmp_path / KEY).read_text())
    assert len(key) == 10
    assert {sides["A"] for sides in key.values()} == {"plain", "other"}
    assert all({sides["A"], sides["B"]} == {"plain", "other"} for sides in key.values())


def test_one_preset_makes_no_pair(tmp_path):
    with pytest.raises(UsageError, match="two presets"):
        write_blind(tmp_path, {"plain": Judged()})
    with pytest.raises(UsageError, match="no picture"):
        write_blind(tmp_path, {"plain": Judged(), "other": Judged()})


def test_blind_needs_a_comparison(tmp_path):
    with pytest.raises(UsageError, match="two presets"):
        commandline.check(commandline.parse(["evaluate", "--blind", "--out", str(tmp_path)]))
