from dataclasses import replace

import torch

from backend.render.picture import Surface
from backend.stages.irises import irises
from backend.stages.masks import fixed_texels
from tests.toys import toy_topology


def test_irises_are_rings_on_the_fronts_of_both_eyes(head):
    surface, size = Surface.of(head.topology), 256
    found = irises(head.topology, surface, size)
    fixed = fixed_texels(head.topology, surface, size)
    assert fixed[found].all()
    assert 100 < int(found.sum()) < 2 * size
    rows, columns = torch.nonzero(found, as_tuple=True)
    middle = found.clone()
    left = columns < columns.float().mean()
    for side in (left, ~left):
        row, column = rows[side].float(), columns[side].float()
        assert row.max() - row.min() < 16
        middle[int(row.mean().round()), int(column.mean().round())] = True
    assert int(middle.sum()) == int(found.sum()) + 2  # the pupils are not of them


def test_a_head_without_eyes_has_no_irises():
    topology = replace(toy_topology(), part_names=("skin", "one", "other"))
    assert not irises(topology, Surface.of(topology), 64).any()
