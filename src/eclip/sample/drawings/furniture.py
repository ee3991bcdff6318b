"""Furniture and light."""

from __future__ import annotations

from eclip.sample.drawings.canvas import Canvas, box, darker, lighter, mirror, mix, oval
from eclip.sample.drawings.paint import Look

_OAK, _STEEL, _BLACK = (186, 142, 92), (150, 153, 158), (52, 52, 56)


def chair(c: Canvas, look: Look) -> None:
    """Chair seen a little from the side: back, seat, legs, arms."""
    leg = (_OAK, _BLACK, _STEEL)[look.mark % 3]
    thick, seat = look.rng.uniform(2.2, 3.6), look.rng.uniform(56, 60)
    top, wide = look.rng.uniform(8, 16), look.rng.uniform(19, 23)
    if look.values["base"] == "swivel":
        c.fill(box(47.5, seat + 4, 52.5, 84), _STEEL, radius=1)
        for x in (26, 38, 62, 74):
            c.line([(50, 83), (x, 91)], _BLACK, 3)
            c.oval(x, 93, 3, 3, _BLACK)
    else:
        for x0, x1, y in (
            (-wide + 4, -wide + 4, 84),
            (wide - 2, wide + 3, 84),
            (-wide, -wide - 4, 95),
            (wide - 6, wide - 4, 95),
        ):
            c.line([(50 + x0, seat + 3), (50 + x1, y)], leg if y > 90 else darker(leg, 0.25), thick)
    _chair_back(c, look, top=top, seat=seat, wide=wide)
    c.fill(
        [(50 - wide, seat), (50 + wide - 3, seat - 2), (50 + wide + 2, seat + 5), (50 - wide - 3, seat + 8)],
        look.texture,
        radius=3,
        edge=look.edge,
    )
    c.shade([(50 - wide, seat + 6), (50 + wide, seat + 3)], -0.25, width=2.5)
    if "arms" in look.details:
        for sign in (-1, 1):
            c.line(
                [
                    (50 + sign * (wide - 1), 40),
                    (50 + sign * (wide + 5), 42),
                    (50 + sign * (wide + 3), seat + 3),
                ],
                leg,
                3,
                radius=4,
            )


def _chair_back(c: Canvas, look: Look, *, top: float, seat: float, wide: float) -> None:
    style = look.values["back"]
    if style == "slats":
        for x in (-wide + 5, -wide / 2 + 3, 1.0, wide / 2, wide - 3):
            c.line([(50 + x, seat), (50 + x, top + 3)], look.base, 2.3)
        c.fill(box(50 - wide + 2, top, 50 + wide - 1, top + 7), look.texture, radius=2.5, edge=look.edge)
    elif style == "open":
        c.line(
            [(50 - wide + 4, seat), (50 - wide + 3, top), (50 + wide - 3, top), (50 + wide - 4, seat)],
            look.base,
            4,
            radius=10,
        )
        c.fill(box(50 - wide + 4, top + 10, 50 + wide - 4, top + 22), look.texture, radius=3, edge=look.edge)
    else:
        c.fill(
            box(50 - wide + 1, top, 50 + wide - 1, seat + 2),
            look.texture,
            radius=look.rng.uniform(4, 16),
            edge=look.edge,
        )
        if "buttons" in look.details:
            for x in (-8.0, 0.0, 8.0):
                for y in (top + 14, top + 26):
                    c.oval(50 + x, y, 1.1, 1.1, look.inside)


