"""68 landmarks on the toys' ball, drawn as a face would be."""

import numpy as np


def toy_marks() -> np.ndarray:
    def line(x0: float, y0: float, x1: float, y1: float, count: int, bow: float = 0) -> list[list[float]]:
        t = np.linspace(0, 1, count)
        return np.stack([x0 + (x1 - x0) * t, y0 + (y1 - y0) * t + bow * 4 * t * (1 - t)], axis=1).tolist()

    def ring(x: float, y: float, width: float, height: float, count: int) -> list[list[float]]:
        angle = np.pi - 2 * np.pi * np.arange(count) / count
        return np.stack([x + width * np.cos(angle), y + height * np.sin(angle)], axis=1).tolist()

    flat = [
        *line(-0.95, 0.1, 0.95, 0.1, 17, -0.9),
        *line(-0.6, 0.4, -0.15, 0.4, 5, 0.08),
        *line(0.15, 0.4, 0.6, 0.4, 5, 0.08),
        *line(0, 0.3, 0, 0, 4),
        *line(-0.15, -0.1, 0.15, -0.1, 5, -0.04),
        *ring(-0.35, 0.25, 0.14, 0.06, 6),
        *ring(0.35, 0.25, 0.14, 0.06, 6),
        *ring(0, -0.4, 0.3, 0.14, 12),
        *ring(0, -0.4, 0.22, 0.04, 8),
    ]
    marks = np.array(flat)
    depth = np.sqrt(np.clip(1 - (marks**2).sum(axis=1), 0, None))
    return np.concatenate([marks, depth[:, None]], axis=1)
