"""How towers go through their layers: compiled ahead, or keeping less for the way back. Features stay the same."""

from __future__ import annotations

from typing import Any

from torch import nn

from eclip.errors import ConfigError


def compile_towers(module: nn.Module) -> None:
    """Let torch compile both towers when they are first used; names of parameters stay as they are.

    Titles of every length share one graph of dynamic shape. Random numbers are drawn as without compiling, so that a
    chunk that goes through its tower again drops the same.
    """
    options = {"fallback_random": True}
    module.visual.compile(options=options)
    module.text.compile(dynamic=True, options=options)


def checkpoint_activations(module: nn.Module) -> None:
    """Keep only what enters each block of the towers, and compute the rest again on the way back.

    Raises:
        ConfigError: A tower is of a kind that can't.
    """
    for name in ("visual", "text"):
        tower = getattr(module, name)
        if not _checkpoints(tower):
            raise ConfigError(
                f"memory.gradient_checkpointing: the {name} tower ({type(tower).__name__}) can't; leave it off, or "
                "take another encoder"
            )


def _checkpoints(tower: nn.Module) -> bool:
    """Switch it on, where that is known how; open_clip's own calls pass over towers that can't in silence."""
    trunk: Any = getattr(tower, "trunk", None)
    body: Any = getattr(tower, "transformer", None)
    if trunk is not None:  # timm
        try:
            trunk.set_grad_checkpointing()
        except (AssertionError, AttributeError):
            return False
    elif hasattr(body, "activation_checkpointing_enable"):  # Hugging Face
        body.activation_checkpointing_enable()
    elif hasattr(body, "gradient_checkpointing_enable"):  # its name before transformers 5.2x
        body.gradient_checkpointing_enable({"use_reentrant": False})
    elif hasattr(body, "grad_checkpointing"):  # open_clip's transformers
        body.grad_checkpointing = True
    else:
        return False
    return True
