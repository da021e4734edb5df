"""Words to tokens with the real CLIP vocabulary, where it is found: in the shelf, or in an installed open_clip.

Nothing is downloaded. $CLIP_VOCABULARY names another place of bpe_simple_vocab_16e6.txt.gz.
"""

import gzip
import importlib.util
import os
from pathlib import Path

import pytest
from transformers import CLIPTokenizer

from backend import checkpoints
from backend.checkpoints import PROFILES
from backend.errors import CheckpointMissing
from backend.prompts import VIEWS, fitted, phrased

BEGIN, END = 49406, 49407


def bytes_as_letters() -> list[str]:
    """The letters that GPT-2's and CLIP's vocabularies write the 256 bytes with, in their order."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + number) for number in range(len(others))]


def of_merges(path: Path) -> CLIPTokenizer:
    """CLIP's tokenizer from the list of merges that OpenAI published."""
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")
    merges = [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]
    letters = bytes_as_letters()
    tokens = [*letters, *(letter + "</w>" for letter in letters), *map("".join, merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)  # pyright: ignore[reportArgumentType] - pairs


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    package = importlib.util.find_spec("open_clip")
    places = [Path(package.origin).parent / "bpe_simple_vocab_16e6.txt.gz"] if package and package.origin else []
    for path in [Path(os.environ.get("CLIP_VOCABULARY", "")), *places]:
        if path.is_file():
            return of_merges(path)
    try:
        folder = checkpoints.find("stable-diffusion-1.5/tokenizer")
    except CheckpointMissing:
        pytest.skip("CLIP's vocabulary is not on this machine")
    return CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)


def test_published_token_numbers_come_out(tokenizer):
    assert len(tokenizer) == 49408
    assert tokenizer("a photo of a cat").input_ids == [BEGIN, 320, 1125, 539, 320, 2368, END]
    assert tokenizer("A  Photo of a CAT").input_ids == tokenizer("a photo of a cat").input_ids
    padded = tokenizer("a cat", padding="max_length").input_ids
    assert len(padded) == 77
    assert set(padded[4:]) == {END}


def test_words_of_faces_are_tokens_of_their_own(tokenizer):
    for word in ("lips", "nose", "chin", "beard", "moustache", "freckles", "wrinkles", "elderly", "hooked"):
        assert len(tokenizer(word).input_ids) == 3, word
    assert len(tokenizer("geisha").input_ids) == 4


def test_a_long_prompt_is_cut_where_the_encoder_stops_and_keeps_its_view(tokenizer):
    whole = phrased(", ".join(["a very old sailor with a long grey beard"] * 12), PROFILES["full"], "texture")
    prompt, cut = fitted(whole, lambda text: len(tokenizer(text).input_ids), tokenizer.model_max_length)
    assert cut
    for view in VIEWS:
        text = prompt.said(view)[0]
        assert len(tokenizer(text).input_ids) <= 77
        assert tokenizer.decode(tokenizer(text, truncation=True).input_ids, skip_special_tokens=True).endswith(view)
