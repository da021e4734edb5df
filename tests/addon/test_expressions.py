"""Named mixtures of the keys, and the small armature."""

import sys

import bpy
import numpy as np
import pytest

from addon.session.head import read_head
from addon.session.speech import GROUPS, NAMED, VISEMES, group_of, share_of

from .conftest import PACKAGE, ROOT

ANNY = ROOT / "ckpts" / "starter" / "anny.npz"


@pytest.fixture
def head(extension):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.facewright.new_head()
    return bpy.context.object


def test_every_mixture_is_made_of_the_heads_own_keys_and_every_key_has_a_group():
    names = set(read_head(ANNY).expression_names)
    assert len(VISEMES) == 15
    assert all(set(mixture) <= names for mixture in NAMED.values())
    assert all(0 < value <= 1 for mixture in NAMED.values() for value in mixture.values())
    assert {group_of(name) for name in names} == set(GROUPS.values())


def test_a_key_that_a_head_has_for_each_side_takes_the_share_of_the_one():
    mixture = {"browInnerUp": 0.7, "mouthSmileLeft": 0.4}
    keys = ("browInnerUp", "browInnerUpLeft", "browInnerUpRight", "mouthSmileLeft", "mouthSmileRight", "jawOpen")
    assert [share_of(mixture, key) for key in keys] == [0.7, 0.7, 0.7, 0.4, 0.0, 0.0]


def test_an_expression_sets_its_keys_and_reset_takes_them_back_but_not_the_users(head):
    own = head.shape_key_add(name="my wart", from_mix=False)
    own.value = 0.5
    bpy.ops.facewright.expression(name="viseme aa")
    keys = head.data.shape_keys.key_blocks[1:]
    assert head.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(0.6)
    assert sum(key.value > 0 for key in keys) == 4
    bpy.ops.facewright.expression(name="")
    assert [key.name for key in keys if key.value > 0] == ["my wart"]
    with pytest.raises(RuntimeError, match="viseme aa, "):
        bpy.ops.facewright.expression(name="grin")


def evaluated(head):
    mesh = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    points = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", points)
    return points.reshape(-1, 3)


def test_a_mood_is_keyed_where_the_sidebar_says_so(head):
    bpy.context.scene.facewright_ui.insert_keyframes = True
    bpy.ops.facewright.expression(name="smile")
    keyed = head.data.shape_keys.animation_data
    assert keyed.action is not None
    head.data.shape_keys.animation_data_clear()
    bpy.ops.facewright.expression(name="sad", insert_keyframes=False)
    assert head.data.shape_keys.animation_data is None


def test_the_armature_rests_exactly_looks_at_its_point_and_its_jaw_opens_the_mouth(head):
    before, selected = evaluated(head), [one.name for one in bpy.context.selected_objects]
    assert bpy.ops.facewright.add_rig() == {"FINISHED"}
    assert (bpy.context.object, [one.name for one in bpy.context.selected_objects]) == (head, selected)
    (rig,) = [one for one in bpy.data.objects if one.type == "ARMATURE"]
    np.testing.assert_allclose(evaluated(head), before, atol=3e-3)  # the eyes turn to the point a little
    skin = sys.modules[f"{PACKAGE}.scene.rig"]._members(head, "left_eyeball")
    away = np.setdiff1d(np.arange(len(before)), np.concatenate([skin, eyeball(head, "right_eyeball")]))
    np.testing.assert_allclose(evaluated(head)[away], before[away], atol=1e-5)
    rig.pose.bones["look"].location.x = 0.4
    bpy.context.view_layer.update()
    assert np.abs(evaluated(head) - before)[skin].max() > 1e-3
    rig.pose.bones["look"].location.x = 0.0
    rig.pose.bones["jaw"].rotation_euler.x = -0.2
    bpy.context.view_layer.update()
    opened = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.shape_keys
    assert head.data.shape_keys.key_blocks["jawOpen"].value > 0.3 or opened.key_blocks["jawOpen"].value > 0.3
    bpy.ops.facewright.expression(name="viseme aa")
    bpy.context.view_layer.update()
    opened = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.shape_keys
    assert opened.key_blocks["jawOpen"].value == pytest.approx(0.6, abs=1e-3)
    with pytest.raises(RuntimeError, match="has an armature"):
        bpy.ops.facewright.add_rig()


def eyeball(head, name):
    return sys.modules[f"{PACKAGE}.scene.rig"]._members(head, name)
