"""Shoes, seen from the side with the toe to the left."""

from __future__ import annotations

from eclip.sample.drawings.canvas import Canvas, box, darker, lighter, mix, oval
from eclip.sample.drawings.marks import logo
from eclip.sample.drawings.paint import Look

_GOLD, _SILVER = (202, 164, 84), (196, 199, 204)


def sneaker(c: Canvas, look: Look) -> None:
    """Sports shoe, toe to the left: height of the collar, stripe or logo, sole."""
    thick, high = look.rng.uniform(6, 11), look.values["height"] == "high-top"
    floor = 76.0
    sole = floor - thick
    collar = look.rng.uniform(20, 26) if high else look.rng.uniform(42, 47)
    toe = look.rng.uniform(52, 57)
    upper = [
        (6, sole + 1),
        (7, toe + 6),
        (16, toe),
        (34, toe - 5),
        (56, collar + 4),
        (60, collar),
        (72, collar + 3),
        (88, collar - 2),
        (92, collar + 10),
        (92, sole + 1),
    ]
    c.fill(upper, look.texture, radius=6, edge=look.edge)
    c.fill(oval(74, collar + 1, 13, 3.6), look.inside, radius=0, edge=look.edge)
    cap = look.accent if look.rng.random() < 0.5 else darker(look.base, 0.15)
    if "toe cap" in look.details:
        c.fill(
            [(6, sole + 1), (7, toe + 6), (16, toe + 1), (24, toe + 5), (22, sole + 1)],
            cap,
            radius=4,
            edge=look.edge,
        )
    c.fill([(80, collar + 3), (90, collar - 1), (92.5, sole), (80, sole)], cap, radius=3, edge=look.edge)
    side = look.rng.choice(("stripes", "logo", "swoop"))
    if side == "stripes":
        for i in range(look.rng.choice((2, 3, 3))):
            c.line([(50 + i * 7, 55), (42 + i * 7, sole - 1)], look.accent, 2.6)
    elif side == "swoop":
        c.line([(34, 62), (52, sole - 3), (80, 50)], look.accent, 3.2, radius=10)
    else:
        logo(c, look, 60, 58, 5.5)
    lace = lighter(look.accent, 0.6)
    for i in range(4 if not high else 6):
        x, y = 37 + i * 5.2, toe - 5 - i * ((toe - collar - 8) / (4.6 if not high else 5.6))
        c.line([(x - 4, y - 1.5), (x + 3, y + 4.5)], lace, 1.7)
    white = look.rng.random() < 0.65
    tread = (240, 240, 236) if white else darker(look.accent, 0.1)
    c.fill(
        [(4, sole), (95, sole), (96, floor - 2), (92, floor), (10, floor), (4, floor - 4)],
        tread,
        radius=3,
        edge=(150, 150, 150),
    )
    c.line([(6, floor - 2.4), (94, floor - 2.4)], darker(tread, 0.25), 1.2)


def boot(c: Canvas, look: Look) -> None:
    """Boot, toe to the left: shaft height and heel."""
    top = {"ankle": 34.0, "mid-calf": 20.0, "knee": 7.0}[look.values["shaft"]] + look.rng.uniform(-2, 2)
    heel = {"flat": 3.0, "block": 9.0, "stiletto": 13.0}[look.values["heel"]]
    floor, wide = 92.0, look.rng.uniform(24, 29)
    back = 82.0
    sole = floor - heel
    upper = [
        (back - wide, top),
        (back + 1, top - 1),
        (back + 1, 60),
        (back + 2, sole),
        (52, sole + 1),
        (44, floor - 3),
        (12, floor - 3),
        (10, floor - 12),
        (22, floor - 21),
        (back - wide - 3, 66),
    ]
    c.fill(upper, look.texture, radius=6, edge=look.edge)
    c.fill(
        [
            (10, floor - 4),
            (46, floor - 4),
            (54, sole - 0.5),
            (back + 2, sole - 0.5),
            (back + 2, sole + 2),
            (55, sole + 2),
            (46, floor),
            (10, floor),
        ],
        darker(look.base, 0.55),
        radius=1,
    )
    narrow = 4 if look.values["heel"] == "stiletto" else 16
    c.fill(
        [
            (back + 2, sole),
            (back + 1, floor),
            (back + 1 - narrow, floor),
            (back - (18 if narrow > 5 else 14), sole),
        ],
        darker(look.base, 0.55),
        radius=0.8,
    )
    c.line([(back - wide, top + 3.5), (back + 1, top + 2.5)], look.edge, 0.7)
    x = back - wide
    if "laces" in look.details:
        for i in range(5):
            y = top + 8 + i * (62 - top - 8) / 5
            c.line([(x + 1, y), (x + 10, y + 3)], lighter(look.accent, 0.3), 1.5)
    if "buckle" in look.details:
        c.line([(x - 2, 64), (back + 1, 60)], darker(look.base, 0.45), 3.6)
        c.fill(box(x + 9, 58.5, x + 16, 66), look.accent, radius=1, edge=_GOLD, edge_width=1.2)
    if "zip" in look.details:
        c.line([(back - 8, top + 3), (back - 8, sole - 6)], _SILVER, 1)
    c.shade([(x + 6, top + 4), (x + 6, 60), (24, floor - 16)], 0.22, width=3)


