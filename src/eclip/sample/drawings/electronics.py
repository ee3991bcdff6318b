"""Electronics."""

from __future__ import annotations

from eclip.sample.drawings.canvas import Canvas, box, darker, lighter, mirror, mix, oval
from eclip.sample.drawings.marks import logo, star
from eclip.sample.drawings.paint import Look

_GLASS, _SILVER = (22, 24, 30), (198, 201, 206)


def _wallpaper(c: Canvas, look: Look, left: float, top: float, right: float, bottom: float) -> None:
    """What a screen shows: two bands of colour and a hill or a sun."""
    sky = mix(look.accent, (70, 120, 200), look.rng.uniform(0.2, 0.8))
    wide, tall = right - left, bottom - top
    c.fill(box(left, top, right, bottom), sky, radius=1)
    c.oval(
        left + wide * look.rng.uniform(0.25, 0.75),
        top + tall * 0.38,
        wide * 0.12,
        wide * 0.12,
        lighter(sky, 0.6),
    )
    ridge = [
        (left, bottom - tall * look.rng.uniform(0.2, 0.4)),
        (left + wide * look.rng.uniform(0.25, 0.45), bottom - tall * look.rng.uniform(0.35, 0.55)),
        (left + wide * 0.6, bottom - tall * 0.25),
        (right, bottom - tall * look.rng.uniform(0.3, 0.45)),
    ]
    c.fill([*ridge, (right, bottom), (left, bottom)], darker(sky, 0.4), radius=0.8)


def headphones(c: Canvas, look: Look) -> None:
    """Over-ear or on-ear headphones from the front."""
    big = look.values["style"] == "over-ear"
    wide, band = look.rng.uniform(28, 32), look.rng.uniform(4.5, 7.5)
    arch = oval(50, 52, wide, look.rng.uniform(38, 42), start=180, end=360)
    c.line(arch, darker(look.base, 0.3), band + 1)
    c.line(arch, look.base, band)
    c.line(oval(50, 54, wide - 1, 39, start=235, end=305), look.accent, band * 0.62)
    cup_x, cup_y = (9.5, 18.0) if big else (7.5, 12.5)
    for sign in (-1, 1):
        x = 50 + sign * wide
        c.fill(box(x - 1.6, 44, x + 1.6, 58), _SILVER, radius=0.5)
        c.fill(oval(x - sign * 6, 66, cup_x * 0.8, cup_y), (48, 48, 52), radius=0, edge=(30, 30, 32))
        c.fill(oval(x + sign * 1.5, 66, cup_x, cup_y * 0.94), look.texture, radius=0, edge=look.edge)
        c.fill(
            oval(x + sign * 2, 66, cup_x * 0.62, cup_y * 0.6),
            darker(look.base, 0.18),
            radius=0,
            edge=look.accent,
            edge_width=1.1,
        )
        logo(c, look, x + sign * 2, 66, 2.6)
    if "microphone" in look.details:
        c.line([(50 - wide, 78), (50 - wide + 6, 90), (44, 91)], (40, 40, 44), 1.8, radius=6)
        c.oval(45, 91, 3.4, 2.4, (40, 40, 44))
    if "cable" in look.details:
        c.line([(50 + wide, 84), (50 + wide - 6, 96), (62, 92), (52, 98)], (40, 40, 44), 1.3, radius=6)


def laptop(c: Canvas, look: Look) -> None:
    """Open notebook computer."""
    top, hinge = look.rng.uniform(17, 24), look.rng.uniform(64, 68)
    wide, lean = look.rng.uniform(34, 38), look.rng.uniform(5, 9)
    c.fill(box(50 - wide, top, 50 + wide, hinge), look.texture, radius=2.6, edge=look.edge)
    bezel = _GLASS if look.rng.random() < 0.7 else darker(look.base, 0.15)
    c.fill(box(50 - wide + 1.2, top + 1.2, 50 + wide - 1.2, hinge - 1), bezel, radius=1.8)
    _wallpaper(c, look, 50 - wide + 3.4, top + 4, 50 + wide - 3.4, hinge - 4)
    c.oval(50, top + 2.5, 0.6, 0.6, (90, 90, 96))
    front = hinge + look.rng.uniform(15, 19)
    base = [(50 - wide, hinge), (50 + wide, hinge), (50 + wide + lean, front), (50 - wide - lean, front)]
    c.fill(base, look.texture, radius=1.5, edge=look.edge)
    keys = lighter(_GLASS, 0.12) if sum(look.base) > 200 else (96, 97, 102)
    for row in range(4):
        y = hinge + 2 + row * 2.3
        reach = wide - 3 + row * 0.9
        for i in range(13):
            x = 50 - reach + 2 * reach * i / 13
            c.fill(box(x + 0.4, y, x + 2 * reach / 13 - 0.4, y + 1.7), keys, radius=0)
    c.fill(
        [(42, hinge + 12), (58, hinge + 12), (59, front - 1), (41, front - 1)],
        darker(look.base, 0.12),
        radius=0.6,
    )
    c.fill(
        [
            (50 - wide - lean, front),
            (50 + wide + lean, front),
            (50 + wide + lean - 2, front + 2.2),
            (52 - wide - lean, front + 2.2),
        ],
        darker(look.base, 0.35),
        radius=0.8,
    )


