"""Between sliders, which have names, and identity, a basis: least squares both ways; and what a slider moves."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from .model import LinearFaceModel

STEPS = 25
RIDGE = 1e-4  # of the mean square a slider's whole range moves a head: holds what no vertex sees
DAMPING = (1e-2, 1e4)  # of the first step, and where a fit ends
START = 1e-3  # beside 0, where a local slider's two rows meet


def ranges(model: LinearFaceModel) -> Float[Tensor, "S 2"]:
    """Lowest and highest value of each slider."""
    ends = torch.tensor([[-1.0, 1.0]]).repeat(len(model.slider_names), 1)
    if model.phenotypes is not None:
        ends[: len(model.phenotypes.names), 0] = 0
        for index, anchors in enumerate(model.phenotypes.anchors.values()):
            ends[index] = torch.tensor([anchors[0], anchors[-1]])
    return ends.to(model.rest)


@torch.no_grad()
def to_identity(
    model: LinearFaceModel, sliders: Float[Tensor, "B S"]
) -> tuple[Float[Tensor, "B I"], Float[Tensor, " B"]]:
    """The identity nearest to the sliders' heads, and the root mean square distance of vertices from them in mm.

    Where a head is and how large it is does not count: identity is shape.
    """
    target = _shape(model, model.slider_offsets(sliders))
    basis = _shape(model, model.identity_basis)
    identity = torch.linalg.lstsq(basis.T, target.T).solution.T
    return identity, _millimetres(model, target - identity @ basis)


def to_sliders(
    model: LinearFaceModel, identity: Float[Tensor, "B I"]
) -> tuple[Float[Tensor, "B S"], Float[Tensor, " B"]]:
    """Sliders within their ranges whose heads are nearest to the identities', and the distance as `to_identity` says.

    Phenotypes are products, so this is a damped Gauss-Newton search from the mean head.
    """
    with torch.no_grad():
        target = _shape(model, identity @ model.identity_basis)
        rows = _shape(model, rows_of(model))
        left, stretch, right = torch.linalg.svd(rows, full_matrices=False)
        kept = stretch > stretch[0] * 1e-6
        frame = Reduced(left[:, kept] * stretch[kept], row_weights(model, model.slider_defaults[None])[0])
        places = target @ right[kept].T
    fitted = torch.stack([_fit(model, frame, place) for place in places])
    with torch.no_grad():
        return fitted, _millimetres(model, target - _shape(model, model.slider_offsets(fitted)))


@dataclass(frozen=True)
class Reduced:
    """The model's rows in an orthonormal frame of what they span.

    Attributes:
        rest: how much of each row the mean head has.
    """

    rows: Float[Tensor, "K N"]
    rest: Float[Tensor, " K"]


def _fit(model: LinearFaceModel, frame: Reduced, target: Float[Tensor, " N"]) -> Float[Tensor, " S"]:
    low, high = ranges(model).unbind(1)
    middle = model.slider_defaults

    def residual(values: Tensor) -> Tensor:
        return (row_weights(model, values[None])[0] - frame.rest) @ frame.rows - target

    def cost(values: Tensor) -> float:
        return float(residual(values).square().sum() + hold * (values - middle).square().sum())

    hold = RIDGE * float(frame.rows.square().sum(1).mean())
    values = torch.where(middle == 0, torch.full_like(middle, START), middle)
    damping, best = DAMPING[0], cost(values)
    for _ in range(STEPS):
        jacobian = torch.autograd.functional.jacobian(residual, values)
        assert isinstance(jacobian, Tensor)
        slope = jacobian.T @ residual(values).detach() + hold * (values - middle)
        free = ~(((values <= low) & (slope > 0)) | ((values >= high) & (slope < 0)))
        normal = jacobian.T @ jacobian + hold * torch.eye(len(values)).to(values)
        while damping < DAMPING[1]:
            damped = (normal + damping * normal.diagonal().diag())[free][:, free]
            tried = values.clone()
            tried[free] -= torch.linalg.solve(damped, slope[free])
            tried = torch.minimum(torch.maximum(tried, low), high)
            if (found := cost(tried)) < best:
                values, best, damping = tried, found, damping / 4
                break
            damping *= 4
    return values.detach()


@torch.no_grad()
def effect(model: LinearFaceModel, name: str, value: float) -> dict[str, float]:
    """How far in mm a slider moves the vertex it moves most, in each region, and beyond all regions ("elsewhere").

    Raises:
        ValueError: no slider of that name; the message lists those there are.
    """
    if name not in model.slider_names:
        raise ValueError(f"no slider {name!r}; there are {', '.join(model.slider_names)}")
    sliders = model.slider_defaults.clone()
    sliders[model.slider_names.index(name)] = value
    moved = model.slider_offsets(sliders[None]).reshape(-1, 3).norm(dim=1) * model.topology.metres_per_unit * 1000
    weights = torch.from_numpy(model.topology.region_weights).to(moved)
    table = {
        region: float(moved[row > 0.5].max()) for region, row in zip(model.topology.region_names, weights, strict=True)
    }
    beyond = moved[(weights == 0).all(dim=0)]
    return table | {"elsewhere": float(beyond.max()) if len(beyond) else 0.0}


def rows_of(model: LinearFaceModel) -> Float[Tensor, "K D"]:
    """All displacements that sliders weigh, phenotypes' first."""
    return model.local_rows if model.phenotypes is None else torch.cat([model.phenotypes.rows, model.local_rows])


def row_weights(model: LinearFaceModel, sliders: Float[Tensor, "B S"]) -> Float[Tensor, "B K"]:
    """How much of each row: the phenotypes' products, then both sides of each local slider."""
    count = len(model.phenotypes.names) if model.phenotypes else 0
    local = sliders[:, count:]
    both_sides = torch.stack([local.clamp(min=0), (-local).clamp(min=0)], dim=2).flatten(1)
    if model.phenotypes is None:
        return both_sides
    return torch.cat([model.phenotypes.weights(sliders[:, :count]), both_sides], dim=1)


def _shape(model: LinearFaceModel, offsets: Float[Tensor, "N D"]) -> Float[Tensor, "N D"]:
    """Displacements less what of them moves or scales the mean head as a whole."""
    centred = offsets.unflatten(1, (-1, 3))
    centred = (centred - centred.mean(1, keepdim=True)).flatten(1)
    direction = (model.rest - model.rest.mean(0)).flatten()
    direction = direction / direction.norm()
    return centred - (centred @ direction)[:, None] * direction


def _millimetres(model: LinearFaceModel, offsets: Float[Tensor, "B D"]) -> Float[Tensor, " B"]:
    return offsets.unflatten(1, (-1, 3)).norm(dim=2).square().mean(1).sqrt() * model.topology.metres_per_unit * 1000
