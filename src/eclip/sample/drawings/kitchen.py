"""Kitchen goods."""

from __future__ import annotations

from eclip.sample.drawings.canvas import Canvas, Colour, box, darker, lighter, mirror, mix, oval
from eclip.sample.drawings.marks import logo
from eclip.sample.drawings.paint import Look

_STEEL = (188, 191, 196)


def mug(c: Canvas, look: Look) -> None:
    """Mug with its handle to the right."""
    wide, tall = look.rng.uniform(22, 28), look.rng.uniform(50, 62)
    top, x = 50 - tall / 2, 44.0
    bottom = top + tall
    lower = wide * look.rng.uniform(0.78, 1.0)
    grip = look.rng.uniform(3.6, 5)
    if look.values["handle"] == "angular":
        path = [
            (x + wide - 2, top + 12),
            (x + wide + 17, top + 12),
            (x + wide + 12, bottom - 14),
            (x + lower - 2, bottom - 12),
        ]
        c.line(path, look.base, grip, radius=3)
    else:
        path = oval(x + wide - 1, top + tall * 0.47, look.rng.uniform(14, 19), tall * 0.28, start=-90, end=90)
        c.line(path, darker(look.base, 0.3), grip + 1.2)
        c.line(path, look.base, grip)
    c.fill(
        [(x - wide, top), (x + wide, top), (x + lower, bottom), (x - lower, bottom)],
        look.texture,
        radius=5,
        edge=look.edge,
    )
    c.fill(oval(x, top + 1, wide, 5.5), lighter(look.base, 0.2), radius=0, edge=look.edge)
    c.fill(
        oval(x, top + 1.5, wide - 2.4, 4.2),
        (92, 58, 36) if "filled" in look.details else look.inside,
        radius=0,
    )
    if look.values["pattern"] == "solid":
        logo(c, look, x, (top + bottom) / 2 + 3, look.rng.uniform(6, 11))
    if "saucer" in look.details:
        c.fill(oval(x, bottom + 2, wide + 15, 5), lighter(look.base, 0.1), radius=0, edge=look.edge)
        c.fill(oval(x, bottom, lower, 2.6), darker(look.base, 0.2), radius=0)
    c.shade([(x - wide + 6, top + 9), (x - lower + 6, bottom - 6)], 0.3, width=3.5)
    c.shade([(x + wide - 4, top + 9), (x + lower - 4, bottom - 5)], -0.2, width=5)


def wine_glass(c: Canvas, look: Look) -> None:
    """Stemmed glass: bowl, stem, what it holds."""
    kind = look.values["bowl"]
    wide = {"wine": 19.0, "flute": 10.0, "coupe": 25.0}[kind] + look.rng.uniform(-2, 2)
    deep = {"wine": 42.0, "flute": 50.0, "coupe": 24.0}[kind] + look.rng.uniform(-3, 3)
    top, floor = 8.0, 92.0
    glass = (*mix(look.base, (215, 228, 236), 0.62), 255)
    rim = darker(mix(look.base, (150, 165, 180), 0.5), 0.15)
    c.fill(box(48.6, top + deep - 3, 51.4, floor - 2), glass, radius=0.5, edge=rim, edge_width=0.5)
    c.fill(oval(50, floor - 2, look.rng.uniform(15, 19), 4), glass, radius=0, edge=rim)
    flare = 0.72 if kind == "wine" else 1.0
    bowl = mirror(
        [
            (50 - wide * flare, top),
            (50 - wide, top + deep * 0.5),
            (50 - wide * 0.5, top + deep * 0.9),
            (48.6, top + deep + 2),
        ]
    )
    c.fill(bowl, glass, radius=9, edge=rim)
    if "filled" in look.details:
        level, drink = look.rng.uniform(0.35, 0.55), look.accent
        c.fill(
            mirror(
                [
                    (50 - wide * 0.92, top + deep * level),
                    (50 - wide * 0.9, top + deep * 0.55),
                    (50 - wide * 0.46, top + deep * 0.88),
                    (48.8, top + deep),
                ]
            ),
            drink,
            radius=8,
        )
        c.fill(oval(50, top + deep * level + 1, wide * 0.9, 2.4), lighter(drink, 0.25), radius=0)
    c.fill(oval(50, top, wide * flare, 2.6), (*lighter(glass[:3], 0.4), 255), radius=0, edge=rim)
    if "gold rim" in look.details:
        c.line(oval(50, top, wide * flare, 2.6), (205, 168, 86), 1.2)
    c.shade([(50 - wide * 0.6, top + 7), (50 - wide * 0.72, top + deep * 0.55)], 0.45, width=3)


