"""Bags and what one wears: caps, watches, sunglasses."""

from __future__ import annotations

from eclip.sample.drawings.canvas import Canvas, box, darker, lighter, mirror, mix, oval
from eclip.sample.drawings.marks import logo
from eclip.sample.drawings.paint import Look

_GOLD, _SILVER = (202, 164, 84), (196, 199, 204)


def backpack(c: Canvas, look: Look) -> None:
    """Rucksack from the front: body, front pocket, zips, handle, straps at the sides."""
    top, wide = look.rng.uniform(16, 20), look.rng.uniform(24, 29)
    bottom = look.rng.uniform(86, 91)
    for sign in (-1, 1):
        c.line(
            [(50 + sign * (wide - 3), top + 12), (50 + sign * (wide + 7), 45), (50 + sign * (wide + 2), 80)],
            darker(look.base, 0.35),
            4,
            radius=14,
        )
    c.line(oval(50, top - 1, 7, 8, start=180, end=360), darker(look.base, 0.35), 2.6)
    arch = look.rng.uniform(8, 20)
    c.fill(
        [(50 - wide, bottom), (50 - wide, top + 3), (50, top - 4), (50 + wide, top + 3), (50 + wide, bottom)],
        look.texture,
        radius=arch,
        edge=look.edge,
    )
    c.line(
        [
            (50 - wide + 4, 48),
            (50 - wide + 5, top + 9),
            (50, top + 3),
            (50 + wide - 5, top + 9),
            (50 + wide - 4, 48),
        ],
        look.edge,
        1.1,
        radius=12,
    )
    _front_pocket(c, look, wide, bottom)
    if "flap" in look.details:
        c.fill(
            mirror([(50 - wide + 1, top + 4), (50 - wide + 1, 44), (42, 49)]),
            look.texture,
            radius=5,
            edge=look.edge,
            edge_width=1,
        )
        for x in (40, 60):
            c.fill(box(x - 1.6, 40, x + 1.6, 57), (124, 82, 50), radius=0.5, edge=(80, 50, 30))
    logo(c, look, 50, 33, look.rng.uniform(3, 6), look.accent)
    if "side pockets" in look.details:
        for sign in (-1, 1):
            c.fill(
                box(50 + sign * wide - 5, 62, 50 + sign * wide + 5, bottom - 3),
                darker(look.base, 0.22),
                radius=3,
                edge=look.edge,
            )


def _front_pocket(c: Canvas, look: Look, wide: float, bottom: float) -> None:
    pocket, inset = look.rng.uniform(50, 57), look.rng.uniform(4, 8)
    front = look.accent if look.rng.random() < 0.45 else look.texture
    c.fill(
        box(50 - wide + inset, pocket, 50 + wide - inset, bottom - 4),
        front,
        radius=6,
        edge=look.edge,
        edge_width=1,
    )
    c.line([(50 - wide + inset + 3, pocket + 6), (50 + wide - inset - 3, pocket + 6)], (60, 60, 64), 1.2)
    c.line([(50 + wide - inset - 6, pocket + 6), (50 + wide - inset - 6, pocket + 11)], _SILVER, 1.3)


