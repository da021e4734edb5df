"""What a texture prior is asked: the one text that all textures it learnt from had."""

from __future__ import annotations

from typing import Any

TEXT = "a diffuse texture map of a human face in UV space"  # FaceG2E's code, of both of its priors


def text_of(unet: Any) -> str:
    """The text a prior was trained with; a UNet that does not say is taken for one of FaceG2E's."""
    return unet.config.get("prior_text", TEXT)
