"""The tree of steps on a head: going back, keeping, deleting, comparing, and what hands have sculpted."""

import json
import sys

import bpy
import numpy as np
import pytest

from backend.face import saved

from .conftest import PACKAGE, ROOT
from .test_steps import import_face, key_points, positions


@pytest.fixture
def head(toy_head, faces):
    """A head with a first face, its edit, and a second edit from the first face: a branch."""
    found = import_face(faces[0], with_parents=False)
    import_face(faces[1], as_step=True)
    bpy.ops.facewright.revert(uid=found.facewright.steps[0].uid)
    import_face(faces[1], as_step=True)
    return found


def store():
    return sys.modules[f"{PACKAGE}.scene.store"]


def uids(found):
    return [step.uid for step in found.facewright.steps]


def test_contents_that_steps_share_lie_in_the_file_once(head):
    session = head.facewright
    edits = [json.loads(step.contents) for step in session.steps[1:]]
    assert edits[0] == edits[1]
    assert session.steps[1].albedo == session.steps[2].albedo
    assert len(session.files) == len({sha for step in session.steps for sha in json.loads(step.contents).values()}) - 2
    assert store().size(session) > 0


def test_deleting_the_shown_step_shows_the_one_above_and_drops_its_contents(head):
    first, second, third = uids(head)
    bpy.ops.facewright.delete_step(uid=second)
    assert uids(head) == [first, third]
    assert bpy.ops.facewright.delete_step(uid=third) == {"FINISHED"}
    session = head.facewright
    assert session.active_uid == first
    assert len(session.files) == len(json.loads(session.steps[0].contents)) - 1
    assert [image.name for image in bpy.data.images if image.name.startswith("facewright")] == [
        session.steps[0].albedo.name
    ]
    with pytest.raises(RuntimeError, match="the last step cannot be deleted"):
        bpy.ops.facewright.delete_step(uid=first)


def test_compact_keeps_results_and_stars(toy_head, faces):
    found = import_face(faces[0], with_parents=False)
    for _ in range(3):
        import_face(faces[1], as_step=True)
    first, _, third, fourth = uids(found)
    bpy.ops.facewright.star(uid=third)
    assert bpy.ops.facewright.compact() == {"FINISHED"}
    assert uids(found) == [first, third, fourth]
    assert found.facewright.steps[1].parent_uid == first
    assert not bpy.ops.facewright.compact.poll()


def test_what_hands_have_sculpted_becomes_a_step_before_anything_else(head, tmp_path):
    head.data.shape_keys.key_blocks["Basis"].points[7].co.z += 0.004
    sculpted = key_points(head, "Basis")
    first = uids(head)[0]
    bpy.ops.facewright.revert(uid=first)
    step = head.facewright.steps[3]
    assert (step.kind, step.parent_uid) == ("sculpt", uids(head)[2])
    bpy.ops.facewright.revert(uid=step.uid)
    np.testing.assert_allclose(positions(head), sculpted, atol=1e-6)
    files = store().files_of(head.facewright, step)
    face = saved.load(sys.modules[f"{PACKAGE}.session.face"].write_files(files, tmp_path / "sculpted"))
    assert np.count_nonzero(face.layers[-1].weights) == 1
    before = len(uids(head))
    bpy.ops.facewright.revert(uid=first)
    assert len(uids(head)) == before


def test_a_sculpted_expression_is_kept_and_the_others_stay(head):
    name = head.data.shape_keys.key_blocks[1].name
    other = key_points(head, head.data.shape_keys.key_blocks[2].name)
    head.data.shape_keys.key_blocks[1].points[5].co.x += 0.003
    wanted = key_points(head, name)
    bpy.ops.facewright.revert(uid=head.facewright.active_uid)
    bpy.ops.facewright.revert(uid=uids(head)[-1])
    np.testing.assert_allclose(key_points(head, name), wanted, atol=1e-6)
    np.testing.assert_allclose(key_points(head, head.data.shape_keys.key_blocks[2].name), other, atol=1e-7)


