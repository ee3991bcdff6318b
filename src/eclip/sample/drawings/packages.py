"""Bottles, tubes, boxes and pouches: cosmetics, health goods, and the 19+ department.

The 19+ department is plain packaging and nothing else: a box, a bottle or a pouch, on part of them a round
19 mark. The cosmetics and health goods beside it look alike on purpose (hard negatives).
"""

from __future__ import annotations

from eclip.sample.drawings.canvas import Canvas, Colour, box, darker, lighter, mirror, mix, oval
from eclip.sample.drawings.marks import logo, round_mark
from eclip.sample.drawings.paint import Look

_WHITE, _RED, _GOLD, _SILVER = (247, 247, 245), (204, 38, 44), (204, 168, 92), (198, 201, 206)


def _lines_of_text(c: Canvas, x: float, y: float, wide: float, num: int, ink: Colour) -> None:
    for i in range(num):
        reach = wide * (1.0 if i % 2 == 0 else 0.7)
        c.line([(x - reach, y + i * 3.2), (x + reach, y + i * 3.2)], ink, 0.8)


def _carton(c: Canvas, look: Look, *, wide: float, tall: float, depth: float) -> tuple[float, float, float, float]:
    """A carton seen from its front and right side; the front's left, top, right, bottom."""
    left, right = 50 - wide - depth / 2, 50 + wide - depth / 2
    top, bottom = 52 - tall, 52 + tall
    lift = depth * 0.55
    c.fill(
        [(left, top), (left + depth, top - lift), (right + depth, top - lift), (right, top)],
        lighter(look.base, 0.25),
        radius=0.3,
        edge=look.edge,
    )
    c.fill(
        [(right, top), (right + depth, top - lift), (right + depth, bottom - lift), (right, bottom)],
        darker(look.base, 0.28),
        radius=0.3,
        edge=look.edge,
    )
    c.fill(box(left, top, right, bottom), look.texture, radius=0.4, edge=look.edge)
    return left, top, right, bottom


def shampoo(c: Canvas, look: Look) -> None:
    """Shampoo or body wash: pump or flip cap, label."""
    wide, top = look.rng.uniform(15, 21), look.rng.uniform(30, 36)
    bottom, x = 93.0, 50.0
    if look.values["cap"] == "pump":
        c.fill(box(x - 1.6, top - 15, x + 1.6, top - 2), _SILVER, radius=0.4)
        c.fill(
            [(x - 4, top - 20), (x + 3, top - 20), (x + 5, top - 14), (x - 5, top - 14)],
            look.accent,
            radius=1.5,
            edge=darker(look.accent),
        )
        c.line([(x - 3, top - 18), (x - 15, top - 18), (x - 16, top - 14)], look.accent, 2.4, radius=2)
        c.fill(box(x - 6.5, top - 6, x + 6.5, top + 1), look.accent, radius=1, edge=darker(look.accent))
    else:
        c.fill(box(x - 8, top - 11, x + 8, top + 1), look.accent, radius=1.6, edge=darker(look.accent))
        c.line([(x - 8, top - 5), (x + 8, top - 5)], darker(look.accent), 0.6)
    shoulder = look.rng.uniform(4, 12)
    c.fill(
        mirror([(x - 7, top), (x - wide, top + shoulder), (x - wide + look.rng.uniform(-2, 3), bottom)]),
        look.texture,
        radius=6,
        edge=look.edge,
    )
    _label(c, look, x, wide, (top + shoulder + 8, bottom - 7))
    c.shade([(x - wide + 4.5, top + 14), (x - wide + 4.5, bottom - 6)], 0.35, width=3)


