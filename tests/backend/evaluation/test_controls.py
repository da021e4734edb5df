import torch

from backend.evaluation.controls import shuffled, untrained
from backend.evaluation.items import FOLDER, read
from tests.tiny_diffusion import tiny_diffusion


def test_untrained_networks_have_the_same_shapes_and_other_weights():
    networks = tiny_diffusion()
    fresh = untrained(networks)
    for name in ("text_encoder", "unet", "vae"):
        before, after = getattr(networks, name).state_dict(), getattr(fresh, name).state_dict()
        assert {key: value.shape for key, value in before.items()} == {key: value.shape for key, value in after.items()}
        assert any(not torch.equal(before[key], after[key]) for key in before)
    noisy = torch.randn(1, 4, 4, 4)
    text = fresh.encode_text(["red lips"])
    assert fresh.predict_noise(noisy, torch.tensor([500]), text).shape == noisy.shape


def test_untrained_networks_are_the_same_every_time_and_leave_the_draws():
    networks = tiny_diffusion()
    torch.manual_seed(4)
    expected = torch.randn(3)
    torch.manual_seed(4)
    one, other = untrained(networks), untrained(networks)
    assert torch.equal(torch.randn(3), expected)
    for key, value in one.unet.state_dict().items():
        assert torch.equal(value, other.unet.state_dict()[key])


def test_no_item_keeps_its_own_axis_when_prompts_are_shuffled():
    items = list(read(FOLDER / "starter.jsonl").of("shape", "quick"))
    pairs = shuffled(items, 0)
    assert sorted(other.id for _, other in pairs) == sorted(item.id for item in items)
    assert all(one.shapes[0].subject != other.shapes[0].subject for one, other in pairs)
    assert shuffled(items, 0) == pairs
    assert shuffled(items[:2], 0) == []
