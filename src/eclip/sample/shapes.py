"""From a true product to its drawing: the same product is the same picture whoever sells it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from eclip.sample.drawings import apparel, bags, electronics, furniture, kitchen, packages, shoes
from eclip.sample.drawings.canvas import Canvas
from eclip.sample.drawings.paint import GLOSS, Look, accent_for, near_colour, texture
from eclip.sample.goods import Product

Drawing = Callable[[Canvas, Look], None]

DRAWINGS: dict[str, Drawing] = {
    drawing.__name__: drawing
    for drawing in (
        *(apparel.tshirt, apparel.shirt, apparel.hoodie, apparel.trousers, apparel.skirt),
        *(apparel.dress, apparel.coat),
        *(shoes.sneaker, shoes.boot, shoes.heels),
        *(bags.backpack, bags.handbag, bags.cap, bags.watch, bags.sunglasses),
        *(kitchen.mug, kitchen.wine_glass, kitchen.frying_pan, kitchen.pot, kitchen.kettle),
        *(electronics.headphones, electronics.speaker, electronics.laptop, electronics.smartphone),
        *(electronics.camera, electronics.controller),
        *(furniture.chair, furniture.sofa, furniture.table, furniture.wardrobe, furniture.lamp),
        *(packages.shampoo, packages.lipstick, packages.cream_jar, packages.cosmetic_box),
        *(packages.eye_drops, packages.medicine_box),
        *(packages.adult_box, packages.adult_bottle, packages.adult_pouch),
    )
}


def draw_product(product: Product, *, seed: int) -> Any:
    """Draw a product, transparent around it: RGBA of `canvas.FINAL_SIZE`.

    The shape comes from dice of the model (colour variants share it), the shade of its colours from dice
    of the product.
    """
    shape = Random(f"{seed}:shape:{product.model_id}")
    own = Random(f"{seed}:colour:{product.key}")
    base = near_colour(product.colour, own)
    _, accent = accent_for(product.colour, own)
    cloth = texture(base, accent, pattern=product.pattern, material=product.material, rng=shape)
    look = Look(
        base=base,
        accent=accent,
        texture=cloth,
        values={"pattern": product.pattern, "material": product.material, **product.traits},
        details=product.details,
        mark=shape.randrange(1000),
        rng=shape,
    )
    canvas = Canvas()
    DRAWINGS[product.leaf.key](canvas, look)
    return canvas.finish(gloss=GLOSS.get(product.material, 0.12))
