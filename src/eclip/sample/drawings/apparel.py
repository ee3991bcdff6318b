"""Clothes, laid flat and seen from the front."""

from __future__ import annotations

from eclip.sample.drawings.canvas import Canvas, Point, box, darker, lighter, mirror, oval
from eclip.sample.drawings.marks import logo
from eclip.sample.drawings.paint import Look


def _sleeves(c: Canvas, look: Look, shoulder: Point, pit: Point, *, cuff: bool = False) -> None:
    """Both sleeves, behind the body; their length is the attribute `sleeve`."""
    kind, wide = look.values["sleeve"], look.rng.uniform(6.5, 9.5)
    (sx, sy), (px, py) = shoulder, pit
    if kind == "sleeveless":
        return
    if kind == "short":
        reach, drop = look.rng.uniform(9, 14), look.rng.uniform(15, 20)
        outer = (sx - reach, sy + drop)
    else:
        outer = (sx - look.rng.uniform(7, 11), sy + look.rng.uniform(54, 60))
    inner = (outer[0] + wide, outer[1] + (4 if kind == "short" else 1.5))
    left = [(sx + 3, sy - 0.5), (sx - 2, sy + 3), outer, inner, (px + 2, py)]
    right = [(100 - x, y) for x, y in left]
    for side in (left, right):
        c.fill(side, look.texture, radius=3, edge=look.edge)
        (ox, oy), (ix, iy) = side[2], side[3]
        if cuff and kind == "long":
            c.fill([(ox, oy - 4), (ix, iy - 4), (ix, iy), (ox, oy)], look.accent, radius=0.6, edge=look.edge)
        c.shade([side[4], ((ix + side[4][0]) / 2, (iy + side[4][1]) / 2)], -0.16, width=2.2)


def _torso(look: Look, *, top: float, bottom: float, neck: float) -> tuple[list[Point], Point, Point]:
    """Left half of a top's outline; also the shoulder and the armpit, where sleeves join."""
    shoulder = (50 - look.rng.uniform(19, 23), top + look.rng.uniform(4, 6))
    pit = (shoulder[0] + look.rng.uniform(0.5, 2.5), top + look.rng.uniform(19, 24))
    hem = (50 - look.rng.uniform(18, 23), bottom)
    return [(50 - neck, top), shoulder, pit, hem, (50, bottom + look.rng.uniform(0, 1.5))], shoulder, pit


def _neckline(c: Canvas, look: Look, top: float, wide: float) -> None:
    """The opening at the neck, in the attribute `neck`, with a rib of the accent or the base colour."""
    trim = look.accent if look.rng.random() < 0.4 else darker(look.base, 0.12)
    deep = look.rng.uniform(4.5, 7)
    if look.values.get("neck") == "v-neck":
        tip = top + look.rng.uniform(14, 19)
        c.fill([(50 - wide, top - 0.5), (50 + wide, top - 0.5), (50, tip)], look.inside, radius=0)
        c.line([(50 - wide, top), (50, tip), (50 + wide, top)], trim, 1.7)
    elif look.values.get("neck") == "turtleneck":
        c.fill(box(50 - wide, top - 7, 50 + wide, top + 3), look.texture, radius=2, edge=look.edge)
        c.line([(50 - wide, top - 2), (50 + wide, top - 2)], look.edge, 0.6)
    else:
        c.fill(oval(50, top, wide, deep), look.inside, radius=0)
        c.line(oval(50, top, wide, deep, start=0, end=180), trim, 2)
        c.fill(box(0, 0, 100, top - 1), (0, 0, 0, 0), radius=0)


def _folds(c: Canvas, look: Look, top: float, bottom: float, *, spread: float = 16) -> None:
    for _ in range(look.rng.randint(2, 4)):
        x, y = 50 + look.rng.uniform(-spread, spread), look.rng.uniform(top, bottom)
        end = (x + look.rng.uniform(-5, 5), min(bottom, y + look.rng.uniform(8, 18)))
        c.shade([(x, y), end], look.rng.choice((-0.12, -0.08, 0.1)), width=2)