def _label(c: Canvas, look: Look, x: float, wide: float, span: tuple[float, float]) -> None:
    top, bottom = span
    paper = _WHITE if sum(look.base) < 640 else lighter(look.accent, 0.6)
    c.fill(box(x - wide + 3.5, top, x + wide - 3.5, bottom), paper, radius=1.5)
    logo(c, look, x, top + 8, look.rng.uniform(3.2, 5), look.accent if sum(look.accent) < 640 else (70, 70, 76))
    _lines_of_text(c, x, top + 18, wide * 0.5, 3, (110, 110, 116))
    if "round seal" in look.details:
        round_mark(
            c,
            look.rng.choice(("30", "50", "BIO", "pH5")),
            x + wide * 0.42,
            bottom - 6,
            4.6,
            look.rng.choice((_RED, (60, 130, 70))),
        )


def lipstick(c: Canvas, look: Look) -> None:
    """Open lipstick, its cap beside it."""
    case = (_GOLD, _SILVER, (36, 36, 40), lighter(look.accent, 0.2))[look.mark % 4]
    wide, low = look.rng.uniform(8.5, 11), 92.0
    x = 38.0 if "cap beside" in look.details else 50.0
    tall = look.rng.uniform(20, 26)
    c.fill(box(x - wide, 58, x + wide, low), case, radius=1.2, edge=darker(case))
    c.fill(box(x - wide + 1.6, 46, x + wide - 1.6, 60), lighter(case, 0.35), radius=0.6, edge=darker(case))
    tip = 46 - tall
    bullet = [
        (x - wide + 3, 47),
        (x - wide + 3, tip + 9),
        (x + wide - 5, tip - 3),
        (x + wide - 3, tip),
        (x + wide - 3, 47),
    ]
    c.fill(bullet, look.base, radius=3.5, edge=look.edge)
    c.fill(
        [(x - wide + 4, tip + 9.5), (x + wide - 4, tip - 1.5), (x + wide - 4, tip + 5)],
        lighter(look.base, 0.22),
        radius=2,
    )
    logo(c, look, x, 75, 3.2, darker(case, 0.45))
    if "cap beside" in look.details:
        c.fill(box(62, 48, 84, low), case, radius=1.6, edge=darker(case))
        c.line([(62, 54), (84, 54)], darker(case), 0.8)
        c.shade([(67, 52), (67, 90)], 0.4, width=3)
    c.shade([(x - wide + 4, 60), (x - wide + 4, 90)], 0.4, width=2.6)


def cream_jar(c: Canvas, look: Look) -> None:
    """Jar of face cream, closed or open."""
    wide, tall = look.rng.uniform(27, 33), look.rng.uniform(25, 33)
    bottom = 80.0
    top = bottom - tall
    lid = (_GOLD, _SILVER, _WHITE, look.accent)[look.mark % 4]
    c.fill(box(50 - wide, top, 50 + wide, bottom), look.texture, radius=7, edge=look.edge)
    if "open" in look.details:
        c.fill(oval(50, top, wide, 6.5), lighter(look.base, 0.35), radius=0, edge=look.edge)
        c.fill(oval(50, top, wide - 4, 4.8), (252, 248, 240), radius=0)
        c.line([(40, top), (50, top - 4.5), (58, top)], (240, 232, 218), 3, radius=6)
        c.fill(oval(80, bottom - 2, 15, 5), lid, radius=0, edge=darker(lid))
    else:
        c.fill(
            box(50 - wide - 1, top - look.rng.uniform(14, 18), 50 + wide + 1, top + 2),
            lid,
            radius=3,
            edge=darker(lid),
        )
        for i in range(-6, 7):
            c.shade([(50 + i * wide / 6.5, top - 12), (50 + i * wide / 6.5, top)], -0.12, width=1)
    ink = darker(look.base, 0.6) if sum(look.base) > 330 else (240, 240, 240)
    logo(c, look, 50, top + 9, 3.6, ink)
    _lines_of_text(c, 50, top + 17, wide * 0.45, 2, ink)
    c.shade([(50 - wide + 6, top + 6), (50 - wide + 6, bottom - 6)], 0.35, width=4)