def sofa(c: Canvas, look: Look) -> None:
    """Sofa from the front: seats, arms, legs, cushions."""
    seats = int(look.values["seats"])
    wide = {1: 27.0, 2: 37.0, 3: 45.0}[seats] + look.rng.uniform(-1.5, 1.5)
    back, seat, floor = look.rng.uniform(30, 36), look.rng.uniform(54, 58), look.rng.uniform(76, 79)
    arm, soft = look.rng.uniform(5, 8), look.rng.uniform(3, 7)
    leg = (_OAK, _BLACK, _STEEL)[look.mark % 3]
    for x in (-wide + 4, wide - 4):
        c.line([(50 + x, floor - 2), (50 + x * 1.02, floor + look.rng.uniform(6, 9))], leg, 2.6)
    c.fill(box(50 - wide + 2, back, 50 + wide - 2, floor - 4), look.texture, radius=soft, edge=look.edge)
    each = 2 * (wide - arm) / seats
    for i in range(seats):
        x = 50 - wide + arm + i * each
        c.fill(box(x, back + 3, x + each, seat + 4), look.texture, radius=3.5, edge=look.edge)
        c.fill(box(x, seat, x + each, seat + 9), look.texture, radius=3, edge=look.edge)
        c.shade([(x + 3, seat + 1), (x + each - 3, seat + 1)], 0.14, width=2)
        c.shade([(x + 2, seat - 2), (x + each - 2, seat - 2)], -0.3, width=2)
    c.fill(box(50 - wide + 1, seat + 8, 50 + wide - 1, floor), look.texture, radius=2, edge=look.edge)
    arm_top = seat - look.rng.uniform(4, 9)
    for sign in (-1, 1):
        x = 50 + sign * (wide - arm / 2)
        c.fill(box(x - arm / 2 - 1, arm_top, x + arm / 2 + 1, floor), look.texture, radius=soft, edge=look.edge)
    if "cushions" in look.details:
        for x in (50 - wide + arm + 8, 50 + wide - arm - 8)[: 1 if seats == 1 else 2]:
            c.fill(
                [(x - 7, seat - 13), (x + 6, seat - 14), (x + 8, seat - 1), (x - 8, seat)],
                look.accent,
                radius=3,
                edge=darker(look.accent),
            )