def tshirt(c: Canvas, look: Look) -> None:
    """T-shirt or knitted top: sleeve, neck, chest logo, pocket."""
    bottom, neck = look.rng.uniform(76, 90), look.rng.uniform(7, 10)
    half, shoulder, pit = _torso(look, top=14, bottom=bottom, neck=neck)
    _sleeves(c, look, shoulder, pit, cuff=look.rng.random() < 0.3)
    c.fill(mirror(half), look.texture, radius=1.6, edge=look.edge)
    _neckline(c, look, 14, neck)
    c.line([(half[3][0] + 1, bottom - 2.5), (99 - half[3][0], bottom - 2.5)], look.edge, 0.4)
    if "chest logo" in look.details:
        logo(c, look, 50, look.rng.uniform(40, 46), look.rng.uniform(5, 11))
    if "pocket" in look.details:
        c.fill(box(54, 36, 64, 47), look.accent, radius=1.5, edge=look.edge)
    _folds(c, look, 40, bottom - 4)


def shirt(c: Canvas, look: Look) -> None:
    """Buttoned shirt: collar, placket, cuffs, chest pocket."""
    bottom, top = look.rng.uniform(80, 91), 15.0
    half, shoulder, pit = _torso(look, top=top, bottom=bottom, neck=7.5)
    half.insert(4, (42, bottom + look.rng.uniform(0, 4)))
    _sleeves(c, look, shoulder, pit, cuff=look.rng.random() < 0.5)
    c.fill(mirror(half), look.texture, radius=2.5, edge=look.edge)
    collar = look.accent if look.rng.random() < 0.25 else look.texture
    tip = look.rng.uniform(22, 28)
    c.fill([(42, top - 1), (58, top - 1), (50, top + 8)], look.inside, radius=0)
    for left in ([(42, top - 3), (50, top + 8), (43, tip), (36.5, top + 3)],):
        c.fill(left, collar, radius=0.5, edge=look.edge)
        c.fill([(100 - x, y) for x, y in left], collar, radius=0.5, edge=look.edge)
    c.line([(48, top + 9), (48, bottom)], look.edge, 0.5)
    c.line([(52, top + 9), (52, bottom)], look.edge, 0.5)
    button = lighter(look.base, 0.7) if sum(look.base) < 420 else darker(look.base, 0.5)
    for i in range(6):
        c.oval(50, top + 12 + i * (bottom - top - 16) / 5.5, 0.95, 0.95, button)
    if "pocket" in look.details:
        c.fill([(56, 36), (66, 36), (66, 46), (61, 49), (56, 46)], look.texture, radius=0.5, edge=look.edge)
    if "chest logo" in look.details:
        logo(c, look, 38, 40, 2.2)
    _folds(c, look, 45, bottom - 4)


def hoodie(c: Canvas, look: Look) -> None:
    """Hooded sweatshirt: hood, kangaroo pocket, cords or zip."""
    bottom, top = look.rng.uniform(78, 88), 22.0
    half, shoulder, pit = _torso(look, top=top, bottom=bottom - 4, neck=9)
    _sleeves(c, look, shoulder, pit, cuff=True)
    wide, tall = look.rng.uniform(14, 18), look.rng.uniform(5, 10)
    hood = [
        (50 - wide, top + 6),
        (50 - wide, tall + 4),
        (50, tall - 3),
        (50 + wide, tall + 4),
        (50 + wide, top + 6),
    ]
    c.fill(mirror(half), look.texture, radius=2, edge=look.edge)
    c.fill([*hood, (50, top + 15)], look.texture, radius=7, edge=look.edge)
    c.fill(oval(50, top - 2, wide * 0.62, 11), look.inside, radius=0, edge=look.edge)
    c.fill(
        box(half[3][0], bottom - 5, 100 - half[3][0], bottom),
        darker(look.base, 0.15),
        radius=1.2,
        edge=look.edge,
    )
    pocket = look.rng.uniform(54, 60)
    c.fill(
        mirror([(41, pocket), (33, pocket + 9), (33, bottom - 6)]),
        look.texture,
        radius=1,
        edge=look.edge,
        edge_width=1,
    )
    if look.values["closure"] == "zip":
        c.line([(50, top + 13), (50, bottom)], (205, 205, 210), 1.4)
        c.line([(50, top + 13), (50, bottom)], (90, 90, 95), 0.4)
    else:
        for x in (45.5, 54.5):
            c.line([(x, top + 9), (x - 0.8, top + look.rng.uniform(20, 26))], lighter(look.accent, 0.2), 0.9)
    if "chest logo" in look.details and look.values["closure"] != "zip":
        logo(c, look, 50, 46, look.rng.uniform(4, 7))
    _folds(c, look, 40, bottom - 8)


