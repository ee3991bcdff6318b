"""Plots and product pictures as text that stands inside one HTML file.

Plots are SVG drawn by matplotlib whose ink is the page's own text colour, so that they follow its light
and dark scheme; product pictures become small JPEG data URIs.
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Sequence

from eclip.tasks.evaluation.verdicts import METHOD_NAMES, method_name, modality_name
from eclip.tasks.results import OUR_METHOD, Curve

THUMBNAIL_PIXELS = 200  # longer side
_MAX_POINTS = 300  # of a line: more can't be seen and only makes the file large
_INK = "#010203"  # stands for the text colour until the SVG is written
_COLOURS = ("#3b82f6", "#e0803a", "#8b8f98", "#b06ad0", "#3fa66b", "#d0556b", "#9a8433")
_DASHES = {"both": "-", "image": "--", "text": ":"}


def plot_curves(curves: Sequence[Curve], *, salt: str) -> str:
    """Draw curves into one plot and return its `<svg>` element.

    Colour tells the method, dashes tell the modality. Values that are not finite break the line.

    Args:
        curves: Lines of one plot; the first names the axes.
        salt: Makes the element ids of this plot differ from those of the page's other plots.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "text.parse_math": False,  # a "$" in an attribute's name is a dollar
        "text.color": _INK,
        "axes.edgecolor": _INK,
        "axes.labelcolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
        "font.family": "sans-serif",
        "font.size": 10,
    }
    with mpl.rc_context(style), warnings.catch_warnings():
        # Browsers choose the glyphs; matplotlib's own font only measures them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(5.2, 3.6), layout="constrained")
        axes = figure.add_subplot()
        methods = list(dict.fromkeys((OUR_METHOD, *METHOD_NAMES, *(curve.method for curve in curves))))
        for curve in curves:
            keep = _kept_points(len(curve.x))
            ours = curve.method == OUR_METHOD
            axes.plot(
                [curve.x[point] for point in keep],
                [curve.y[point] for point in keep],
                _DASHES.get(curve.modality, "-"),
                color=_COLOURS[methods.index(curve.method) % len(_COLOURS)],
                linewidth=2.0 if ours else 1.4,
                zorder=3 if ours else 2,
                label=curve_label(curve),
            )
        axes.set(xlabel=curves[0].x_label, ylabel=curves[0].y_label)
        axes.grid(visible=True, color=_INK, alpha=0.12, linewidth=0.6)
        if all(0 <= value <= 1 for curve in curves for value in (*curve.x, *curve.y)):
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))  # shares: a cut axis would flatter
        axes.spines[["top", "right"]].set_visible(False)
        if len(curves) > 1:
            axes.legend(frameon=False, fontsize=8.5)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline_svg(drawn.getvalue())


def curve_label(curve: Curve) -> str:
    """A line's name in the legend: its method and what it was given."""
    return ", ".join(part for part in (method_name(curve.method), modality_name(curve.modality).lower()) if part)


def thumbnail_uri(image: bytes | None) -> str | None:
    """A small JPEG of a picture as a data URI; None when there is no readable picture."""
    if image is None:
        return None
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(image)) as opened:
                opened.draft("RGB", (2 * THUMBNAIL_PIXELS, 2 * THUMBNAIL_PIXELS))
                upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # shown as "no picture": a contact sheet is no place to fail
    upright.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    small = Image.new("RGB", upright.size, "white")
    small.paste(upright, mask=upright.getchannel("A"))
    encoded = io.BytesIO()
    small.save(encoded, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode("ascii")


def _kept_points(num_points: int) -> list[int]:
    if num_points <= _MAX_POINTS:
        return list(range(num_points))
    return sorted({round(step * (num_points - 1) / (_MAX_POINTS - 1)) for step in range(_MAX_POINTS)})


def _inline_svg(document: str) -> str:
    """Cut the `<svg>` element out of a document and let the page colour and size it."""
    element = document[document.index("<svg") :].strip()
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'^<svg([^>]*?) width="[^"]*"', r"<svg\1", element)
    element = re.sub(r'^<svg([^>]*?) height="[^"]*"', r"<svg\1", element)
    return element.replace(_INK, "currentColor").replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
