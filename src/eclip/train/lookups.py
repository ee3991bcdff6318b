"""Large embedding tables: the gradients of a chunk's few rows, without a table of zeros around them.

torch makes a gradient as large as the table for each chunk (47 MB for MiniLM's 30 thousand tokens) and adds it to
what is there. Here a chunk's rows are added where they belong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

LEAST_ROWS = 1_000  # smaller tables cost little


def large_tables(module: nn.Module) -> list[nn.Embedding]:
    """The embeddings that gain by it."""
    return [
        part
        for part in module.modules()
        if type(part) is nn.Embedding
        and part.num_embeddings >= LEAST_ROWS
        and part.max_norm is None
        and not part.scale_grad_by_freq
        and not part.sparse
    ]


@contextmanager
def adding_rows(tables: Sequence[nn.Embedding]) -> Iterator[None]:
    """Add gradients to these tables row by row meanwhile, as `backward()` does; on a GPU nothing changes."""
    changed = [table for table in tables if table.weight.device.type == "cpu"]
    try:
        for table in changed:
            table.forward = lambda tokens, table=table: _Lookup.apply(table.weight, tokens, table.padding_idx)
        yield
    finally:
        for table in changed:
            table.__dict__.pop("forward", None)


class _Lookup(torch.autograd.Function):
    """Rows [..., D] of a table [V, D]; the way back adds to the table's `grad` itself."""

    @staticmethod
    def forward(ctx: Any, weight: torch.Tensor, tokens: torch.Tensor, padding: int | None) -> torch.Tensor:
        """As torch does it."""
        ctx.weight, ctx.tokens, ctx.padding = weight, tokens, padding
        return F.embedding(tokens, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """Nothing for autograd to add: it is done. The padding's row gets none, as in torch."""
        weight, tokens = ctx.weight, ctx.tokens.reshape(-1)
        rows = gradients[0].reshape(-1, weight.shape[1]).to(weight.dtype)
        if ctx.padding is not None:
            rows = rows.masked_fill((tokens == ctx.padding)[:, None], 0.0)
        if weight.requires_grad:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            weight.grad.index_add_(0, tokens, rows)
        return None, None, None
