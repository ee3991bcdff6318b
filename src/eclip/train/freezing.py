"""Parts of a model that training leaves as they are."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from eclip.errors import ConfigError


def freeze(module: nn.Module, prefixes: Sequence[str]) -> None:
    """Let no parameter learn whose name begins with one of these, at a dot: `visual.trunk`, `text`, `logit_scale`.

    Raises:
        ConfigError: No parameter is called so, or all are.
    """
    parameters = dict(module.named_parameters())
    for prefix in prefixes:
        meant = [parameter for name, parameter in parameters.items() if _begins(name, prefix)]
        if not meant:
            raise ConfigError(
                f"optimizer.frozen has {prefix!r}, but no parameter's name begins so; there are "
                f"{', '.join(_beside(prefix, list(parameters)))}"
            )
        for parameter in meant:
            parameter.requires_grad_(False)  # noqa: FBT003 - torch's own signature
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise ConfigError(f"optimizer.frozen = {list(prefixes)!r} leaves nothing that could learn")


def learns(module: nn.Module) -> bool:
    """Whether any parameter of it does."""
    return any(parameter.requires_grad for parameter in module.parameters())


def _begins(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def _beside(prefix: str, names: Sequence[str]) -> list[str]:
    """Parts that could have been meant: those inside the longest beginning of `prefix` that does exist."""
    parts = prefix.split(".")
    while parts := parts[:-1]:
        inside = [name for name in names if name.startswith(".".join(parts) + ".")]
        if inside:
            names = inside
            break
    depth = len(parts) + 1
    return sorted({".".join(name.split(".")[:depth]) for name in names})