def trousers(c: Canvas, look: Look) -> None:
    """Trousers or shorts: fit and length."""
    top, waist = 9.0, look.rng.uniform(14.5, 17.5)
    bottom = {"shorts": 48.0, "cropped": 76.0, "full": 92.0}[look.values["length"]] + look.rng.uniform(-3, 2)
    slim = look.values["fit"] == "slim"
    hip = waist + look.rng.uniform(3, 5)
    share = (bottom - top) / 83
    outer = (50 - hip - (0 if slim else 6 * share) + (5 * share if slim else 0), bottom)
    width = (9 if slim else 16) + (6 * (1 - share) if slim else 1) + look.rng.uniform(-1, 1)
    crotch = look.rng.uniform(34, 38)
    leg = [(50 - waist, top), (50 - hip, 27), outer, (outer[0] + width, bottom), (50, crotch)]
    c.fill([*leg, *((100 - x, y) for x, y in reversed(leg[:-1]))], look.texture, radius=1.2, edge=look.edge)
    c.fill(box(50 - waist, top - 1, 50 + waist, top + 4), look.texture, radius=0.8, edge=look.edge)
    c.line([(50, top + 4), (50, crotch)], look.edge, 0.7)
    c.oval(50, top + 1.5, 1.1, 1.1, look.accent)
    c.line([(50 - waist + 2, top + 4), (50 - hip + 2, top + 13)], look.edge, 0.7)
    c.line([(50 + waist - 2, top + 4), (50 + hip - 2, top + 13)], look.edge, 0.7)
    for sign in (-1, 1):
        middle = 50 + sign * (50 - outer[0] - width / 2)
        c.shade([(50 + sign * hip * 0.5, 30), (middle, bottom - 3)], look.rng.choice((0.12, -0.1)), width=2.5)
        if "side stripe" in look.details:
            c.line(
                [
                    (50 + sign * (waist - 1), top + 5),
                    (50 + sign * (hip - 1.4), 27),
                    (50 + sign * (48.4 - outer[0]), bottom - 0.5),
                ],
                look.accent,
                1.8,
            )
        if "turn-up" in look.details:
            x0, x1 = 50 + sign * (50 - outer[0]), 50 + sign * (50 - outer[0] - width)
            c.fill(
                box(min(x0, x1), bottom - 4, max(x0, x1), bottom),
                lighter(look.base, 0.25),
                radius=0.5,
                edge=look.edge,
            )


def skirt(c: Canvas, look: Look) -> None:
    """Skirt: length and cut."""
    top, waist = 14.0, look.rng.uniform(12, 15)
    bottom = {"mini": 52.0, "midi": 72.0, "maxi": 91.0}[look.values["length"]] + look.rng.uniform(-3, 2)
    cut = look.values["cut"]
    flare = {"pencil": 4.0, "a-line": 16.0, "pleated": 19.0}[cut] * (0.6 + 0.4 * (bottom - 30) / 60)
    hem = 50 - waist - flare - look.rng.uniform(0, 4)
    half = [
        (50 - waist, top),
        (50 - waist - 4, top + 14),
        (hem, bottom),
        (50, bottom + (3 if cut != "pencil" else 0)),
    ]
    c.fill(mirror(half), look.texture, radius=3, edge=look.edge)
    if cut == "pleated":
        num = look.rng.randint(6, 10)
        for i in range(1, num):
            x0, x1 = 50 - waist + 2 * waist * i / num, hem + (100 - 2 * hem) * i / num
            c.line([(x0, top + 4), (x1, bottom + 1)], look.edge, 0.5)
            c.shade([(x0 + 1, top + 4), (x1 + 1.5, bottom)], -0.2, width=2)
    else:
        _folds(c, look, top + 15, bottom - 4, spread=12)
    if "buttons" in look.details:
        for i in range(6):
            c.oval(50, top + 8 + i * (bottom - top - 10) / 6, 1.3, 1.3, look.accent, edge=look.edge)
    band = look.accent if "belt" in look.details else darker(look.base, 0.12)
    c.fill(box(50 - waist - 0.3, top - 2, 50 + waist + 0.3, top + 3.5), band, radius=0.8, edge=look.edge)


