"""A scene with the places that were found, and under it what each was taken for."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from benchmarks.search.drawn_scenes import Scene
from PIL import Image, ImageDraw, ImageOps

from eclip.sample.drawings.canvas import font
from eclip.search.engine import SearchEngine
from eclip.search.instances.merging import Finding
from eclip.search.results import Hit

_SHOWN = 6  # of the answers
_SIDE = 96  # pixels of a small picture
_RIGHT, _WRONG, _TRUTH = (20, 150, 60), (215, 60, 40), (255, 255, 255)


def show_scene(
    scene: Scene, findings: Sequence[Finding], engine: SearchEngine, keys_of: Callable[[Hit], set[str]]
) -> Image.Image:
    """The photo, true boxes thin and white, the best answers numbered: green where the product is there, else red."""
    there = {key for key, _ in scene.truth}
    sheet = Image.new("RGB", (max(scene.picture.width, _SHOWN * _SIDE), scene.picture.height + _SIDE), "white")
    sheet.paste(scene.picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    for _, box in scene.truth:
        draw.rectangle(box, outline=_TRUTH)
    for number, finding in enumerate(findings[:_SHOWN]):
        colour = _RIGHT if keys_of(finding.hits[0]) & there else _WRONG
        left, top, right, bottom = (float(side) for side in finding.box)
        draw.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=3)
        draw.rectangle((left, top, left + 20, top + 20), fill=colour)
        draw.text((left + 10, top + 10), str(number + 1), "white", font(14), anchor="mm")
        at = (number * _SIDE, scene.picture.height)
        encoded = engine.picture(finding.hits[0].product_id)
        if encoded:
            sheet.paste(ImageOps.pad(Image.open(io.BytesIO(encoded)).convert("RGB"), (_SIDE, _SIDE), color="white"), at)
        draw.rectangle((*at, at[0] + _SIDE - 1, at[1] + _SIDE - 1), outline=colour, width=2)
        draw.text((at[0] + 5, at[1] + 4), f"{number + 1}: {finding.score:.2f}", colour, font(13))
    return sheet
