"""Pictures to what a tower takes, many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torchvision.transforms import Normalize, ToTensor


def stacked_pixels(pictures: Sequence[Any], transform: Callable[[Any], torch.Tensor]) -> torch.Tensor:
    """Pixels [b, 3, H, W] of RGB pictures, channels last: what the transform gives of each, to the bit.

    Becoming a float and being normalised, the end of open_clip's transform, is done for all at once.
    """
    steps = list(getattr(transform, "transforms", ()))
    *before, to_tensor, normalise = steps if len(steps) > 1 else (None, None)
    if not (isinstance(to_tensor, ToTensor) and isinstance(normalise, Normalize)):
        return torch.stack([transform(each) for each in pictures]).contiguous(memory_format=torch.channels_last)
    levels = []
    for picture in pictures:
        for step in before:
            picture = step(picture)
        levels.append(np.asarray(picture))
    pixels = torch.from_numpy(np.stack(levels)).permute(0, 3, 1, 2).float().div_(255)
    return normalise(pixels)
