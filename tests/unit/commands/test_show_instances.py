from __future__ import annotations

import json

from eclip.commands.show import show_hits
from eclip.search.instances.instance import Instance
from eclip.search.results import Hit

SHIRT = Hit(
    product_id="p1",
    title="Red shirt",
    category=["Apparel", "Shirts"],
    price=None,
    seller=None,
    score=0.75,
    row=0,
    same_product_ids=["p2"],
)
FOUND = [Instance(box=(1, 2, 30, 40), hits=[SHIRT], confidence=0.75)]


def test_products_of_a_photo_are_shown_with_their_place(capsys):
    show_hits(FOUND, as_json=False)
    printed = capsys.readouterr().out
    assert "1: 1,2 to 30,40 (0.75)" in printed
    assert "Red shirt" in printed


def test_products_of_a_photo_as_json(capsys):
    show_hits(FOUND, as_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["box"] == [1, 2, 30, 40]
    assert json.loads(line)["hits"][0]["product_id"] == "p1"