def dress(c: Canvas, look: Look) -> None:
    """Dress: sleeve, neck, length, belt."""
    top, waist_y = 8.0, look.rng.uniform(38, 44)
    bottom = {"mini": 68.0, "midi": 80.0, "maxi": 94.0}[look.values["length"]] + look.rng.uniform(-2, 1)
    neck = look.rng.uniform(6, 8)
    shoulder = (50 - look.rng.uniform(14, 17), top + 3)
    pit, waist = (shoulder[0] + 1.5, top + 18), look.rng.uniform(10, 13)
    hem = 50 - look.rng.uniform(20, 32)
    _sleeves(c, look, shoulder, pit)
    half = [(50 - neck, top), shoulder, pit, (50 - waist, waist_y), (hem, bottom), (50, bottom + 2.5)]
    c.fill(mirror(half), look.texture, radius=3.5, edge=look.edge)
    _neckline(c, look, top, neck)
    for _ in range(4):
        x = look.rng.uniform(-0.85, 0.85)
        c.shade(
            [(50 + x * waist, waist_y + 3), (50 + x * (50 - hem), bottom)],
            look.rng.choice((-0.16, 0.12)),
            width=2.4,
        )
    if "belt" in look.details:
        c.fill(box(50 - waist - 0.5, waist_y - 2, 50 + waist + 0.5, waist_y + 2), look.accent, radius=0.6)
        c.fill(
            box(47.5, waist_y - 2.4, 52.5, waist_y + 2.4),
            lighter(look.accent, 0.5),
            radius=0.6,
            edge=look.edge,
        )
    else:
        c.line([(50 - waist, waist_y), (50 + waist, waist_y)], look.edge, 0.6)
    if "buttons" in look.details:
        for i in range(5):
            c.oval(50, top + 10 + i * 6, 0.9, 0.9, look.accent)


def coat(c: Canvas, look: Look) -> None:
    """Coat or jacket: lapels, double or single row of buttons, long sleeves, pockets."""
    top = 12.0
    bottom = {"short": 70.0, "long": 91.0}[look.values["length"]] + look.rng.uniform(-3, 2)
    half, shoulder, pit = _torso(look, top=top, bottom=bottom, neck=8)
    half[3] = (half[3][0] - 3, bottom)
    _sleeves(c, look, shoulder, pit)
    c.fill(mirror(half), look.texture, radius=2, edge=look.edge)
    c.fill([(42, top), (58, top), (50, 36)], lighter(look.accent, 0.2), radius=0)
    notch = look.rng.uniform(23, 28)
    lapel = [(42, top - 2), (50, 38), (47, 40), (34, notch + 3), (38, notch - 3), (34.5, notch - 5)]
    c.fill(lapel, look.texture, radius=0.4, edge=look.edge)
    c.fill([(100 - x, y) for x, y in lapel], look.texture, radius=0.4, edge=look.edge)
    c.line([(50, 38), (50, bottom)], look.edge, 0.9)
    rows = (45.5, 54.5) if look.values["closure"] == "double-breasted" else (52.0,)
    for x in rows:
        for i in range(3):
            c.oval(x, 44 + i * 9, 1.5, 1.5, look.accent, edge=look.edge)
    y = look.rng.uniform(56, 62)
    for x in (34.0, 59.0):
        c.fill(box(x, y, x + 8, y + 3), look.texture, radius=0.5, edge=look.edge)
    if "belt" in look.details:
        c.fill(box(half[2][0] - 1, 50, 101 - half[2][0], 54), darker(look.base, 0.25), radius=0.8, edge=look.edge)
    _folds(c, look, 62, bottom - 3)
