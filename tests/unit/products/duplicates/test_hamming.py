from __future__ import annotations

import numpy as np
import pytest

from eclip.products.duplicates.hamming import Bands, near_neighbours, near_pairs


def drawn_hashes(radius: int, *, seed: int = 0) -> np.ndarray:
    """Hashes with copies just inside and outside the radius, and fifty blank pictures."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, 120, dtype=np.uint64)
    copies = hashes.copy()
    for row in range(len(copies)):
        for bit in rng.choice(64, rng.integers(0, radius + 3), replace=False):
            copies[row] ^= np.uint64(1) << np.uint64(bit)
    return rng.permutation(np.concatenate([hashes, copies, np.zeros(50, np.uint64)]))


def listed(blocks: object) -> list[tuple[int, int, int]]:
    return [
        pair
        for block in blocks  # type: ignore[attr-defined]
        for pair in zip(block.left.tolist(), block.right.tolist(), block.distance.tolist(), strict=True)
    ]


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 4, 7, 10, 16])
def test_pairs_equal_all_against_all(radius: int) -> None:
    hashes = drawn_hashes(radius)
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None, :])
    left, right = np.nonzero(np.triu(apart <= radius, 1))
    expected = set(zip(left.tolist(), right.tolist(), apart[left, right].tolist(), strict=True))
    for block_pairs in (7, 1 << 20):
        found = listed(near_pairs(hashes, radius, block_pairs=block_pairs))
        assert len(found) == len(set(found))
        assert set(found) == expected


@pytest.mark.parametrize("radius", [0, 3, 10])
def test_neighbours_equal_all_against_all(radius: int) -> None:
    hashes = drawn_hashes(radius)
    queries = np.concatenate([hashes[::3], drawn_hashes(radius, seed=1)[:20]])
    apart = np.bitwise_count(queries[:, None] ^ hashes[None, :])
    left, right = np.nonzero(apart <= radius)
    found = listed(near_neighbours(queries, hashes, radius, block_pairs=11))
    assert len(found) == len(set(found))
    assert set(found) == set(zip(left.tolist(), right.tolist(), apart[left, right].tolist(), strict=True))


def test_blocks_are_bounded_under_heavy_hashes() -> None:
    hashes = np.repeat(np.array([0, 3], dtype=np.uint64), 300)
    sizes = [len(block.left) for block in near_pairs(hashes, 2, block_pairs=1000)]
    assert sum(sizes) == 600 * 599 // 2
    assert max(sizes) <= 1000 + 300


def test_nothing_is_found_in_nothing() -> None:
    none = np.zeros(0, dtype=np.uint64)
    assert listed(near_pairs(none, 5)) == []
    assert listed(near_neighbours(none, none, 5)) == []


def test_bands_hold_the_pigeonhole_for_every_radius() -> None:
    for radius in range(32):
        bands = Bands.of(10**6, radius)
        assert sum(bands.widths) == 64
        assert sum(limit + 1 for limit in bands.limits) == radius + 1
        assert sorted(bands.sources.tolist()) == list(range(64))
    with pytest.raises(ValueError, match="radius is 32"):
        Bands.of(10, 32)
