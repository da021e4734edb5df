"""FaceG2E's options, one by one, and where each is here; `docs/presets.md` shows them.

Source: util/parse_opt.py of its repository (commit fd36e25).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EDITS = ("edit_geometry", "edit_texture")
ALL = ("geometry", "texture", *EDITS)
PAINTED = ("texture", "edit_texture")


@dataclass(frozen=True)
class Place:
    """Where an option of FaceG2E is here.

    Attributes:
        fields: of settings, in `stages`; or `options`, of the command line.
        stages: that have the fields.
        note: what is otherwise.
    """

    fields: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    stages: tuple[str, ...] = ALL
    note: str = ""

    @property
    def chosen(self) -> list[str]:
        """The fields as `--set` takes them."""
        return [f"{stage}.{field}" for stage in self.stages for field in self.fields]


def _field(*fields: str, stages: tuple[str, ...] = ALL, note: str = "") -> Place:
    return Place(fields=fields, stages=stages, note=note)


def _option(*options: str, note: str = "") -> Place:
    return Place(options=options, note=note)


PLACES: Mapping[str, Place] = {
    # the run
    "device": _option("--device", note="found by itself"),
    "seed": _option("--seed"),
    "total_steps": _field("steps"),
    "save_freq": _field("save_every", note="all stages of a run by --save-every"),
    "exp_root": _option("--out"),
    "exp_name": _option("--out"),
    "path_debug": _option("--out", note="face.json tells the settings, whatever the folder is called"),
    "fit_param": _option("--stage", "--scope", note="never read there"),
    "lr": _field("learning_rate"),
    "stage": _option("--stage", note="`edit` is a command of its own"),
    # rendering and views
    "render_resolution": _field("rendered", note="over the networks' own size: 224 there is 0.4375 of 512"),
    "viewpoint_range_X_min": _field("elevation", note="either way of 0, with cameras=range"),
    "viewpoint_range_X_max": _field("elevation", note="either way of 0, with cameras=range"),
    "viewpoint_range_Y_min": _field("azimuth", note="either way of 0, with cameras=range"),
    "viewpoint_range_Y_max": _field("azimuth", note="either way of 0, with cameras=range"),
    "viewpoint_range_Z_min": _field("cameras", note="0 there; no camera here rolls"),
    "viewpoint_range_Z_max": _field("cameras", note="0 there; no camera here rolls"),
    "force_fixed_viewpoint": _field("cameras", note="released: its lists; range: as with false"),
    "t_z_min": _field("nearest", note="with cameras=range"),
    "t_z_max": _field("farthest", note="with cameras=range"),
    "display_rotation_x": _option("--views", note="`render` draws any views of any face"),
    "display_rotation_y": _option("--views"),
    "display_rotation_z": _option("--views"),
    "display_translation_z": _option("--views"),
    "random_light": _field("lights", note="never read there; false would be still"),
    # shape
    "dp_map_scale": _field("displacement", stages=("geometry",), note="a relief of the mesh; it stays 0 there"),
    # texture
    "texture_generation": _field("paint", stages=PAINTED, note="direct is texels; mlp never ran"),
    "latent_init": _field("start", stages=PAINTED, note="and albedo"),
    "latent_sds_steps": _field("latent_steps", stages=PAINTED),
    "textureLDM_path": _option("--base", note="the family's texture-prior, in any folder of checkpoints"),
    "textureLDM_yuv_path": _option("--base", note="the family's texture-prior-yuv"),
    "controlnet_name": _field("control", "depth_scale", stages=PAINTED),
    # guidance
    "guidance_type": _option("--family", note="CLIP guidance never ran there"),
    "sd_version": _option(
        "--family", "--base", note="a stage's networks are the family's; never read in textures there"
    ),
    "text": _option("PROMPT"),
    "negative_text": _option("--negative"),
    "use_view_adjust_prompt": _field(
        "view_words", stages=("geometry", "texture"), note="where the family has words for views"
    ),
    "static_text": _field("prior_text", stages=PAINTED),
    "use_static_text": _field("prior_text", stages=PAINTED, note='false is ""'),
    "sds_input": _field("pictures", stages=("geometry", "edit_geometry"), note="rendered is textured, norm is normal"),
    "w_SD": _field("weight"),
    "cfg_SD": _field("guidance_scale", note="1 less there; never read, always 100"),
    "edit_prompt_cfg": _field("guidance_scale", stages=EDITS, note="diffusers' count in both"),
    "edit_img_cfg": _field("image_guidance_scale", stages=EDITS),
    "edit_scope": _option("--scope"),
    "w_texSD": _field("texture_prior", stages=PAINTED),
    "cfg_texSD": _field("prior_guidance_scale", stages=PAINTED, note="1 less there"),
    "set_t_schedule": _field("schedule", note="false is uniform; geometry never got it"),
    "schedule_type": _field("schedule", note="linear is released, uniform_rand is uniform"),
    "set_w_schedule": _field("prior_schedule", stages=PAINTED),
    "w_schedule": _field("prior_schedule", stages=PAINTED),
    "w_texSD_max": _field("prior_from", stages=PAINTED),
    "w_texSD_min": _field("texture_prior", stages=PAINTED),
    "employ_yuv": _field("yuv_prior", stages=PAINTED, note="false is 0"),
    "w_texYuv": _field("yuv_prior", stages=PAINTED),
    "w_sym": _field("symmetry", stages=PAINTED),
    "w_smooth": _field("variation", stages=PAINTED),
    # edits
    "w_reg_diffuse": _field(
        "drift", "global_drift", stages=EDITS, note="with edit.lock=false it stands alone; one weight there"
    ),
    "attention_reg_diffuse": _field("consistency", stages=EDITS, note="false is none"),
    "attention_sds": _field("focused", stages=EDITS),
    "scp_fuse": _field("consistency", stages=EDITS, note="avm2 is released; recovering is ours"),
    "indices_to_alter_str": _option("--words", "--tokens"),
    "vis_att": _field("save_every", stages=EDITS, note="maps are kept with the states"),
    # what to start from
    "load_id_path": _option("--from", note="`import` reads its files"),
    "load_dp_path": _option("--from"),
    "load_diffuse_path": _option("--from"),
}