def smartphone(c: Canvas, look: Look) -> None:
    """Telephone: its back with the cameras, and its screen behind or alone."""
    wide, tall = look.rng.uniform(19, 22), look.rng.uniform(40, 44)
    both = look.values["view"] == "front and back"
    x = 39.0 if both else 50.0
    soft = look.rng.uniform(3, 7)
    if both or look.values["view"] == "front":
        fx = 64.0 if both else 50.0
        c.fill(
            box(fx - wide, 50 - tall, fx + wide, 50 + tall),
            darker(look.base, 0.25),
            radius=soft,
            edge=look.edge,
            edge_width=1,
        )
        c.fill(box(fx - wide + 1.4, 51.4 - tall, fx + wide - 1.4, 48.6 + tall), _GLASS, radius=soft)
        _wallpaper(c, look, fx - wide + 2.4, 53 - tall, fx + wide - 2.4, 47.5 + tall)
        c.oval(fx, 56 - tall, 1.4, 1.4, _GLASS)
        c.word("10:24", fx, 68 - tall, 7, (250, 250, 250))
        if not both:
            for i in range(4):
                c.fill(
                    box(fx - 15 + i * 8, 38 + tall, fx - 9 + i * 8, 44 + tall),
                    lighter(look.accent, 0.2 * i),
                    radius=1.5,
                )
            return
    c.fill(box(x - wide, 50 - tall, x + wide, 50 + tall), look.texture, radius=soft, edge=look.edge, edge_width=1)
    num = int(look.values["cameras"])
    left, top = x - wide + 3, 53 - tall
    cells = [(0, 0), (0, 1), (1, 0.5), (1, 1.5)][:num]
    c.fill(
        box(left, top, left + (19 if num > 2 else 10.5), top + (10.5 if num == 1 else 20)),
        darker(look.base, 0.14),
        radius=4,
        edge=look.edge,
    )
    for column, row in cells:
        lx, ly = left + 5.2 + column * 8.6, top + 5.2 + row * 9.4
        c.oval(lx, ly, 3.7, 3.7, _GLASS, edge=_SILVER, edge_width=0.8)
        c.oval(lx - 1, ly - 1, 1, 1, (96, 116, 150))
    logo(c, look, x, 52, 4, lighter(look.base, 0.35) if sum(look.base) < 420 else darker(look.base, 0.3))


def camera(c: Canvas, look: Look) -> None:
    """Camera from the front: body, lens, grip, flash."""
    top, bottom = look.rng.uniform(30, 34), look.rng.uniform(76, 80)
    x, size = look.rng.uniform(50, 56), look.rng.uniform(17, 21)
    hump = look.values["type"] == "mirrorless"
    if hump:
        c.fill(
            [(x - 14, top + 2), (x - 9, top - 10), (x + 9, top - 10), (x + 14, top + 2)],
            look.texture,
            radius=2,
            edge=look.edge,
        )
        c.fill(box(x - 7, top - 12, x + 7, top - 9.5), (60, 60, 64), radius=0.5)
    c.fill(box(16, top - 4, 24, top + 2), _SILVER, radius=1.5, edge=(110, 110, 114))
    c.fill(box(78, top - 3, 88, top + 2), (70, 70, 74), radius=1.5)
    c.fill(box(8, top, 92, bottom), look.texture, radius=5, edge=look.edge)
    c.fill(
        box(8, top + 11, 92, bottom - 7),
        darker(look.base, 0.45) if sum(look.base) > 200 else (66, 66, 70),
        radius=0.5,
    )
    c.fill(box(10, top + 2, 24, bottom - 2), darker(look.base, 0.3), radius=4, edge=look.edge)
    if not hump:
        c.fill(box(72, top + 2.5, 87, top + 9.5), (226, 232, 238), radius=1, edge=(90, 90, 94))
        c.fill(box(54, top + 3, 64, top + 8.5), _GLASS, radius=1)
    y = (top + bottom) / 2 + 2
    for reach, ink in (
        (1.0, (58, 58, 62)),
        (0.84, look.accent),
        (0.79, (34, 34, 38)),
        (0.6, (54, 55, 66)),
        (0.42, (18, 20, 34)),
    ):
        c.oval(x, y, size * reach, size * reach, ink)
    c.oval(x - size * 0.16, y - size * 0.16, size * 0.14, size * 0.14, (120, 138, 190))
    logo(c, look, 34 if not hump else x, top + 5 if not hump else top - 3, 2.4, (235, 235, 235))


