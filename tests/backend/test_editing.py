"""Which way an instruction goes, sliders that move exactly, and masks that cannot be used."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from backend import editing, errors
from backend.face.layers import Face, coefficients, vertices
from backend.leading import lead
from backend.making import Drawn, Spoken, new_face
from backend.pictures import to_tensor
from backend.settings import RECOMMENDED, changed
from backend.stages import edit
from backend.stages.masks import read_mask
from backend.stages.optimise import Watch
from backend.workshop import open_workshop

OPTIMISE = changed(RECOMMENDED, {"edit.route": "optimise"})


@pytest.fixture(scope="module")
def shop():
    return open_workshop()


@pytest.fixture(scope="module")
def face(shop) -> Face:
    drawn = Drawn(torch.zeros(1, shop.model.identity_size), shop.model.vertices(), to_tensor(shop.albedo))
    nothing = Spoken({}, {}, [], [])
    return new_face(shop, RECOMMENDED, ["text-to-image"], "a person", 0, drawn, {}, None, nothing)


def slid(shop, face: Face, instruction: str) -> Face:
    asked = editing.Asked(instruction)
    way = editing.way_of(asked, shop, RECOMMENDED)
    assert way.moves
    return replace(face, layers=(*face.layers, editing.made(shop, face, RECOMMENDED, asked, way, {}).layer))


def test_a_slider_moves_exactly(shop, face):
    new = slid(shop, face, "make his nose longer")
    layer = new.layers[0]
    assert (layer.kind, layer.region, layer.details["route"]) == ("geometry", ("nose",), "slider")
    sliders = shop.model.slider_defaults.clone()
    for name, distance in layer.details["sliders"].items():
        sliders[shop.model.slider_names.index(name)] += distance
    exact = shop.model.vertices(sliders=sliders[None])[0].numpy()
    assert np.abs(vertices(new) - exact).max() < 1e-6
    still = layer.weights == 0
    assert still.mean() > 0.8
    assert (vertices(new)[still] == face.base_vertices[still]).all()


def test_steps_grow_and_add_up(shop, face):
    place = shop.model.slider_names.index("nose-scale-vert-incr")
    found = [slid(shop, face, f"make his nose {how} longer") for how in ("a bit", "", "much")]
    moved = [coefficients(new)[1][place] for new in found]
    assert 0 < moved[0] < moved[1] <= moved[2] <= 1
    twice = slid(shop, found[0], "make his nose a bit longer")
    assert coefficients(twice)[1][place] == pytest.approx(2 * moved[0])
    back = slid(shop, found[0], "make his nose a bit shorter")
    assert np.abs(vertices(back) - face.base_vertices).max() < 1e-6
    assert face.sliders[place] == 0


def test_a_slider_at_its_end_says_so(shop, face):
    far = slid(shop, face, "make his cheeks much fuller")
    with pytest.raises(errors.UsageError, match="at their ends") as refused:
        slid(shop, far, "make his cheeks much fuller")
    assert "edit.route=optimise" in refused.value.advice


@pytest.mark.parametrize(
    ("asked", "preset", "scopes", "region", "by_slider"),
    [
        (editing.Asked("a bit older"), RECOMMENDED, ("geometry",), ("face",), True),
        (editing.Asked("a bit older"), OPTIMISE, ("geometry", "texture"), (), False),
        (editing.Asked("a higher forehead"), OPTIMISE, ("geometry",), ("forehead", "scalp"), False),
        (editing.Asked("longer nose", scope="geometry"), RECOMMENDED, ("geometry",), ("nose",), True),
        (editing.Asked("longer nose", scope="texture"), RECOMMENDED, ("texture",), ("nose",), False),
        (editing.Asked("longer nose", region=("chin",)), RECOMMENDED, ("geometry",), ("chin",), False),
        (editing.Asked("make his lips red"), RECOMMENDED, ("texture",), ("lips",), False),
        (editing.Asked("make his lips red", scope="both"), RECOMMENDED, ("geometry", "texture"), ("lips",), False),
        (editing.Asked("make him green"), RECOMMENDED, ("texture",), (), False),
        (editing.Asked("make his lips red", mask=np.ones((4, 4), np.uint8)), RECOMMENDED, ("texture",), (), False),
    ],
)
def test_an_instruction_takes_its_way(shop, asked, preset, scopes, region, by_slider):
    way = editing.way_of(asked, shop, preset)
    assert (way.scopes, way.region, bool(way.moves)) == (scopes, region, by_slider)


BY_ATTENTION, BOTH, FREE = (
    changed(RECOMMENDED, {"edit.mask": "attention"}),
    changed(RECOMMENDED, {"edit.mask": "both"}),
    changed(RECOMMENDED, {"edit.lock": False}),
)


@pytest.mark.parametrize(
    ("asked", "preset", "mask", "region"),
    [
        (editing.Asked("make his lips red"), RECOMMENDED, "region", ("lips",)),
        (editing.Asked("make his lips red", tokens=(0,)), RECOMMENDED, "region", ("lips",)),
        (editing.Asked("make his lips red"), BY_ATTENTION, "attention", ()),
        (editing.Asked("make his lips red"), BOTH, "both", ("lips",)),
        (editing.Asked("make his lips red"), FREE, "all", ()),
        (editing.Asked("make his lips red", words=("lips",)), RECOMMENDED, "attention", ()),
        (editing.Asked("make his lips red", tokens=(3,)), BOTH, "both", ("lips",)),
        (editing.Asked("make his lips red", region=("nose",), words=("lips",)), BY_ATTENTION, "region", ("nose",)),
        (editing.Asked("make him green"), BY_ATTENTION, "all", ()),
        (editing.Asked("make him green", words=("green",)), RECOMMENDED, "attention", ()),
        (editing.Asked("add a tattoo on the face"), RECOMMENDED, "attention", ()),
    ],
)
def test_a_mask_is_made_of_what_the_preset_and_the_words_say(shop, asked, preset, mask, region):
    way = editing.way_of(asked, shop, preset)
    assert (way.mask, way.region) == (mask, region)


def test_the_words_to_follow_are_those_asked_for_or_the_part_that_is_named(shop):
    def followed(asked: editing.Asked, preset=RECOMMENDED):
        way = editing.way_of(asked, shop, preset)
        return editing._followed(lead(shop, preset.edit_texture, asked.instruction), asked, way)

    red_lips = "make his lips red"
    for asked in (editing.Asked(red_lips), editing.Asked(red_lips, tokens=(0,))):
        assert followed(asked) == (("lips",), (3,))
    assert followed(editing.Asked(red_lips, words=("red",))) == (("red",), (4,))
    assert followed(editing.Asked(red_lips, tokens=(3, 4))) == (("lips", "red"), (3, 4))
    assert followed(editing.Asked("give him a black eye mask")) == (("eye mask",), (5, 6))
    assert followed(editing.Asked("make him green")) == ((), ())
    with pytest.raises(errors.UnknownWords, match="'nose' is not in"):
        followed(editing.Asked(red_lips, words=("nose",)))
    with pytest.raises(errors.UnknownWords, match="no token 9") as refused:
        followed(editing.Asked(red_lips, tokens=(9,)))
    assert "3 lips" in refused.value.advice


def test_an_instruction_of_unknown_words_alone_is_refused(shop, face):
    asked = editing.Asked("zzz qqq")
    with pytest.raises(errors.UnknownWords, match="zzz"):
        editing.made(shop, face, RECOMMENDED, asked, editing.way_of(asked, shop, RECOMMENDED), {})


def test_words_that_look_nowhere_are_refused(shop, face):
    way = editing.way_of(editing.Asked("make his lips red", words=("lips",)), shop, RECOMMENDED)
    work = editing.Work(shop, face, RECOMMENDED, editing.Asked(""), way, {}, {"texture": (3,)})
    nothing = edit.Edited(torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 16, 16))
    with pytest.raises(errors.MaskInvalid, match="no place for its words"):
        work.noticed(nothing, 64)
    assert not replace(work, way=replace(way, mask="both")).noticed(nothing, 64).any()


def test_ways_that_do_not_exist_are_named(shop):
    with pytest.raises(errors.UsageError, match="no region wing"):
        editing.way_of(editing.Asked("make his lips red", region=("wing",)), shop, RECOMMENDED)
    with pytest.raises(errors.UnknownOption, match="cannot be 'magic'"):
        changed(RECOMMENDED, {"edit.route": "magic"})


def test_masks_that_cannot_be_used_are_refused(tmp_path: Path):
    def drawn(name: str, picture: Image.Image) -> Path:
        picture.save(tmp_path / name)
        return tmp_path / name

    dot = Image.new("RGB", (8, 8))
    dot.putpixel((2, 3), (255, 255, 255))
    assert read_mask(drawn("dot.png", dot), 8)[3, 2] == 255
    with pytest.raises(errors.MaskInvalid, match="8 x 8 pixels, the albedo 16 x 16"):
        read_mask(tmp_path / "dot.png", 16)
    with pytest.raises(errors.MaskInvalid, match="black all over"):
        read_mask(drawn("black.png", Image.new("L", (8, 8))), 8)
    (tmp_path / "text.png").write_text("no picture")
    for name in ("text.png", "missing.png"):
        with pytest.raises(errors.MaskInvalid, match="cannot be read"):
            read_mask(tmp_path / name, 8)


def test_networks_that_changed_need_force(face):
    today = {**face.checkpoints, "instruct-edit/unet": "1" * 64}
    assert editing.changed_checkpoints(face, today, force=False) == []
    other = dict.fromkeys(today, "0" * 64)
    with pytest.raises(errors.CheckpointsChanged, match="text-to-image/unet"):
        editing.changed_checkpoints(face, other, force=False)
    assert "text-to-image/unet" in editing.changed_checkpoints(face, other, force=True)


def test_what_other_networks_made_is_edited_only_by_force_and_the_layer_tells(shop, face):
    old = replace(face, checkpoints=dict.fromkeys(face.checkpoints, "0" * 64))
    asked, quick = editing.Asked("make his lips red"), changed(RECOMMENDED, {"edit_texture.steps": 1})
    way, watch = editing.way_of(asked, shop, quick), {"texture": Watch()}
    with pytest.raises(errors.CheckpointsChanged):
        editing.made(shop, old, quick, asked, way, watch)
    layer = editing.made(shop, old, quick, asked, way, watch, force=True).layer
    assert layer.details["other_networks"] == sorted(face.checkpoints)


@pytest.mark.parametrize("kind", ["dds", "pds"])
def test_guidance_between_two_texts_asks_the_drawing_networks(shop, face, kind: str):
    preset = changed(RECOMMENDED, {"edit_texture.steps": 1, "edit_texture.guidance": kind})
    asked = editing.Asked("make his lips red")
    made = editing.made(shop, face, preset, asked, editing.way_of(asked, shop, preset), {"texture": Watch()})
    assert made.roles == ("text-to-image", "texture-prior")
    assert set(made.checkpoints) == set(shop.networks.hashes(*made.roles))
    assert made.layer.details["words"] == ["lips"]
    assert made.layer.mask is not None
    assert made.layer.mask.max() == 255
    led = lead(shop, preset.edit_texture, asked.instruction)
    assert led.text == "a photo of a person with red lips"
    assert led.guidance.model is shop.draw


def test_where_nobody_says_what_the_face_looks_like_afterwards_it_is_asked_for(shop):
    settings = changed(RECOMMENDED, {"edit_texture.guidance": "dds"}).edit_texture
    with pytest.raises(errors.UsageError, match="looks like afterwards") as refused:
        lead(shop, settings, "remove the beard")
    assert "edit_texture.after" in refused.value.advice
    told = replace(settings, before="a person with a beard", after="a person with a bald head")
    assert lead(shop, told, "remove the beard").text.endswith("a bald head")


def test_an_edit_that_names_no_place_is_held_by_a_weight_of_its_own(shop, face):
    preset = changed(RECOMMENDED, {"edit_texture.drift": 3.0, "edit_texture.global_drift": 0.5})
    for instruction, weight in (("make him green", 0.5), ("make his lips red", 3.0)):
        asked = editing.Asked(instruction)
        way, settings = editing.way_of(asked, shop, preset), preset.edit_texture
        led = lead(shop, settings, instruction)
        tokens = {"texture": editing._followed(led, asked, way)[1]}
        work = editing.Work(shop, face, preset, asked, way, {"texture": led}, tokens)
        assert work.regularised(settings).drift == weight
