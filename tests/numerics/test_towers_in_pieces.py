"""Feeding a tower in pieces, short titles together, changes neither features nor gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from eclip.model import encoder as encoder_module
from eclip.model.presets import tiny

TITLES = [
    "red dress",
    "a very long title of a blue cotton shirt for men and women 500ml",
    "에어맥스",
    "watch",
    "a b c",
] * 3


@pytest.fixture
def encoder(monkeypatch):
    torch.manual_seed(0)
    made = tiny(TITLES)
    made.module.double().eval()
    monkeypatch.setattr(encoder_module, "ROWS_AT_ONCE", 4)  # 15 rows: the last piece is uneven
    return made


def gradients(encoder, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    encoder.module.zero_grad(set_to_none=True)
    loss.backward()
    return {n: p.grad.clone() for n, p in encoder.module.named_parameters() if p.grad is not None}


def test_text_features_and_gradients(encoder):
    tokens = encoder.tokenize(TITLES)
    weights = torch.randn(len(TITLES), encoder.embed_dim, generator=torch.Generator().manual_seed(1)).double()
    whole = F.normalize(encoder.module.text(tokens), dim=-1)
    expected = gradients(encoder, (whole * weights).sum())
    pieces = encoder.text_features(tokens)
    torch.testing.assert_close(pieces, whole)
    got = gradients(encoder, (pieces * weights).sum())
    assert got.keys() == expected.keys()
    for name, gradient in got.items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-12, rtol=1e-9, msg=name)


def test_image_features_and_gradients(encoder):
    pixels = torch.randn(15, 3, 64, 64, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    weights = torch.randn(15, encoder.embed_dim, generator=torch.Generator().manual_seed(3)).double()
    whole = F.normalize(encoder.module.visual(pixels), dim=-1)
    expected = gradients(encoder, (whole * weights).sum())
    pieces = encoder.image_features(pixels)
    torch.testing.assert_close(pieces, whole)
    got = gradients(encoder, (pieces * weights).sum())
    assert got.keys() == expected.keys()
    for name, gradient in got.items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-12, rtol=1e-9, msg=name)


def test_order_of_titles_does_not_mix_their_features(encoder):
    tokens = encoder.tokenize(TITLES)
    turned = encoder.text_features(tokens.flip(0)).flip(0)
    torch.testing.assert_close(turned, encoder.text_features(tokens))
    assert not torch.allclose(turned[0], turned[1], atol=1e-3)
