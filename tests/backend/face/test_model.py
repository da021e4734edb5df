import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from backend.face.model import LinearFaceModel, hat_functions
from tests.toy_head import ANCHORS, DEFAULTS, MASK, toy_head

AGES = torch.tensor(ANCHORS["age"])


@pytest.fixture(scope="module")
def model() -> LinearFaceModel:
    return toy_head(torch.float64)


def sliders(**changes: float) -> torch.Tensor:
    """One row of slider values, the defaults but for the named ones."""
    names = toy_head().slider_names
    given = dict(zip(names, DEFAULTS, strict=True)) | {name.replace("_", "-"): value for name, value in changes.items()}
    return torch.tensor([[given[name] for name in names]], dtype=torch.float64)


@given(st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=8))
def test_shares_between_anchors_sum_to_1(values):
    shares = hat_functions(torch.tensor(values), AGES)
    assert shares.min() >= 0
    torch.testing.assert_close(shares.sum(1), torch.ones(len(values)))
    inside = torch.tensor(values).clamp(AGES[0].item(), AGES[-1].item())
    torch.testing.assert_close(shares @ AGES, inside, atol=1e-5, rtol=0)
    assert ((shares > 0).sum(1) <= 2).all()


def test_at_an_anchor_one_share_is_all():
    torch.testing.assert_close(hat_functions(AGES, AGES), torch.eye(len(AGES)), atol=1e-6, rtol=0)


def test_shares_are_those_of_linear_interpolation():
    values = torch.linspace(-0.5, 1.2, 40)
    shares = hat_functions(values, AGES)
    for index in range(len(AGES)):
        expected = np.interp(values.numpy(), AGES.numpy(), np.eye(len(AGES))[index])
        np.testing.assert_allclose(shares[:, index].numpy(), expected, atol=1e-5)


def test_phenotypes_weigh_their_rows_by_products(model):
    """A plain loop over rows and the variations they are bound to."""
    values = torch.tensor([[0.3, 0.45, 2.0, 1.0, 1.0]], dtype=torch.float64)
    age = np.interp(0.45, ANCHORS["age"], np.arange(5))
    ages = [max(0.0, 1 - abs(age - k)) for k in range(5)]
    share = [0.5, 0.25, 0.25, 0.7, 0.3, *ages]
    expected = [float(np.prod([s for s, bound in zip(share, row, strict=True) if bound])) for row in MASK]
    assert model.phenotypes.weights(values)[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_mixed_phenotypes_share_out_whatever_their_sum(model):
    base = torch.tensor([[0.5, 0.5, 0.2, 0.1, 0.3]], dtype=torch.float64)
    scaled = base * torch.tensor([1.0, 1.0, 7.0, 7.0, 7.0])
    torch.testing.assert_close(model.phenotypes.weights(base), model.phenotypes.weights(scaled))
    none = torch.tensor([[0.5, 0.5, 0.0, 0.0, 0.0]], dtype=torch.float64)
    assert torch.isfinite(model.phenotypes.weights(none)).all()


def test_everything_at_rest_is_the_mean_head(model):
    zeros = [torch.zeros(2, size, dtype=torch.float64) for size in (model.identity_size, model.expression_size)]
    still = model.vertices(zeros[0], sliders().expand(2, -1), zeros[1], torch.zeros(2, len(model.rest), 3).double())
    torch.testing.assert_close(still, model.rest.expand(2, -1, -1))
    assert torch.equal(model.vertices()[0], model.rest)


def test_the_kinds_of_coefficients_add_up(model):
    generator = torch.Generator().manual_seed(1)

    def draw(*size: int) -> torch.Tensor:
        return torch.randn(*size, generator=generator, dtype=torch.float64)

    parts = {
        "identity": draw(2, model.identity_size),
        "sliders": sliders(gender=0.1, nose_length=-0.7).expand(2, -1),
        "expression": draw(2, model.expression_size),
        "offsets": draw(2, *model.rest.shape),
    }
    alone = sum(model.vertices(**{name: value}) - model.rest for name, value in parts.items())
    torch.testing.assert_close(model.vertices(**parts) - model.rest, alone)


@given(st.floats(0, 1))
def test_a_local_slider_has_a_row_for_each_side(value):
    model = toy_head(torch.float64)
    rows = model.local_rows.view(-1, 2, *model.rest.shape)
    for number, name in enumerate(("nose_length", "chin_width")):
        more = model.vertices(sliders=sliders(**{name: value}))[0] - model.rest
        less = model.vertices(sliders=sliders(**{name: -value}))[0] - model.rest
        torch.testing.assert_close(more, value * rows[number, 0])
        torch.testing.assert_close(less, value * rows[number, 1])


def test_a_batch_equals_its_heads_one_by_one(model):
    values = torch.cat([sliders(age=0.1), sliders(north=0.9, chin_width=1.0), sliders()])
    together = model.vertices(sliders=values)
    for k in range(3):
        torch.testing.assert_close(together[k], model.vertices(sliders=values[k : k + 1])[0])


def test_vertices_have_the_gradient_of_finite_differences(model):
    """Away from the anchors and from 0, where sides change."""
    identity = torch.randn(1, model.identity_size, dtype=torch.float64, requires_grad=True)
    values = sliders(gender=0.4, age=0.8, north=0.5, nose_length=0.3, chin_width=-0.6).requires_grad_()
    expression = torch.rand(1, model.expression_size, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *given: model.vertices(*given)[:, :20], (identity, values, expression))


def test_every_slider_and_coefficient_has_a_name_or_number(model):
    assert model.slider_names == ("gender", "age", "north", "east", "south", "nose-length", "chin-width")
    assert len(model.slider_defaults) == len(model.slider_names)
    assert (model.identity_size, model.expression_size) == (5, 3)


@pytest.mark.parametrize("age", ANCHORS["age"])
@pytest.mark.parametrize("gender", [0.0, 1.0])
def test_pure_phenotypes_bring_whole_rows(model, gender, age):
    values = torch.tensor([[gender, age, 1.0, 0.0, 0.0]], dtype=torch.float64)
    weights = model.phenotypes.weights(values)[0]
    assert weights.tolist() == pytest.approx(weights.round().tolist(), abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_head_may_have_no_sliders(dtype):
    full = toy_head(dtype)
    bare = LinearFaceModel(full.topology, full.identity_basis, full.expression_basis)
    assert bare.slider_names == ()
    assert bare.slider_defaults.shape == (0,)
    identity = torch.randn(2, full.identity_size, dtype=dtype)
    expression = torch.rand(2, full.expression_size, dtype=dtype)
    without = bare.vertices(identity, bare.slider_defaults.expand(2, 0), expression)
    assert without.dtype == dtype
    assert torch.equal(without, full.vertices(identity, None, expression))