def handbag(c: Canvas, look: Look) -> None:
    """Handbag: handle, flap and clasp, shape."""
    top, bottom = look.rng.uniform(42, 50), look.rng.uniform(84, 90)
    upper, lower = look.rng.uniform(24, 32), look.rng.uniform(30, 38)
    handle, strap = look.values["handle"], darker(look.base, 0.2)
    if handle == "top handle":
        c.line(oval(50, top + 2, upper * 0.6, top - look.rng.uniform(14, 20), start=180, end=360), strap, 3.4)
    elif handle == "chain":
        arc = oval(50, top + 2, upper * 0.85, top - 9, start=180, end=360)
        for i, (x, y) in enumerate(arc):
            c.oval(x, y, 2.1, 1.5, _GOLD if i % 2 else darker(_GOLD, 0.25))
    else:
        c.line(
            [(50 - upper + 2, top + 3), (30, 12), (50, 5), (70, 12), (50 + upper - 2, top + 3)],
            strap,
            2.6,
            radius=18,
        )
    c.fill(
        mirror([(50 - upper, top), (50 - lower, bottom)]),
        look.texture,
        radius=look.rng.uniform(2, 8),
        edge=look.edge,
    )
    metal = _GOLD if look.mark % 2 else _SILVER
    if "flap" in look.details:
        deep = look.rng.uniform(18, 26)
        c.fill(
            mirror([(50 - upper - 0.6, top - 0.6), (50 - upper - 2, top + deep * 0.5), (38, top + deep)]),
            look.texture,
            radius=6,
            edge=look.edge,
            edge_width=1.1,
        )
        c.fill(box(46, top + deep - 4, 54, top + deep + 3), metal, radius=1.2, edge=darker(metal, 0.4))
    else:
        c.line([(50 - upper + 2, top + 3.5), (50 + upper - 2, top + 3.5)], look.edge, 1)
        logo(c, look, 50, (top + bottom) / 2, look.rng.uniform(4, 7), metal)
    if "quilted" in look.details:
        for i in range(-8, 9):
            c.shade([(50 + i * 8, top), (50 + i * 8 + 40, bottom)], -0.13, width=1.2)
            c.shade([(50 + i * 8, top), (50 + i * 8 - 40, bottom)], -0.13, width=1.2)
    if "charm" in look.details:
        c.line([(50 + upper - 4, top), (50 + upper, top + 14)], look.accent, 1)
        c.oval(50 + upper, top + 17, 4, 4, look.accent, edge=darker(look.accent))


def cap(c: Canvas, look: Look) -> None:
    """Cap, brim to the left, or bucket hat."""
    floor, tall = look.rng.uniform(64, 68), look.rng.uniform(36, 44)
    if look.values["style"] == "bucket hat":
        c.fill(
            mirror([(30, floor - tall), (25, floor - 10), (8, floor + 8), (22, floor + 12)]),
            look.texture,
            radius=7,
            edge=look.edge,
        )
        c.line([(25, floor - 8), (50, floor - 4), (75, floor - 8)], look.edge, 1.2, radius=10)
        logo(c, look, 50, floor - tall * 0.5, 5)
        return
    c.fill(
        [(34, floor - 4), (12, floor + 2), (3, floor + 11), (30, floor + 9), (56, floor + 4)],
        look.accent if look.rng.random() < 0.4 else darker(look.base, 0.12),
        radius=8,
        edge=look.edge,
    )
    c.fill(
        [
            (30, floor + 3),
            (29, floor - tall * 0.6),
            (58, floor - tall - 8),
            (92, floor - tall * 0.6),
            (92, floor + 2),
            (60, floor + 5),
        ],
        look.texture,
        radius=15,
        edge=look.edge,
    )
    for x in (44, 60, 76):
        c.line([(60, floor - tall + 1.5), (x, floor - 12), (x - 2, floor + 2)], look.edge, 0.6, radius=12)
    c.oval(60, floor - tall + 1, 2.6, 1.8, look.accent, edge=look.edge)
    logo(c, look, 45, floor - tall * 0.42, look.rng.uniform(5, 7.5), look.accent)