def wardrobe(c: Canvas, look: Look) -> None:
    """Wardrobe or cupboard: number of doors, drawers, handles."""
    doors = int(look.values["doors"])
    wide = {1: 15.0, 2: 24.0, 3: 33.0, 4: 41.0}[doors] + look.rng.uniform(-2, 2)
    top, floor = look.rng.uniform(7, 14), 92.0
    c.fill(box(50 - wide, top, 50 + wide, floor), look.texture, radius=0.8, edge=look.edge)
    c.fill(box(49 - wide, top - 2.5, 51 + wide, top + 1.5), look.texture, radius=0.6, edge=look.edge)
    for x in (-wide + 2, wide - 5):
        c.fill(box(50 + x, floor, 53 + x, floor + 4), darker(look.base, 0.4), radius=0)
    low = floor - (look.rng.uniform(15, 20) if "drawers" in look.details else 2)
    metal = look.accent if look.mark % 2 else _STEEL
    each = 2 * (wide - 1.5) / doors
    for i in range(doors):
        x = 51.5 - wide + i * each
        c.fill(
            box(x + 0.4, top + 3, x + each - 0.4, low - 0.8),
            look.texture,
            radius=0.4,
            edge=look.edge,
            edge_width=0.9,
        )
        if "panels" in look.details:
            for y0, y1 in ((top + 7, (top + low) / 2 - 2), ((top + low) / 2 + 2, low - 5)):
                c.fill(box(x + 3, y0, x + each - 3, y1), look.texture, radius=0.4, edge=look.edge, edge_width=0.6)
                c.shade([(x + 3, y1), (x + 3, y0), (x + each - 3, y0)], -0.25, width=1.2)
        if "mirror" in look.details and i == doors // 2:
            c.fill(box(x + 2.6, top + 6, x + each - 2.6, low - 4), (206, 222, 232), radius=0.5, edge=_STEEL)
        knob = x + each - 2.2 if i % 2 == 0 else x + 2.2
        middle = (top + low) / 2 + 2
        c.line([(knob, middle - 4), (knob, middle + 4)], metal, 1.2)
    if "drawers" in look.details:
        for i in range(max(1, doors // 2)):
            w = 2 * (wide - 1.5) / max(1, doors // 2)
            x = 51.5 - wide + i * w
            c.fill(
                box(x + 0.4, low, x + w - 0.4, floor - 1.5),
                look.texture,
                radius=0.4,
                edge=look.edge,
                edge_width=0.9,
            )
            c.line([(x + w / 2 - 4, (low + floor) / 2), (x + w / 2 + 4, (low + floor) / 2)], metal, 1.2)


def lamp(c: Canvas, look: Look) -> None:
    """Table lamp: shade and foot."""
    metal = (_OAK, _BLACK, (196, 160, 86), _STEEL)[look.mark % 4]
    shade, floor, x = look.values["shade"], 92.0, 50.0
    low = look.rng.uniform(44, 52)
    glow = mix(look.base, (255, 240, 200), 0.25)
    foot = look.rng.uniform(12, 19)
    if "ceramic foot" in look.details:
        c.fill(
            mirror([(46, low), (39, 66), (38, 80), (43, floor)]),
            look.accent,
            radius=8,
            edge=darker(look.accent),
        )
    else:
        c.fill(box(48.4, low - 4, 51.6, floor - 2), metal, radius=0.5, edge=darker(metal))
    c.fill(oval(x, floor - 1.5, foot, 3.6), metal, radius=0, edge=darker(metal))
    top, wide = look.rng.uniform(8, 14), look.rng.uniform(24, 31)
    if shade == "globe":
        size = (low - top) / 2 + 1
        c.oval(x, (top + low) / 2, size, size, look.texture, edge=look.edge)
        c.shade(oval(x, (top + low) / 2, size * 0.45, size * 0.45), 0.4)
        return
    upper = {"cone": wide * 0.42, "drum": wide * 0.92, "dome": wide * 0.55}[shade]
    soft = 12 if shade == "dome" else 1.2
    c.fill(
        [(x - upper, top), (x + upper, top), (x + wide, low), (x - wide, low)],
        look.texture,
        radius=soft,
        edge=look.edge,
    )
    c.fill(oval(x, low, wide * 0.98, 3), lighter(glow, 0.55), radius=0, edge=look.edge)
    c.shade([(x - upper * 0.2, top + 4), (x - wide * 0.2, low - 4)], 0.3, width=10)
    if "pull cord" in look.details:
        c.line([(x + wide * 0.5, low), (x + wide * 0.5, low + 14)], _STEEL, 0.6)
        c.oval(x + wide * 0.5, low + 15, 1.4, 1.4, metal)


def table(c: Canvas, look: Look) -> None:
    """Table: round or square top, legs, shelf."""
    top, floor = look.rng.uniform(36, 46), 88.0
    wide, thick = look.rng.uniform(36, 44), look.rng.uniform(3, 5)
    leg = look.accent if look.mark % 2 else darker(look.base, 0.25)
    if look.values["legs"] == "pedestal":
        c.fill(
            mirror([(47, top), (46, floor - 6), (32, floor), (32, floor + 2)]),
            leg,
            radius=2,
            edge=darker(leg),
        )
    else:
        cross = look.values["legs"] == "crossed"
        for sign in (-1, 1):
            end = -sign if cross else sign * 1.08
            c.line(
                [(50 + sign * wide * 0.82, top + 4), (50 + end * wide * 0.82, floor + 2)],
                leg,
                look.rng.uniform(2.4, 3.2),
            )
            if not cross:
                c.line(
                    [(50 + sign * wide * 0.6, top + 4), (50 + sign * wide * 0.62, floor - 7)],
                    darker(leg, 0.3),
                    2.2,
                )
    if "shelf" in look.details and look.values["legs"] == "four":
        c.fill(box(50 - wide * 0.8, 70, 50 + wide * 0.8, 73), look.texture, radius=0.6, edge=look.edge)
    if look.values["top"] == "round":
        c.fill(oval(50, top + thick, wide, 9.5), darker(look.base, 0.3), radius=0)
        c.fill(oval(50, top, wide, 9.5), look.texture, radius=0, edge=look.edge)
    else:
        c.fill(
            [
                (50 - wide * 0.84, top - 8),
                (50 + wide * 0.84, top - 8),
                (50 + wide, top + 4),
                (50 - wide, top + 4),
            ],
            look.texture,
            radius=0.6,
            edge=look.edge,
        )
        c.fill(
            box(50 - wide, top + 4, 50 + wide, top + 4 + thick),
            darker(look.base, 0.25),
            radius=0.5,
            edge=look.edge,
        )
    if "vase" in look.details:
        c.line([(52, top - 12), (49, top - 24)], (86, 140, 80), 1)
        c.oval(49, top - 26, 3.6, 3.6, (226, 110, 120))
        c.fill(
            [(48, top - 13), (55, top - 13), (57, top - 3), (46, top - 3)],
            look.accent,
            radius=2.5,
            edge=darker(look.accent),
        )