def cosmetic_box(c: Canvas, look: Look) -> None:
    """Gift carton of cosmetics: much like a plain 19+ carton, but for ribbon and print."""
    left, top, right, bottom = _carton(
        c, look, wide=look.rng.uniform(20, 32), tall=look.rng.uniform(22, 34), depth=look.rng.uniform(8, 14)
    )
    middle = (left + right) / 2
    if "ribbon" in look.details:
        c.fill(box(middle - 2.5, top, middle + 2.5, bottom), look.accent, radius=0)
        for sign in (-1, 1):
            c.fill(
                [(middle, top), (middle + sign * 11, top - 7), (middle + sign * 11, top + 4)],
                look.accent,
                radius=2,
                edge=darker(look.accent),
            )
    else:
        logo(c, look, middle, top + (bottom - top) * 0.35, look.rng.uniform(4, 8))
        _lines_of_text(c, middle, bottom - 13, (right - left) * 0.28, 3, look.accent)
    if "round seal" in look.details:
        round_mark(
            c,
            look.rng.choice(("50", "30", "SET", "x2")),
            right - 8,
            bottom - 8,
            5,
            look.rng.choice((_RED, (50, 50, 54))),
        )


def eye_drops(c: Canvas, look: Look) -> None:
    """Small dropper bottle, often beside its carton."""
    x = 34.0 if "carton" in look.details else 50.0
    if "carton" in look.details:
        c.fill(box(54, 32, 86, 90), look.texture, radius=0.5, edge=look.edge)
        c.fill(box(54, 40, 86, 54), _WHITE, radius=0)
        c.fill(oval(70, 47, 8, 4.4), (92, 150, 214), radius=0)
        c.oval(70, 47, 3, 3, (30, 50, 90))
        _lines_of_text(c, 70, 64, 11, 4, lighter(look.base, 0.6) if sum(look.base) < 420 else darker(look.base, 0.4))
    wide = look.rng.uniform(11, 14)
    c.fill(mirror_about(x, [(x - 2.5, 14), (x - 6, 34)]), look.accent, radius=2, edge=darker(look.accent))
    c.fill(box(x - 7, 32, x + 7, 42), look.accent, radius=1, edge=darker(look.accent))
    clear = mix(look.base, (228, 238, 244), 0.6)
    c.fill(mirror_about(x, [(x - 5, 41), (x - wide, 50), (x - wide, 91)]), clear, radius=5, edge=darker(clear))
    c.fill(box(x - wide + 1, 60, x + wide - 1, 84), look.base, radius=0.8)
    c.fill([(x, 64), (x + 4.4, 72), (x, 76), (x - 4.4, 72)], lighter(look.base, 0.7), radius=2.6)
    _lines_of_text(c, x, 79.5, wide * 0.6, 1, lighter(look.base, 0.6))