def heels(c: Canvas, look: Look) -> None:
    """Pump, toe to the left: heel height and kind, pointed or round toe, strap."""
    tall = {"low": 14.0, "mid": 24.0, "high": 36.0}[look.values["heel height"]] + look.rng.uniform(-2, 2)
    floor, back = 80.0, 90.0
    rear = floor - tall
    tip = 5.0 if look.values["toe"] == "pointed" else 11.0
    soft = 1.0 if look.values["toe"] == "pointed" else 6.0
    upper = [
        (tip, floor - 2),
        (tip + 5, floor - 9),
        (30, floor - 15),
        (40, floor - 10),
        (62, rear + 2),
        (82, rear - 13),
        (back, rear - 15),
        (back + 2, rear),
        (74, rear + 3),
        (40, floor - 2),
    ]
    c.fill(
        [(32, floor - 15), (84, rear - 14), (86, rear - 6), (60, rear + 3), (40, floor - 8)],
        look.inside,
        radius=4,
    )
    c.fill(rounded_toe(upper, soft), look.texture, radius=3.5, edge=look.edge)
    c.line(
        [(tip + 1, floor - 0.8), (42, floor - 0.8), (74, rear + 3.4), (back + 2, rear + 0.5)],
        darker(look.base, 0.5),
        1.4,
        radius=8,
    )
    wide = {"stiletto": 2.6, "block": 12.0, "wedge": 12.0}[look.values["heel"]]
    if look.values["heel"] == "wedge":
        c.fill(
            [(34, floor - 1), (74, rear + 3), (back + 2, rear), (back, floor), (36, floor)],
            mix(look.base, (160, 120, 70), 0.6),
            radius=1,
            edge=look.edge,
        )
    else:
        c.fill(
            [(76, rear + 2), (back + 2, rear - 1), (back + 1, floor), (back + 1 - wide, floor)],
            darker(look.base, 0.2),
            radius=1,
            edge=look.edge,
        )
    if "ankle strap" in look.details:
        c.line([(back - 1, rear - 13), (back - 1.5, rear - 20)], look.base, 2.4)
        c.line(oval(78, rear - 19, 12, 4), look.base, 2.4)
        c.oval(68, rear - 18, 1.6, 1.6, _GOLD)
    if "bow" in look.details:
        for dx in (-4, 4):
            c.fill(
                [(30, floor - 15), (30 + dx * 1.6, floor - 20), (30 + dx * 1.6, floor - 11)],
                look.accent,
                radius=1.5,
                edge=look.edge,
            )
        c.oval(30, floor - 15, 1.8, 1.8, look.accent, edge=look.edge)
    c.shade([(14, floor - 9), (30, floor - 13)], 0.3, width=2)


def rounded_toe(points: list[tuple[float, float]], soft: float) -> list[tuple[float, float]]:
    """Raise the tip of a toe by `soft`, so that rounding bites deeper there."""
    (x, y), second, *rest = points
    return [(x, y), (x, y - soft), (second[0] - soft * 0.3, second[1] - soft * 0.3), *rest]
