"""The review page: one HTML file with its pictures, style and script inside, that works without a network."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from eclip.tasks.corrections.choose import Doubt

_SIDE = 160  # pixels of a picture's long side on the page
_QUALITY = 80


@dataclass(frozen=True)
class Shown:
    """What a person sees of a listing.

    Attributes:
        title: Its title, if it has one.
        picture: Its encoded picture, if it has one.
    """

    title: str | None = None
    picture: bytes | None = None


def render_review(
    doubts: Sequence[Doubt], listings: Mapping[str, Shown], values: Mapping[str, Sequence[str]], *, source: str
) -> str:
    """The page as HTML; texts of feeds are escaped, and nothing but its own script may run.

    Args:
        doubts: One row each, in this order.
        listings: What is known of them by product id; others are shown by their id.
        values: Field -> values to choose from.
        source: What was answered, for the heading.
    """
    environment = Environment(
        loader=PackageLoader("eclip.tasks.corrections"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = files("eclip.tasks.corrections") / "templates"
    script = (folder / "review.js").read_text(encoding="utf-8")
    rows = [(doubt, listings.get(doubt.product_id, Shown())) for doubt in doubts]
    pictures = {doubt.product_id: _thumbnail(shown.picture) for doubt, shown in rows}
    return environment.get_template("review.html").render(
        style=(folder / "review.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        rows=[(doubt, shown.title, pictures[doubt.product_id]) for doubt, shown in rows],
        fields=list(dict.fromkeys(doubt.field for doubt in doubts)),
        values=values,
        source=source,
    )


def _thumbnail(picture: bytes | None) -> str | None:
    """A small JPEG as text for `data:`; None where there is no picture that can be read."""
    from eclip.model.encoder import open_picture

    opened = open_picture(picture)
    if opened is None:
        return None
    opened.thumbnail((_SIDE, _SIDE))
    out = io.BytesIO()
    opened.save(out, format="JPEG", quality=_QUALITY)
    return base64.b64encode(out.getvalue()).decode()