def mirror_about(x: float, half: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Close a left half into an outline symmetric about `x`."""
    return [*half, *((2 * x - px, py) for px, py in reversed(half))]


def medicine_box(c: Canvas, look: Look) -> None:
    """Carton of pills or vitamins with its blister."""
    left, top, right, bottom = _carton(
        c, look, wide=look.rng.uniform(26, 33), tall=look.rng.uniform(14, 21), depth=look.rng.uniform(8, 13)
    )
    c.fill(box(left, top + 3, right, top + 12), _WHITE, radius=0)
    cross = look.rng.choice((_RED, (40, 140, 80), (40, 100, 190)))
    x, y = left + 8, (top + bottom) / 2 + 5
    c.fill(box(x - 1.7, y - 5, x + 1.7, y + 5), _WHITE, radius=0.3)
    c.fill(box(x - 5, y - 1.7, x + 5, y + 1.7), _WHITE, radius=0.3)
    c.line([(left + 5, top + 7.5), (left + 26, top + 7.5)], cross, 3)
    _lines_of_text(c, right - 15, y - 3, 10, 3, lighter(look.base, 0.65))
    if "round seal" in look.details:
        round_mark(c, look.rng.choice(("10", "30", "60", "90")), right - 7, bottom - 6.5, 4.6, cross)
    if "blister" in look.details:
        c.fill([(18, 78), (66, 74), (70, 92), (22, 96)], _SILVER, radius=2, edge=(130, 132, 138))
        for i in range(5):
            for j in range(2):
                c.oval(27 + i * 9 + j, 82.5 + j * 7 - i * 0.75, 3.2, 2.4, look.accent, edge=darker(look.accent))


def _nineteen(c: Canvas, look: Look, x: float, y: float, size: float) -> None:
    """The age mark, on the products that carry it."""
    if look.values["age mark"] == "yes":
        round_mark(c, "19", x, y, size, _RED)


def adult_box(c: Canvas, look: Look) -> None:
    """Plain carton of the 19+ department."""
    left, top, right, bottom = _carton(
        c, look, wide=look.rng.uniform(18, 30), tall=look.rng.uniform(20, 32), depth=look.rng.uniform(8, 14)
    )
    middle = (left + right) / 2
    if "tape" in look.details:
        c.fill(box(middle - 3.5, top, middle + 3.5, bottom), lighter(look.base, 0.3), radius=0)
    if "label" in look.details:
        c.fill(box(left + 5, bottom - 18, left + 24, bottom - 6), _WHITE, radius=0.5)
        _lines_of_text(c, left + 14.5, bottom - 15, 7, 3, (90, 90, 96))
    if "band" in look.details:
        c.fill(box(left, top + 6, right, top + 12), look.accent, radius=0)
    _nineteen(c, look, right - look.rng.uniform(8, 10), top + look.rng.uniform(9, 22), look.rng.uniform(5, 8))


def adult_bottle(c: Canvas, look: Look) -> None:
    """Plain bottle of the 19+ department: cap, no picture on its label."""
    wide, top = look.rng.uniform(13, 18), look.rng.uniform(30, 38)
    c.fill(box(42.5, top - 14, 57.5, top + 1), look.accent, radius=2, edge=darker(look.accent))
    c.fill(
        mirror([(44, top), (50 - wide, top + look.rng.uniform(5, 14)), (50 - wide, 93)]),
        look.texture,
        radius=6,
        edge=look.edge,
    )
    if "label" in look.details:
        c.fill(box(50 - wide + 1, 58, 50 + wide - 1, 82), _WHITE, radius=0.5)
        _lines_of_text(c, 50, 76, wide * 0.55, 2, (90, 90, 96))
    if "band" in look.details:
        c.fill(box(50 - wide + 0.4, 84, 50 + wide - 0.4, 88), look.accent, radius=0)
    _nineteen(c, look, 50, 65, look.rng.uniform(5.5, 7.5))
    c.shade([(50 - wide + 4, top + 18), (50 - wide + 4, 90)], 0.3, width=3)


def adult_pouch(c: Canvas, look: Look) -> None:
    """Plain sealed pouch of the 19+ department."""
    wide, top, bottom = look.rng.uniform(23, 31), look.rng.uniform(14, 24), look.rng.uniform(84, 91)
    c.fill(
        mirror([(50 - wide, top), (50 - wide + 2, 50), (50 - wide - 1, bottom)]),
        look.texture,
        radius=2.5,
        edge=look.edge,
    )
    c.line([(50 - wide + 1, top + 7), (49 + wide, top + 7)], look.edge, 1)
    c.line([(50 - wide + 1, top + 9), (49 + wide, top + 9)], look.edge, 0.6)
    c.oval(50, top + 3.6, 1.8, 1.8, look.inside)
    if "label" in look.details:
        c.fill(box(36, 58, 64, 76), _WHITE, radius=1)
        _lines_of_text(c, 50, 62, 10, 4, (90, 90, 96))
    if "band" in look.details:
        c.fill(box(50 - wide + 1.5, bottom - 12, 48.5 + wide, bottom - 7), look.accent, radius=0)
    _nineteen(c, look, 50 + look.rng.uniform(-10, 10), look.rng.uniform(38, 46), look.rng.uniform(5.5, 8.5))
    for x in (-wide * 0.5, wide * 0.4):
        c.shade([(50 + x, top + 14), (50 + x * 0.8, bottom - 8)], look.rng.choice((-0.14, 0.16)), width=5)
