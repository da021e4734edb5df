"""What texts say as labels, and that the encoder learns to tell."""

import random

import torch

from backend.language import PAINT, labels
from backend.training import networks, tokenizer
from backend.training.reading import draw_texts, read, teach


def test_labels_are_known_and_belong_to_the_words():
    texts, said = draw_texts(300, random.Random(1))
    for text, found in zip(texts, said, strict=True):
        assert found <= set(labels())
        for colour in PAINT:
            named = any(label.endswith(f"={colour}") for label in found)
            assert named == (colour in text.split()), text
        degree = {"very": "very", "much": "very", "slightly": "slightly", "bit": "slightly"}
        for word in set(text.split()) & set(degree):
            assert any(label.endswith(degree[word]) for label in found), text


def test_reading_lessons_tell_more_than_none():
    torch.manual_seed(0)
    words = tokenizer.build()
    encoder = networks.text_encoder(words)
    texts, said = draw_texts(64, random.Random(3))
    target = torch.tensor([[label in one for label in labels()] for one in said]).float()

    def loss(reader: torch.nn.Linear) -> float:
        with torch.no_grad():
            logits, after = read(encoder, reader, words, texts)
        assert after[:, -1].all()
        return float(torch.nn.functional.binary_cross_entropy_with_logits(logits[:, -1], target))

    before = loss(torch.nn.Linear(networks.TEXT_WIDTH, len(labels())))
    assert loss(teach(encoder, words, minutes=0.05, seed=0)) < before
