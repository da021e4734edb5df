"""Random histories in Blender against the tree as plain values."""

import sys
from dataclasses import dataclass, field, replace

import bpy
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from addon.session import tree
from tests.toys import toy_face, toy_layer

from .conftest import PACKAGE
from .test_steps import positions

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["edit", "edit", "sliders", "sculpt", "revert", "revert", "undo", "redo", "save", "delete", "compact"]
        ),
        st.integers(0, 50),
    ),
    min_size=3,
    max_size=10,
)


@dataclass(frozen=True)
class Model:
    """What the head should be: its steps in order, the one shown, and the shape of each."""

    nodes: tuple[tree.Node, ...] = ()
    active: str = ""
    shapes: dict = field(default_factory=dict)


class Run:
    """Blender and the model side by side; steps go by their uids, which Blender gives."""

    def __init__(self, folder, face):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        self.folder, self.seed = folder, 0
        self.steps = sys.modules[f"{PACKAGE}.scene.steps"]
        self.faces = sys.modules[f"{PACKAGE}.session.face"]
        self.steps.insert(bpy.context, self.face_of(face))
        bpy.context.view_layer.objects.active = self.head
        self.past, self.future = [], []
        self.model = self.seen(Model())
        self.push()

    @property
    def head(self):
        return next(one for one in bpy.data.objects if one.facewright.uid)

    def face_of(self, face):
        from backend.face.saved import save

        self.seed += 1
        return self.faces.read_face(save(face, self.folder / f"face{self.seed}"))

    def push(self):
        bpy.ops.ed.undo_push(message="test")
        self.past.append(self.model)
        self.future = []

    def seen(self, before):
        """The model with the newest step added as a child of the one shown before."""
        session = self.head.facewright
        added = [step for step in session.steps if step.uid not in {node.uid for node in before.nodes}]
        nodes, parent = list(before.nodes), before.active
        shapes = dict(before.shapes)
        for step in added:
            nodes.append(tree.Node(step.uid, parent))
            shapes[step.uid] = positions(self.head) if step == added[-1] else None
            parent = step.uid
        return Model(tuple(nodes), session.active_uid, shapes)

    def do(self, action, number):
        getattr(self, action)(number)
        self.check()

    def edit(self, number):
        layer = toy_layer(seed=number)
        self.steps.add_step(self.head, self.face_of(replace(toy_face(), layers=(layer,), kind="edit")))
        self.model = self.seen(self.model)
        self.push()

    def sliders(self, number):
        bpy.ops.facewright.set_sliders(values=f'{{"nose-long": {number / 50 - 0.51:.3f}}}')
        if len(self.head.facewright.steps) > len(self.model.nodes):
            self.model = self.seen(self.model)
            self.past.append(self.model)
            self.future = []

    def sculpt(self, number):
        self.head.data.shape_keys.key_blocks["Basis"].points[number].co.x += 0.002
        assert self.steps.capture(self.head)
        self.model = self.seen(self.model)
        self.push()

    def revert(self, number):
        uid = self.model.nodes[number % len(self.model.nodes)].uid
        bpy.ops.facewright.revert(uid=uid)
        self.model = replace(self.model, active=uid)
        self.push()

    def undo(self, _number):
        if len(self.past) > 1:
            bpy.ops.ed.undo()
            self.future.append(self.past.pop())
            self.model = self.past[-1]

    def redo(self, _number):
        if self.future:
            bpy.ops.ed.redo()
            self.past.append(self.future.pop())
            self.model = self.past[-1]

    def save(self, _number):
        path = str(self.folder / "kept.blend")
        bpy.ops.wm.save_as_mainfile(filepath=path)
        bpy.ops.wm.open_mainfile(filepath=path)
        bpy.context.view_layer.objects.active = self.head
        self.past, self.future = [], []
        self.push()

    def delete(self, number):
        if len(self.model.nodes) > 1:
            uid = self.model.nodes[number % len(self.model.nodes)].uid
            bpy.ops.facewright.delete_step(uid=uid)
            self.gone({uid})

    def compact(self, _number):
        if bpy.ops.facewright.compact.poll():
            gone = tree.inner(self.model.nodes, self.model.active)
            bpy.ops.facewright.compact()
            self.gone(gone)

    def gone(self, gone):
        active = tree.after_removal(self.model.nodes, self.model.active, gone)
        self.model = Model(tuple(tree.without(self.model.nodes, gone)), active, self.model.shapes)
        self.push()

    def check(self):
        session = self.head.facewright
        assert [(step.uid, step.parent_uid) for step in session.steps] == [
            (node.uid, node.parent) for node in self.model.nodes
        ]
        assert session.active_uid == self.model.active
        wanted = self.model.shapes[self.model.active]
        if wanted is not None:
            np.testing.assert_array_equal(positions(self.head), wanted)
        shown = sys.modules[f"{PACKAGE}.scene.material"].shown_image(self.head)
        assert shown == self.steps.active_step(self.head).albedo
        for step in session.steps:
            sys.modules[f"{PACKAGE}.scene.store"].files_of(session, step)


@pytest.mark.parametrize("examples", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_every_history_is_the_models(toy_head, tmp_path_factory, examples):
    @given(ACTIONS)
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    def histories(actions):
        run = Run(tmp_path_factory.mktemp("histories"), toy_face())
        for action, number in actions:
            run.do(action, number)

    histories()
