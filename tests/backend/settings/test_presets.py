from dataclasses import fields
from pathlib import Path

import pytest

from backend.commandline import _parser
from backend.errors import UnknownOption
from backend.settings import PAPER, PRESETS, RECOMMENDED, RELEASED, preset_named
from backend.settings.changing import stages_of
from backend.settings.faceg2e import PLACES
from backend.settings.page import page

PAGE = Path(__file__).parents[3] / "docs" / "presets.md"
# its whole argument list, by util/parse_opt.py
OPTIONS = [
    "device",
    "seed",
    "total_steps",
    "save_freq",
    "exp_root",
    "exp_name",
    "path_debug",
    "fit_param",
    "lr",
    "stage",
    "render_resolution",
    "viewpoint_range_X_min",
    "viewpoint_range_X_max",
    "viewpoint_range_Y_min",
    "viewpoint_range_Y_max",
    "viewpoint_range_Z_min",
    "viewpoint_range_Z_max",
    "force_fixed_viewpoint",
    "t_z_min",
    "t_z_max",
    "display_rotation_x",
    "display_rotation_y",
    "display_rotation_z",
    "display_translation_z",
    "dp_map_scale",
    "texture_generation",
    "latent_init",
    "textureLDM_path",
    "edit_prompt_cfg",
    "edit_img_cfg",
    "edit_scope",
    "guidance_type",
    "sd_version",
    "controlnet_name",
    "vis_att",
    "text",
    "negative_text",
    "use_view_adjust_prompt",
    "static_text",
    "use_static_text",
    "sds_input",
    "random_light",
    "w_SD",
    "w_texSD",
    "cfg_SD",
    "cfg_texSD",
    "set_t_schedule",
    "schedule_type",
    "set_w_schedule",
    "w_schedule",
    "w_texSD_max",
    "w_texSD_min",
    "latent_sds_steps",
    "employ_yuv",
    "textureLDM_yuv_path",
    "w_texYuv",
    "w_reg_diffuse",
    "attention_reg_diffuse",
    "attention_sds",
    "scp_fuse",
    "indices_to_alter_str",
    "w_sym",
    "w_smooth",
    "load_id_path",
    "load_dp_path",
    "load_diffuse_path",
]
LATER = {"--device", "--negative", "--family"}  # of the command line as it is agreed


def options_there_are() -> set[str]:
    commands = next(action for action in _parser()._actions if hasattr(action, "choices") and action.choices)
    found = {word for sub in commands.choices.values() for action in sub._actions for word in action.option_strings}
    return found | {"PROMPT"}


def test_every_option_of_faceg2e_has_its_place():
    assert sorted(PLACES) == sorted(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_options_place_is_there(name):
    place = PLACES[name]
    for key in place.chosen:
        stage, field = key.split(".")
        assert field in {item.name for item in fields(getattr(RECOMMENDED, stage))}, key
    assert set(place.options) <= options_there_are() | LATER
    assert place.fields or place.options or place.note.startswith("not here")


def test_defaults_are_the_recommended_preset():
    for stage in stages_of(RECOMMENDED):
        assert getattr(RECOMMENDED, stage) == type(getattr(RECOMMENDED, stage))()


def test_the_released_code_is_kept_where_it_contradicts_the_paper():
    assert (RELEASED.geometry.schedule, PAPER.geometry.schedule) == ("uniform", "linear")
    assert (RELEASED.geometry.optimiser, PAPER.geometry.optimiser) == ("adan", "adam")
    assert (RELEASED.texture.weight_decay, PAPER.texture.weight_decay) == (0.01, 0)
    assert (RELEASED.texture.near_bright, PAPER.texture.near_bright) == (False, True)
    assert (RELEASED.texture.yuv_prior, PAPER.texture.yuv_prior) == (0, 1)
    assert [PRESETS["released"].texture.steps, PRESETS["paper"].texture.steps] == [401, 400]


def test_choices_of_presets_are_choices():
    for preset in PRESETS.values():
        for stage in stages_of(preset):
            settings = getattr(preset, stage)
            for item in fields(settings):
                if choices := item.metadata.get("choices"):
                    assert set(getattr(settings, item.name).split(",")) <= set(choices)


def test_a_preset_that_is_none_is_refused():
    with pytest.raises(UnknownOption, match="no preset 'papers'") as caught:
        preset_named("papers")
    assert "recommended, released, paper" in caught.value.advice


def test_the_page_is_that_of_the_tables():
    assert PAGE.read_text(encoding="utf-8") == page(), "make it anew: see backend/settings/page.py"