def watch(c: Canvas, look: Look) -> None:
    """Wristwatch: round or square case, hands or digits, strap."""
    size, strap = look.rng.uniform(19, 23), look.rng.uniform(9, 12)
    for top, bottom in ((3.0, 40.0), (60.0, 97.0)):
        c.fill(
            mirror([(50 - strap + 1.5, top), (50 - strap, (top + bottom) / 2), (50 - strap - 1, bottom)])
            if top < 50
            else mirror([(50 - strap - 1, top), (50 - strap + 1.5, bottom)]),
            look.texture,
            radius=3,
            edge=look.edge,
        )
        for i in range(5):
            y = top + 4 + i * 6
            if look.values["strap"] == "metal":
                c.line([(50 - strap, y), (50 + strap, y)], look.edge, 0.9)
            elif i < 3:
                c.oval(50, y + (0 if top < 50 else 14), 1.1, 1.1, look.inside)
    metal = (_GOLD, _SILVER, (60, 61, 66))[look.mark % 3]
    face = lighter(look.accent, 0.2)
    square = look.values["case"] == "square"
    shape = box(50 - size, 50 - size, 50 + size, 50 + size) if square else oval(50, 50, size, size)
    inner = box(53 - size, 53 - size, 47 + size, 47 + size) if square else oval(50, 50, size - 3.4, size - 3.4)
    c.fill(box(50 + size - 1, 47.5, 50 + size + 3.5, 52.5), metal, radius=1)
    c.fill(shape, metal, radius=6 if square else 0, edge=darker(metal, 0.4))
    dark = look.values["dial"] == "digital"
    c.fill(inner, (24, 26, 30) if dark else face, radius=4 if square else 0)
    if dark:
        c.word(f"{look.mark % 12 + 1}:{look.mark * 7 % 60:02d}", 50, 48, 11, (235, 245, 240))
        c.word("BPM 72", 50, 58, 4, look.accent)
        return
    ink = darker(face, 0.75) if sum(face) > 380 else (245, 245, 245)
    ticks, short = oval(50, 50, size - 6, size - 6), oval(50, 50, size - 7.5, size - 7.5)
    for i in range(0, 40, 10 if look.mark % 2 else 5):
        c.line([ticks[i], short[i]], ink, 1.1)
    hour, minute = oval(50, 50, size * 0.42, size * 0.42), oval(50, 50, size * 0.66, size * 0.66)
    c.line([(50, 50), hour[look.rng.randrange(40)]], ink, 1.7)
    c.line([(50, 50), minute[look.rng.randrange(40)]], ink, 1.1)


def sunglasses(c: Canvas, look: Look) -> None:
    """Sunglasses from the front: lens shape, frame, tint."""
    wide, tall = look.rng.uniform(16, 19), look.rng.uniform(11, 15)
    tint = mix((40, 40, 46), look.accent, look.rng.uniform(0.15, 0.5))
    frame, y = look.rng.uniform(1.8, 3.4), 48.0
    for sign in (-1, 1):
        c.line(
            [(50 + sign * 40, y - 6), (50 + sign * 46, y - 14), (50 + sign * 40, y - 22)],
            darker(look.base, 0.2),
            2.4,
            radius=5,
        )
    c.line([(40, y - 4), (50, y - 7), (60, y - 4)], look.base, frame, radius=5)
    for sign in (-1, 1):
        x = 50 + sign * (wide + 5)
        if look.values["lens"] == "round":
            rim = oval(x, y, tall + 2.5, tall + 2.5)
        elif look.values["lens"] == "cat-eye":
            rim = [
                (x - sign * wide, y - tall * 0.6),
                (x + sign * (wide + 4), y - tall - 5),
                (x + sign * wide * 0.8, y + tall * 0.6),
                (x, y + tall),
                (x - sign * wide * 0.8, y + tall * 0.6),
            ]
        elif look.values["lens"] == "aviator":
            rim = [
                (x - sign * wide, y - tall * 0.8),
                (x + sign * wide, y - tall),
                (x + sign * wide * 0.9, y + tall * 0.5),
                (x, y + tall * 1.35),
                (x - sign * wide * 0.8, y + tall * 0.3),
            ]
        else:
            rim = box(x - wide, y - tall, x + wide, y + tall)
        c.fill(rim, tint, radius=5 if look.values["lens"] != "round" else 0, edge=look.base, edge_width=frame)
        c.shade([(x - 8, y + 6), (x + 2, y - 8)], 0.6, width=3)
