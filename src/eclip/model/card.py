"""The model card that every model folder carries."""

from __future__ import annotations

from typing import Any

from eclip.model.encoder import Encoder


def model_card(encoder: Encoder, manifest: dict[str, Any]) -> str:
    """Markdown: what the model is, how it was made, how to use it, whose weights it borrows."""
    num_parameters = sum(p.numel() for p in encoder.module.parameters())
    borrowed = "\n".join(f"- {line}" for line in encoder.licences)
    facts = "\n".join(f"| {name} | {value} |" for name, value in manifest["facts"].items())
    return f"""# A vision-language model of one shop's catalogue

Trained with eclip {manifest["eclip_version"]} on the shop's own pictures and titles. Vectors of pictures and of
titles have {encoder.embed_dim} dimensions, unit length, and lie in one space.{_learned_alone(encoder)}
{num_parameters / 1e6:.1f} million parameters.

## How it was made
| fact | value |
| --- | --- |
| digest | {manifest["digest"]} |
{facts}

## Use
```python
import eclip

model = eclip.load_model("this folder")
vectors = model.encode_products(titles=["red running shoe"], images=["shoe.jpg"])
```
{_open_clip_use(encoder)}

## Licences of borrowed weights
{borrowed or "None: all weights were trained from scratch on the shop's data."}

## Limits
It knows this shop's products and words; elsewhere it was not measured. Category, attribute and adult
predictions are statistical: use their confidences, and let a person decide where a mistake costs much.
"""


def _learned_alone(encoder: Encoder) -> str:
    """What a model that has seen one side of the products alone can't do."""
    if len(encoder.modalities) != 1:
        return ""
    learned, other = ("titles", "pictures") if encoder.modalities == ("text",) else ("pictures", "titles")
    return (
        f"\n**It has learned from {learned} alone.** The tower for {other} is there for the layout's sake:\n"
        "its vectors mean nothing, and eclip treats them as missing."
    )


def _open_clip_use(encoder: Encoder) -> str:
    if encoder.model_cfg["text_cfg"].get("hf_model_name"):
        return (
            "Plain open_clip looks `text_cfg.hf_model_name` up on a hub: set it in `open_clip_config.json` to the\n"
            "absolute path of this folder, whose `config.json` describes the text tower."
        )
    return 'Plain open_clip: `open_clip.create_model_and_transforms("local-dir:/path/to/this/folder")`.'
