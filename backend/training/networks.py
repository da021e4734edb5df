"""The starter family's networks: diffusers' and transformers' own classes, at sizes a laptop CPU can run."""

from __future__ import annotations

from diffusers import AutoencoderTiny, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

TEXT_WIDTH = 96


def autoencoder() -> AutoencoderTiny:
    """Pictures to latents eight times smaller, 4 channels.

    Without normalisation layers: in 150 s on one core it came to a squared error of 0.0055, where an `AutoencoderKL` of
    three times the cost was at 0.0071 after eleven minutes on two, its lips still grey.
    """
    return AutoencoderTiny(
        encoder_block_out_channels=(16,) * 4,
        decoder_block_out_channels=(16,) * 4,
        num_encoder_blocks=(1, 1, 2, 2),
        num_decoder_blocks=(2, 2, 1, 1),
    )


def text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT_WIDTH,
            intermediate_size=2 * TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=tokenizer.model_max_length,
            bos_token_id=tokenizer.bos_token_id,  # pyright: ignore[reportArgumentType]
            eos_token_id=tokenizer.eos_token_id,  # pyright: ignore[reportArgumentType]
            pad_token_id=tokenizer.pad_token_id,  # pyright: ignore[reportArgumentType]
        )
    )


def unet(in_channels: int = 4) -> UNet2DConditionModel:
    """Predicts noise of 16×16 latents; 8 input channels for the one that edits (noisy latents, then the original's).

    Its config notes that ours are trained on scaled latents of the original: InstructPix2Pix has them unscaled.
    """
    made = UNet2DConditionModel(
        sample_size=16,
        in_channels=in_channels,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=(64, 96),
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )
    if in_channels == 8:
        made.register_to_config(original_scaled=True)
    return made


def controlnet(draw: UNet2DConditionModel) -> ControlNetModel:
    """Looks at pictures eight times the latents' size; begins with what `draw` knows, and by changing nothing.

    Its middle has no attention, which 0.4 M of parameters would be.
    """
    config = draw.config
    made = ControlNetModel(
        down_block_types=config["down_block_types"],
        block_out_channels=config["block_out_channels"],
        layers_per_block=config["layers_per_block"],
        cross_attention_dim=config["cross_attention_dim"],
        attention_head_dim=config["attention_head_dim"],
        norm_num_groups=config["norm_num_groups"],
        mid_block_type="UNetMidBlock2D",
        conditioning_embedding_out_channels=(16, 24, 32, 48),
    )
    own = made.state_dict()
    made.load_state_dict({name: tensor for name, tensor in draw.state_dict().items() if name in own}, strict=False)
    return made


def prior(text_width: int = TEXT_WIDTH) -> UNet2DConditionModel:
    """Predicts noise of textures' latents at 32 x 32; text is one for all, so only the lowest level reads it."""
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        block_out_channels=(32, 48, 64),
        layers_per_block=1,
        cross_attention_dim=text_width,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def scheduler() -> DDIMScheduler:
    """Stable Diffusion's noise schedule."""
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
