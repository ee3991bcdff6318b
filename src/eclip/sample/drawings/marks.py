"""Logo marks and round labels: small signs that make two products of one kind differ."""

from __future__ import annotations

import math

from eclip.sample.drawings.canvas import Canvas, Colour, box, oval
from eclip.sample.drawings.paint import Look

NUM_MARKS = 10
_LETTERS = "ABEHKMNRSVXZ"


def star(x: float, y: float, size: float, *, points: int = 5) -> list[tuple[float, float]]:
    """Outline of a star about (x, y)."""
    out = []
    for i in range(2 * points):
        reach = size if i % 2 == 0 else size * 0.45
        turn = math.pi * i / points - math.pi / 2
        out.append((x + reach * math.cos(turn), y + reach * math.sin(turn)))
    return out


def logo(c: Canvas, look: Look, x: float, y: float, size: float, colour: Colour | None = None) -> None:
    """Draw the product's own mark about (x, y), `size` units from the middle to the rim."""
    ink, kind, s = colour or look.accent, look.mark % NUM_MARKS, size
    if kind == 0:
        c.oval(x, y, s, s, ink)
    elif kind == 1:
        c.fill([(x, y - s), (x + s, y + s), (x - s, y + s)], ink, radius=0)
    elif kind == 2:
        for i in (-1, 0, 1):
            c.fill(box(x - s, y + i * s * 0.7 - s * 0.2, x + s, y + i * s * 0.7 + s * 0.2), ink, radius=0)
    elif kind == 3:
        c.fill(star(x, y, s * 1.15), ink, radius=0)
    elif kind == 4:
        c.line([(x - s, y + s * 0.2), (x - s * 0.2, y + s * 0.7), (x + s * 1.1, y - s * 0.7)], ink, s * 0.4)
    elif kind == 5:
        c.line(oval(x, y, s, s), ink, s * 0.35)
    elif kind == 6:
        c.fill([(x, y - s), (x + s, y), (x, y + s), (x - s, y)], ink, radius=0)
    elif kind == 7:
        c.fill(box(x - s, y - s, x + s, y + s), ink, radius=s * 0.6)
    else:
        letters = _LETTERS[look.mark % len(_LETTERS)] + (_LETTERS[look.mark % 7] if kind == 9 else "")
        c.word(letters, x, y, s * 2, ink)


def round_mark(c: Canvas, text: str, x: float, y: float, size: float, ink: Colour) -> None:
    """A ring with a short text in it, as packages carry: an age, a content, a sun factor."""
    c.oval(x, y, size, size, (250, 250, 248), edge=ink, edge_width=size * 0.22)
    c.word(text, x, y + size * 0.05, size * (1.05 if len(text) < 3 else 0.75), ink)
