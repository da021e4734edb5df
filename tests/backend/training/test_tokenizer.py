import random
import unicodedata

import pytest
from hypothesis import given, strategies as st
from transformers import CLIPTokenizer

from backend.language import caption, draw_person, words
from backend.training import tokenizer
from backend.training.tokenizer import END, LONGEST, START


@pytest.fixture(scope="module")
def words_to_numbers() -> CLIPTokenizer:
    return tokenizer.build()


def test_every_word_of_the_language_is_one_token(words_to_numbers):
    for word in words():
        assert words_to_numbers.tokenize(word) == [f"{word}</w>"]
    together = words_to_numbers.tokenize(" ".join(words()))
    assert together == [f"{word}</w>" for word in words()]


def test_no_two_tokens_share_a_number(words_to_numbers):
    numbers = list(words_to_numbers.get_vocab().values())
    assert sorted(numbers) == list(range(len(numbers)))
    assert len(words_to_numbers) == len(numbers)


@given(text=st.text(max_size=30))
def test_any_text_is_spelt_without_unknown_tokens(words_to_numbers, text):
    """Only the ends of a text are special; between them stand letters or words, whatever was written."""
    numbers = words_to_numbers(text)["input_ids"]
    start, end = words_to_numbers.bos_token_id, words_to_numbers.eos_token_id
    assert (numbers[0], numbers[-1]) == (start, end)
    assert not {start, end} & set(numbers[1:-1])


@given(text=st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, categories=["L", "N"]), max_size=20))
def test_what_is_spelt_reads_back(words_to_numbers, text):
    numbers = words_to_numbers(text)["input_ids"][1:-1]
    read = words_to_numbers.decode(numbers, clean_up_tokenization_spaces=False)
    # Letters and digits are told apart by a space, and case and composition are not kept.
    assert read.replace(" ", "") == unicodedata.normalize("NFC", text).lower().replace(" ", "")


def test_case_and_spaces_do_not_matter(words_to_numbers):
    plain = words_to_numbers("a photo of an old man with red lips")["input_ids"]
    assert words_to_numbers("  A photo OF an Old\tman\nwith red   lips ")["input_ids"] == plain
    assert len(plain) == 11


def test_an_unknown_word_is_more_than_one_token(words_to_numbers):
    for word in ("zebra", "sailor", "monocle", "redder", "li"):
        assert len(words_to_numbers.tokenize(word)) > 1


def test_captions_fit_and_are_padded(words_to_numbers):
    rng = random.Random(0)
    texts = [caption(draw_person(rng), rng, "a clay render of") for _ in range(300)]
    lengths = [len(numbers) for numbers in words_to_numbers(texts)["input_ids"]]
    assert max(lengths) <= LONGEST
    padded = words_to_numbers(["red", "red " * 100], padding="max_length", truncation=True)["input_ids"]
    assert [len(numbers) for numbers in padded] == [LONGEST, LONGEST]
    assert padded[1][-1] == words_to_numbers.eos_token_id


def test_it_is_the_same_after_saving(words_to_numbers, tmp_path):
    words_to_numbers.save_pretrained(str(tmp_path))
    again = CLIPTokenizer.from_pretrained(str(tmp_path), local_files_only=True)
    text = "give him a black eye mask, then wibble"
    assert again(text)["input_ids"] == words_to_numbers(text)["input_ids"]
    assert (again.bos_token, again.eos_token, again.model_max_length) == (START, END, LONGEST)


def test_it_is_the_same_every_time(words_to_numbers):
    assert tokenizer.build().get_vocab() == words_to_numbers.get_vocab()