def test_side_by_side_is_a_plain_copy_with_the_steps_shape_and_texture(head):
    step = head.facewright.steps[0]
    before = positions(head)
    bpy.ops.facewright.compare(uid=step.uid)
    (copy,) = [one for one in bpy.data.objects if one != head]
    assert not copy.facewright.uid
    assert copy.data.shape_keys is None
    assert not np.array_equal(positions(copy), before)
    np.testing.assert_array_equal(positions(head), before)
    assert copy.location.x > np.ptp(positions(copy)[:, 0])
    node = next(n for n in copy.material_slots[0].material.node_tree.nodes if n.type == "TEX_IMAGE")
    assert node.image == step.albedo


@pytest.mark.parametrize("saved_over", [False, True])
def test_what_was_painted_on_a_steps_picture_becomes_a_step_and_the_picture_comes_back(head, tmp_path, saved_over):
    material = sys.modules[f"{PACKAGE}.scene.material"]
    image = sys.modules[f"{PACKAGE}.scene.steps"].active_step(head).albedo
    before = material.texels(image)
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    values[: 4 * 40] = 1 - values[: 4 * 40]
    image.pixels.foreach_set(values)
    wanted = material.texels(image)
    if saved_over:
        image.pack()
    shape, count = positions(head), len(uids(head))
    active = head.facewright.active_uid
    bpy.ops.facewright.revert(uid=uids(head)[0])
    step = head.facewright.steps[count]
    assert (step.kind, step.parent_uid, len(uids(head))) == ("paint", active, count + 1)
    np.testing.assert_array_equal(material.texels(step.albedo)[..., :3], wanted[..., :3])
    np.testing.assert_array_equal(material.texels(image)[..., :3], before[..., :3])
    session_face = sys.modules[f"{PACKAGE}.session.face"]
    for number, one in enumerate(head.facewright.steps):
        files = store().files_of(head.facewright, one)
        loaded = saved.load(session_face.write_files(files, tmp_path / f"{number}"))
    assert loaded.layers[-1].name == "painted by hand"
    bpy.ops.facewright.revert(uid=step.uid)
    np.testing.assert_array_equal(positions(head), shape)


def bring(path, name, *, link):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(path), link=link) as (_, wanted):
        wanted.objects = [name]
    found = bpy.data.objects[name]
    bpy.context.collection.objects.link(found)
    bpy.context.view_layer.objects.active = found
    return found


def test_a_head_appended_into_another_file_goes_on_there(head, faces, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    name, steps = head.name, uids(head)
    found = bring(tmp_path / "a.blend", name, link=False)
    assert uids(found) == steps
    for uid in steps:
        assert bpy.ops.facewright.revert(uid=uid) == {"FINISHED"}
    import_face(faces[1], as_step=True)
    assert len(found.facewright.steps) == 4


def test_a_linked_head_is_refused_by_name_and_left_alone(head, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    name, first = head.name, uids(head)[0]
    found = bring(tmp_path / "a.blend", name, link=True)
    before = positions(found)
    with pytest.raises(RuntimeError, match=r"E503 .*linked"):
        bpy.ops.facewright.revert(uid=first)
    np.testing.assert_array_equal(positions(found), before)


def test_purging_orphans_keeps_every_step(head):
    bpy.ops.outliner.orphans_purge(do_local_ids=True, do_linked_ids=True, do_recursive=True)
    for step in head.facewright.steps:
        assert store().files_of(head.facewright, step)


@pytest.mark.parametrize("golden", sorted((ROOT / "tests" / "addon" / "golden").glob("*.blend")), ids=lambda p: p.stem)
def test_a_file_of_every_release_opens_with_all_its_steps_and_goes_on(toy_head, faces, golden):
    bpy.ops.wm.open_mainfile(filepath=str(golden))
    (found,) = [one for one in bpy.data.objects if one.facewright.uid]
    assert found.facewright.schema == store().SCHEMA
    assert [step.name for step in found.facewright.steps] == ["an old sailor", "make his lips red"]
    assert all(not step.face and step.albedo.packed_file for step in found.facewright.steps)
    bpy.context.view_layer.objects.active = found
    for step in list(uids(found)):
        assert bpy.ops.facewright.revert(uid=step) == {"FINISHED"}
    assert "facewright" not in found.keys() or bpy.app.version < (5, 0, 0)  # noqa: SIM118
    import_face(faces[1], as_step=True)
    assert len(found.facewright.steps) == 3