def frying_pan(c: Canvas, look: Look) -> None:
    """Frying pan from above, handle to the lower right."""
    size, x, y = look.rng.uniform(27, 32), 38.0, 40.0
    grip = look.accent if look.values["handle"] == "coloured" else (126, 86, 52)
    if look.values["handle"] == "steel":
        grip = _STEEL
    c.line([(x + size * 0.66, y + size * 0.66), (x + 30, y + 30)], _STEEL, 5)
    c.line([(x + 27, y + 27), (93, 93)], darker(grip, 0.3), 8)
    c.line([(x + 27, y + 27), (93, 93)], grip, 6.4)
    c.oval(90.5, 90.5, 1.6, 1.6, darker(grip, 0.6))
    c.oval(x, y, size, size, look.base, edge=look.edge, edge_width=1)
    inside = look.rng.choice(((44, 44, 48), (66, 66, 70), (178, 180, 184)))
    c.oval(x, y, size - 4, size - 4, inside, edge=darker(look.base, 0.4))
    c.oval(x, y, size - 9, size - 9, lighter(inside, 0.07))
    if "ridges" in look.details:
        for i in range(-3, 4):
            reach = ((size - 10) ** 2 - (i * 5.5) ** 2) ** 0.5
            c.line([(x - reach, y + i * 5.5), (x + reach, y + i * 5.5)], darker(inside, 0.4), 1.7)
    elif "egg" in look.details:
        c.fill(
            [
                (x - 12, y - 3),
                (x - 4, y - 12),
                (x + 10, y - 9),
                (x + 12, y + 5),
                (x, y + 12),
                (x - 10, y + 8),
            ],
            (250, 249, 244),
            radius=8,
        )
        c.oval(x + 1, y, 4.6, 4.6, (246, 184, 44))
    else:
        logo(c, look, x, y, 4, lighter(inside, 0.25))
    c.shade(oval(x, y, size - 6, size - 6, start=190, end=260), 0.5, width=2.6)


def pot(c: Canvas, look: Look) -> None:
    """Cooking pot with lid and two handles."""
    wide, tall = look.rng.uniform(27, 33), look.rng.uniform(26, 42)
    bottom = 82.0
    top = bottom - tall
    metal = look.accent if "coloured knob" in look.details else (70, 70, 74)
    for sign in (-1, 1):
        c.line(
            [
                (50 + sign * (wide - 1), top + 8),
                (50 + sign * (wide + 9), top + 8),
                (50 + sign * (wide + 9), top + 15),
                (50 + sign * (wide - 1), top + 15),
            ],
            metal,
            2.8,
            radius=3,
        )
    c.fill(box(50 - wide, top, 50 + wide, bottom), look.texture, radius=6, edge=look.edge)
    c.fill(box(50 - wide - 1.2, top - 1, 50 + wide + 1.2, top + 3), _STEEL, radius=1, edge=darker(_STEEL))
    if look.values["lid"] == "glass":
        c.fill(
            oval(50, top - 1, wide, look.rng.uniform(9, 13), start=180, end=360),
            (206, 222, 230),
            radius=0,
            edge=darker(_STEEL),
        )
    elif look.values["lid"] == "metal":
        c.fill(
            oval(50, top - 1, wide, look.rng.uniform(9, 13), start=180, end=360),
            look.texture,
            radius=0,
            edge=look.edge,
        )
    if look.values["lid"] != "none":
        c.fill(box(45, top - 18, 55, top - 13), metal, radius=2, edge=darker(metal))
        c.fill(box(48, top - 14, 52, top - 9), metal, radius=0.5)
    else:
        c.fill(oval(50, top, wide, 5), look.inside, radius=0, edge=darker(_STEEL))
    logo(c, look, 50, bottom - tall * 0.45, look.rng.uniform(3, 5))
    c.shade([(50 - wide + 7, top + 6), (50 - wide + 7, bottom - 6)], 0.45, width=4)
    c.shade([(50 + wide - 5, top + 5), (50 + wide - 5, bottom - 5)], -0.25, width=7)


