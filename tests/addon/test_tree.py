"""The tree of steps as plain values."""

from hypothesis import given, settings, strategies as st

from addon.session.tree import Node, after_removal, inner, path, rows, without


@st.composite
def trees(draw):
    count = draw(st.integers(1, 12))
    parents = [draw(st.integers(-1, index - 1)) for index in range(count)]
    return [Node(str(i), str(p) if p >= 0 else "", draw(st.booleans())) for i, p in enumerate(parents)]


def test_a_branch_is_indented_and_comes_before_what_was_made_later_on_its_line():
    nodes = [Node("a"), Node("b", "a"), Node("c", "b"), Node("d", "a"), Node("e", "d")]
    assert rows(nodes) == [("a", 0), ("d", 1), ("e", 1), ("b", 0), ("c", 0)]


@given(trees())
@settings(max_examples=25, deadline=None)
def test_every_step_has_one_row_after_the_step_it_was_made_of(nodes):
    found = [uid for uid, _ in rows(nodes)]
    assert sorted(found) == sorted(node.uid for node in nodes)
    assert all(found.index(node.parent) < found.index(node.uid) for node in nodes if node.parent)


@given(trees(), st.data())
@settings(max_examples=25, deadline=None)
def test_what_stays_hangs_on_the_nearest_step_above_it_that_stays(nodes, data):
    gone = set(data.draw(st.lists(st.sampled_from([node.uid for node in nodes]), unique=True)))
    kept = without(nodes, gone)
    assert {node.uid for node in kept} == {node.uid for node in nodes} - gone
    for node in kept:
        assert path(kept, node.uid) == [uid for uid in path(nodes, node.uid) if uid not in gone]
        shown = after_removal(nodes, node.uid, gone)
        assert shown == node.uid


@given(trees(), st.data())
@settings(max_examples=25, deadline=None)
def test_compacting_keeps_what_is_starred_shown_first_or_last_and_all_results(nodes, data):
    active = data.draw(st.sampled_from([node.uid for node in nodes]))
    gone = inner(nodes, active)
    parents = {node.parent for node in nodes}
    for node in nodes:
        kept = node.starred or node.uid == active or not node.parent or node.uid not in parents
        assert (node.uid not in gone) == kept
    assert without(nodes, gone)
