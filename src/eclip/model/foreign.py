"""What a model of strangers may not say: files outside of its folder, code of its own, parts to be fetched.

A model folder is numbers and settings. Libraries that read it would also follow settings that name Python code
(`auto_map`), loaders of other formats, or towers on a hub; all of that is refused here before they see it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import transformers.dynamic_module_utils as remote_code

from eclip.errors import ModelError

# Text towers of Hugging Face that open_clip knows how to pool; none of them needs code of its own.
_TOWERS = ("bert", "m2m_100", "mt5", "roberta", "xlm-roberta")
# `tokenizer_class` may name any public thing of transformers, loaders of whole models among them.
_TOKENIZER = re.compile(r"[A-Za-z0-9]+Tokenizer(Fast)?|TokenizersBackend")
# Settings that lead to code or to other libraries' loaders, in whichever JSON file they stand.
_FORBIDDEN = ("auto_map", "custom_pipelines", "quantization_config", "trust_remote_code")
_FORBIDDEN_ENDING = "attn_implementation"  # names a kernel, which may lie on a hub
_WORDS = ("vocab", "merges")  # of a tokenizer: many, and no settings
_ALLOWED_KERNELS = (None, "eager", "sdpa")
_NOT_DATA = (".py", ".pyc", ".so", ".dll", ".pkl", ".pickle", ".bin", ".pt", ".pth", ".ckpt", ".npy", ".npz")


def plain_name(name: object) -> str:
    """The name of a file directly in a folder, on any system.

    Raises:
        ModelError: It is a path, or no name.
    """
    parts = (PurePosixPath(name).parts, PureWindowsPath(name).parts) if isinstance(name, str) else ()
    if not isinstance(name, str) or any(part != (name,) for part in parts) or name in (".", "..") or "\0" in name:
        raise ModelError(f"the model names {name!r:.80} as one of its files; expected a name without a folder")
    return name


def refuse_code(model_cfg: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Refuse a model that is more than numbers and settings.

    Args:
        model_cfg: open_clip's; says which towers.
        files: The tokenizer's and the text tower's, name -> content.

    Raises:
        ModelError: It names code, a loader of another format, a tower to be fetched, or files that are no data.
    """
    _refuse_settings(model_cfg, "its configuration")
    tower = model_cfg.get("vision_cfg", {}).get("timm_model_name")
    if tower is not None and ":" in str(tower):
        raise ModelError(f"the model's picture tower is {tower!r:.80}: it would be fetched; expected a name of timm")
    for name, content in files.items():
        if plain_name(name).lower().endswith(_NOT_DATA):
            raise ModelError(f"the model brings {name!r:.80}; expected a tokenizer of JSON and text files")
        if name.lower().endswith(".json"):
            settings = _settings(name, content)
            _refuse_settings(settings, name)
            _refuse_classes(name, settings)


def _settings(name: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{name} of the model is not JSON ({type(error).__name__}); copy the model again") from error


def _refuse_settings(settings: Any, where: str) -> None:
    """Look through settings to any depth."""
    waiting = [settings]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            for key in value:
                is_kernel = str(key).endswith(_FORBIDDEN_ENDING) and value[key] not in _ALLOWED_KERNELS
                if (key in _FORBIDDEN and value[key]) or is_kernel:
                    raise ModelError(f"{where} of the model asks for {key!r:.40}, which can run code: it is not loaded")
            waiting += [each for key, each in value.items() if key not in _WORDS]
        elif isinstance(value, list):
            waiting += [each for each in value if isinstance(each, Mapping | list)]


def _refuse_classes(name: str, settings: Any) -> None:
    """Refuse tokenizers and towers that are none."""
    if not isinstance(settings, Mapping):
        return
    kind = settings.get("tokenizer_class")
    if kind is not None and not _TOKENIZER.fullmatch(str(kind)):
        raise ModelError(f"{name} of the model asks for tokenizer {kind!r:.80}; expected one of transformers")
    if name == "config.json" and settings.get("model_type") not in _TOWERS:
        found = settings.get("model_type")
        raise ModelError(f"the model's text tower is {found!r:.80}; expected one of {', '.join(_TOWERS)}")


@contextmanager
def without_foreign_code() -> Iterator[None]:
    """Let transformers refuse code of a model's own at once, where it would ask the person at the terminal.

    It asks for 15 seconds, holds the process meanwhile, and runs the code on a "y".
    """
    patience = remote_code.TIME_OUT_REMOTE_CODE
    remote_code.TIME_OUT_REMOTE_CODE = 0
    try:
        yield
    finally:
        remote_code.TIME_OUT_REMOTE_CODE = patience
