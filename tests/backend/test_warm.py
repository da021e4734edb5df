import json

import pytest
from hypothesis import given, settings, strategies as st

from backend.warm import ASIDE_MB, Shelf, weights_mb


class Machine:
    """So much memory, of which a shelf's things take theirs."""

    def __init__(self, total):
        self.total, self.loads = total, 0
        self.shelf = Shelf(lambda: self.total - self.shelf.held_mb)

    def get(self, name, size, work=100.0):
        def load():
            self.loads += 1
            return f"the {name}"

        return self.shelf.get((name, "starter"), lambda: size, work, load)


def test_what_is_kept_is_not_loaded_again():
    machine = Machine(8000)
    assert [machine.get("draw", 1000.0), machine.get("draw", 1000.0)] == ["the draw", "the draw"]
    assert machine.loads == 1


def test_the_longest_unused_goes_first_and_only_as_much_as_it_takes():
    machine, told = Machine(3500), []
    for name in ("one", "two", "three", "one"):
        machine.get(name, 1000.0)
    machine.shelf.tell = told.append
    machine.get("four", 1000.0)
    assert told == ["needs about 1.1 GB, 0.5 GB free: frees two starter first"]
    before = machine.loads
    machine.get("one", 1000.0)
    assert machine.loads == before
    machine.get("two", 1000.0)
    assert machine.loads == before + 1


def test_what_does_not_fit_is_tried_and_said():
    machine, told = Machine(4096 + 256), []
    machine.shelf.tell = told.append
    machine.get("full", 6000.0, 246.0)
    assert told == ["needs about 6.1 GB, 4.2 GB free: more than there is, so it may be slow or fail"]


def test_a_limit_holds_however_much_is_free():
    machine = Machine(100_000)
    machine.shelf.limit_mb = 1500
    machine.get("draw", 1000.0)
    machine.get("edit", 1000.0)
    assert machine.shelf.held_mb == 1000.0


def test_unload_keeps_what_it_is_told_to():
    machine = Machine(8000)
    machine.get("draw", 10.0)
    machine.get("edit", 20.0)
    machine.shelf.keep(("edit",))
    assert machine.shelf.held_mb == 20.0
    machine.shelf.keep(())
    assert machine.shelf.held_mb == 0.0


def test_without_a_measure_of_memory_all_is_kept():
    shelf = Shelf(lambda: None)
    for number in range(10):
        shelf.get((str(number),), lambda: 1e6, 0.0, lambda number=number: number)
    assert shelf.held_mb == 1e7


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(1, 3000)), max_size=20))
def test_the_memory_is_enough_wherever_it_can_be(asked):
    machine = Machine(4000)
    sizes = {}
    for name, size in asked:
        machine.get(name, sizes.setdefault(name, size), 100.0)
        assert machine.shelf.held_mb + 100 + ASIDE_MB <= 4000


def test_weights_are_counted_by_their_headers(tmp_path):
    header = json.dumps({"__metadata__": {"format": "pt"}, "a": {"shape": [1024, 512]}, "b": {"shape": []}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert weights_mb({"unet": tmp_path}, 4) == pytest.approx(2.0, abs=1e-5)
