"""What each picture and title should attract: itself, or its whole loss group."""

from __future__ import annotations

import torch


def identity_targets(num_pairs: int, *, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Plain CLIP: each pair attracts only itself. -> q[B, B], the unit matrix."""
    return torch.eye(num_pairs, dtype=dtype)


def catalog_targets(groups: torch.Tensor, *, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Catalog soft labels: groups[B] -> q[B, B], rows (and columns) sum to 1.

    q_ij = 1[g_i = g_j] / |{k : g_k = g_i}|. Our reading of e-CLIP (Shin et al., CIKM 2022), with loss groups
    in place of catalogs. Without a shared group in the batch it is `identity_targets`.
    """
    same = (groups[:, None] == groups[None, :]).to(dtype)
    return same / same.sum(dim=1, keepdim=True)


def false_negative_share(groups: torch.Tensor) -> float:
    """Share of a batch's pairs that plain CLIP would push away from another of their own group."""
    _, inverse, counts = groups.unique(return_inverse=True, return_counts=True)
    return float((counts[inverse] > 1).float().mean())
