"""Parts of a family on disk: diffusers' and transformers' folders, each written whole."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from ..files import refusal


def write_part(part: Any, folder: Path, beside: Mapping[str, bytes] = {}) -> None:
    """A diffusers or transformers folder, complete or as it was.

    Args:
        beside: further files of it by name.

    Raises:
        FolderUnwritable, DiskFull: the folder is as it was.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        part.save_pretrained(partial)
        for name, content in beside.items():
            (partial / name).write_bytes(content)
        config = partial / "config.json"
        if config.is_file():  # where it was loaded from is nobody's business
            kept = {key: value for key, value in json.loads(config.read_text()).items() if key != "_name_or_path"}
            config.write_text(json.dumps(kept, indent=2) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except (OSError, SafetensorError) as error:
        full = "os error 28" in str(error)  # how safetensors tells of a full disk
        told = error if isinstance(error, OSError) else OSError(errno.ENOSPC if full else errno.EIO, str(error))
        raise refusal(folder, told) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
