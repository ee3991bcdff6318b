"""The vectorised whole-feed functions against the plain loops that they replace."""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence

from eclip.products.duplicates.components import joint_codes, key_codes
from eclip.products.duplicates.exact import find_duplicates, placeholder_pictures


def plain_duplicates(contents: Sequence[Hashable], catalogs: Sequence[str | None]) -> list[int]:
    by_content: dict[Hashable, dict[str | None, int]] = {}
    originals = []
    for row, (content, catalog) in enumerate(zip(contents, catalogs, strict=True)):
        firsts = by_content.setdefault(content, {})
        if catalog not in firsts and catalog is None:
            firsts[None] = min(firsts.values(), default=row)
        elif catalog not in firsts:
            free = firsts.get(None)
            claimed = free is not None and any(f == free for name, f in firsts.items() if name is not None)
            firsts[catalog] = row if free is None or claimed else free
        originals.append(-1 if firsts[catalog] == row else firsts[catalog])
    return originals


def test_duplicates_equal_the_plain_loop() -> None:
    draw = random.Random(0)
    for _ in range(40):
        size = draw.randrange(60)
        titles, sellers, hashes, catalogs = (
            [draw.choice(values) for _ in range(size)]
            for values in (["p", "P", "q", None], ["a", None], ["1", "2", None], [None, None, "c", "d", "e"])
        )
        contents = [
            (t.casefold() if t else None, s, h) if s or h else ("of its own", row)
            for row, (t, s, h) in enumerate(zip(titles, sellers, hashes, strict=True))
        ]
        found, reasons = find_duplicates(titles, sellers, hashes, catalogs)
        assert found.tolist() == plain_duplicates(contents, catalogs)
        assert [reason is not None for reason in reasons] == [original >= 0 for original in found.tolist()]


def test_placeholders_equal_the_plain_count() -> None:
    draw = random.Random(1)
    hashes = [draw.choice(["1", "2", "3", None]) for _ in range(300)]
    products = [draw.choice([None, *range(40)]) for _ in range(300)]
    shown: dict[str, set[int]] = {}
    for image_hash, product in zip(hashes, products, strict=True):
        if image_hash is not None and product is not None:
            shown.setdefault(image_hash, set()).add(product)
    for at_least in (1, 25, max(len(s) for s in shown.values()), 50):
        expected = {image_hash for image_hash, of in shown.items() if len(of) >= at_least}
        assert placeholder_pictures(hashes, products, at_least=at_least) == expected


def test_codes_count_keys_of_any_kind_in_order() -> None:
    assert key_codes(["b", None, "a", "b"]).tolist() == [0, -1, 1, 0]
    assert key_codes(["b", 1, None, "b"]).tolist() == [0, 1, -1, 0]
    assert key_codes([None, None]).tolist() == [-1, -1]
    assert key_codes([]).tolist() == []
    joint = joint_codes([key_codes(["a", "a", "b", None]), key_codes([None, "x", None, None])]).tolist()
    assert len(set(joint)) == 4