def kettle(c: Canvas, look: Look) -> None:
    """Kettle, spout to the left: electric jug or stove-top."""
    bottom, trim = 84.0, (58, 58, 62)
    if look.values["type"] == "stove-top":
        _stove_kettle(c, look, bottom, trim)
        return
    top, wide = look.rng.uniform(20, 25), look.rng.uniform(18, 22)
    x = 46.0
    c.line(
        [
            (x + wide * 0.8, top + 5),
            (x + wide + 19, top + 7),
            (x + wide + 17, bottom - 18),
            (x + wide, bottom - 12),
        ],
        trim,
        5.4,
        radius=9,
    )
    c.fill(
        [(x - wide * 0.75, top + 3), (x - wide - 9, top + 5), (x - wide - 2, top + 18)],
        look.base,
        radius=2,
        edge=look.edge,
    )
    c.fill(
        [
            (x - wide * 0.75, top),
            (x + wide * 0.78, top),
            (x + wide + 3, bottom - 7),
            (x - wide - 3, bottom - 7),
        ],
        look.texture,
        radius=4,
        edge=look.edge,
    )
    c.fill(box(x - wide * 0.74, top - 4, x + wide * 0.76, top + 1), trim, radius=2)
    c.oval(x, top - 5, 3.4, 2, trim)
    c.fill(box(x - wide - 5, bottom - 7, x + wide + 5, bottom), trim, radius=2)
    if "window" in look.details:
        c.fill(box(x - 3, top + 16, x + 3, bottom - 18), (196, 218, 232), radius=2.5, edge=trim)
        c.line([(x - 1.5, top + 30), (x + 1.5, top + 30)], trim, 0.7)
    else:
        logo(c, look, x, (top + bottom) / 2, 4.5)
    c.shade([(x - wide * 0.5, top + 6), (x - wide * 0.68, bottom - 12)], 0.45, width=4)


def _stove_kettle(c: Canvas, look: Look, bottom: float, trim: Colour) -> None:
    top, wide = look.rng.uniform(42, 47), look.rng.uniform(26, 30)
    c.line(oval(52, top + 4, wide * 0.78, top - 14, start=190, end=350), trim, 4.2)
    c.fill(
        [(52 - wide * 0.6, top + 12), (10, top - 3), (8, top + 3), (52 - wide + 2, top + 28)],
        look.base,
        radius=2,
        edge=look.edge,
    )
    c.fill(
        [
            (52 - wide * 0.62, top),
            (52 + wide * 0.62, top),
            (52 + wide, bottom - 8),
            (52 + wide - 4, bottom),
            (56 - wide, bottom),
            (52 - wide, bottom - 8),
        ],
        look.texture,
        radius=9,
        edge=look.edge,
    )
    c.oval(52, top - 1, wide * 0.5, 3.4, darker(look.base, 0.1), edge=look.edge)
    c.oval(52, top - 6, 3.4, 3, trim)
    c.shade([(52 - wide * 0.45, top + 7), (52 - wide * 0.72, bottom - 12)], 0.5, width=4)