def speaker(c: Canvas, look: Look) -> None:
    """Loudspeaker: upright box, or a lying cylinder."""
    if look.values["style"] == "portable":
        wide, tall = look.rng.uniform(35, 40), look.rng.uniform(17, 21)
        c.line([(80, 50 - tall), (92, 40 - tall), (94, 50), (86, 56)], look.accent, 1.8, radius=6)
        c.fill(box(50 - wide, 52 - tall, 50 + wide, 52 + tall), look.texture, radius=15, edge=look.edge)
        for sign in (-1, 1):
            c.fill(
                oval(50 + sign * (wide - 5), 52, 6, tall - 2),
                darker(look.base, 0.35),
                radius=0,
                edge=look.accent,
                edge_width=1.2,
            )
        for i in range(-5, 6):
            c.shade([(50 + i * 5, 54 - tall), (50 + i * 5, 50 + tall)], -0.15, width=1.4)
        logo(c, look, 50, 52, 7)
        return
    wide, tall = look.rng.uniform(22, 27), look.rng.uniform(38, 43)
    c.fill(box(50 - wide, 50 - tall, 50 + wide, 50 + tall), look.texture, radius=3, edge=look.edge)
    for y, size in ((50 + tall * 0.36, wide * 0.76), (50 - tall * 0.42, wide * look.rng.uniform(0.36, 0.5))):
        c.oval(50, y, size, size, (60, 60, 64), edge=look.accent, edge_width=1.2)
        c.oval(50, y, size * 0.78, size * 0.78, (34, 34, 38))
        c.oval(50, y, size * 0.3, size * 0.3, (84, 84, 90))
    logo(c, look, 50, 48 + tall, 1.6)


def controller(c: Canvas, look: Look) -> None:
    """Game controller: two grips, cross, four buttons, two sticks."""
    y = look.rng.uniform(34, 38)
    deep = look.rng.uniform(80, 86)
    c.fill(
        mirror([(30, y), (14, y + 6), (5, deep), (17, deep + 2), (34, y + 30)]),
        look.texture,
        radius=11,
        edge=look.edge,
    )
    c.fill(mirror([(36, y - 1), (38, y + 14)]), darker(look.base, 0.25), radius=3, edge=look.edge)
    dark = (46, 46, 50) if sum(look.base) > 240 else (120, 121, 126)
    cx, cy = 25.0, y + 13
    c.fill(box(cx - 2.2, cy - 6.5, cx + 2.2, cy + 6.5), dark, radius=0.8)
    c.fill(box(cx - 6.5, cy - 2.2, cx + 6.5, cy + 2.2), dark, radius=0.8)
    hues = (
        ((76, 164, 92), (206, 60, 60), (64, 112, 204), (232, 188, 60))
        if "coloured buttons" in look.details
        else (look.accent,) * 4
    )
    for (dx, dy), hue in zip(((0, 5), (5, 0), (-5, 0), (0, -5)), hues, strict=True):
        c.oval(75 + dx, cy + dy, 2.4, 2.4, hue, edge=darker(hue))
    for x in (38.5, 61.5):
        c.oval(x, y + 25, 6.4, 6.4, darker(dark, 0.3), edge=look.edge)
        c.oval(x, y + 24.4, 4.4, 4.4, dark)
    c.fill(star(50, y + 7, 3), look.accent, radius=0)
