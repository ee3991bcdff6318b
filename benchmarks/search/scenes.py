"""How many of a cluttered photo's products are found: by the whole photo, a grid of windows, and proposed regions.

    eclip sample shop --products 2500 --sellers 30 --seed 0 && eclip prepare shop/feed.csv --store STORE
    eclip train STORE --out MODEL --recipe locked && eclip embed STORE --model MODEL
    python -m benchmarks.search.scenes STORE MODEL --drawn 2500 30 0     products drawn anew on drawn clutter
    python -m benchmarks.search.scenes STORE MODEL                       the store's own pictures on real photos

With `--drawn` (what the sample shop was drawn with) a product is right if any listing of the same true product is hit;
without it, the product whose picture was pasted. `truth` is given the boxes: what no choice of regions can much better.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
from benchmarks.search.cutouts import real_ground, store_cutouts
from benchmarks.search.drawn_scenes import MOST_PRODUCTS, Cutout, Scene, cluttered_ground, paste_scene
from benchmarks.search.shown_scenes import show_scene
from PIL import Image

from eclip.metrics import average_precision
from eclip.model.folder import load_model
from eclip.products.store import Store
from eclip.sample.goods import make_products
from eclip.sample.listings import make_sellers
from eclip.sample.noise import BACKGROUNDS
from eclip.sample.plan import Shares, plan_listings
from eclip.sample.shapes import draw_product
from eclip.search.engine import SearchEngine
from eclip.search.instances.boxes import Boxes, overlaps
from eclip.search.instances.finder import MAX_INSTANCES, search_regions
from eclip.search.instances.merging import Finding, merged_findings
from eclip.search.instances.regions import propose_regions
from eclip.search.query import Query
from eclip.search.results import Hit

_SPOILED = {"no_image", "broken_image", "mismatched"}
_TOP_K = 5

KeysOf = Callable[[Hit], set[str]]
CategoryOf = Callable[[str], list[str] | None]
Propose = Callable[[Scene], Boxes]


def main() -> None:
    """Print a table, a line for each way of choosing regions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--drawn", type=int, nargs=3, metavar=("PRODUCTS", "SELLERS", "SEED"))
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=Path, help="folder for pictures of the scenes with what was found")
    given = parser.parse_args()
    store, model = Store.open(given.store), load_model(given.model)
    engine = SearchEngine(store, model)
    if given.drawn:
        cutouts, keys_of, category_of = _drawn_cutouts(*given.drawn, rng=Random(given.seed))
        ground = cluttered_ground
    else:
        cutouts, keys_of, ground = store_cutouts(store, Random(given.seed)), _listings_of, real_ground
        table = store.table(["product_id", "category"])
        category_of = dict(zip(*(column.to_pylist() for column in table.columns), strict=True)).__getitem__
    scenes = list(islice(_scenes(cutouts, ground, given.seed), given.scenes))
    num_products = sum(len(scene.truth) for scene in scenes)
    print(f"{len(scenes)} scenes, {num_products} products, {engine.num_groups} products in the store")
    print(f"{'regions':10}{'number':>8}{'top-1':>8}{'top-5':>8}{'located':>9}{'kind':>8}{'ranked':>8}{'seconds':>9}")
    for name, propose in _PROPOSALS.items():
        found = [_answer(scene, propose, engine) for scene in scenes]
        print(f"{name:10}" + _line(scenes, found, keys_of, category_of), flush=True)
        if given.show and name == "proposed":
            given.show.mkdir(parents=True, exist_ok=True)
            for number, (scene, (kept, _, _)) in enumerate(zip(scenes, found, strict=True)):
                show_scene(scene, kept, engine, keys_of).save(given.show / f"scene-{number:03}.png")


def _line(
    scenes: list[Scene], found: list[tuple[list[Finding], int, float]], keys_of: KeysOf, category_of: CategoryOf
) -> str:
    """Means over products, then over answers.

    Of products: found first, or among the first five, of any answer; place of any answer right; category of what the
    surest answer of that place found right. Of answers: average precision of their scores as to whether what was
    found is in the photo.
    """
    first, five, located, kind, right, scores = [], [], [], [], [], []
    for scene, (kept, _, _) in zip(scenes, found, strict=True):
        boxes = np.array([each.box for each in kept])
        there = {key for key, _ in scene.truth}
        for key, box in scene.truth:
            first.append(any(key in keys_of(each.hits[0]) for each in kept))
            five.append(any(key in keys_of(hit) for each in kept for hit in each.hits))
            there_too = np.flatnonzero(overlaps(np.array([box], dtype=np.float64), boxes)[0] > 0.5)
            located.append(len(there_too) > 0)
            kind.append(located[-1] and kept[there_too[0]].hits[0].category == category_of(key))
        right += [bool(keys_of(each.hits[0]) & there) for each in kept]
        scores += [each.score for each in kept]
    ranked = average_precision(np.array(right), np.array(scores)) if any(right) else 0.0
    num_regions = [number for _, number, _ in found]
    numbers = [np.mean(each) for each in (num_regions, first, five, located, kind)]
    seconds = np.mean([each for _, _, each in found])
    return "{:8.1f}{:8.3f}{:8.3f}{:9.3f}{:8.3f}{:8.3f}{:9.2f}".format(*numbers, ranked, seconds)


def _answer(scene: Scene, propose: Propose, engine: SearchEngine) -> tuple[list[Finding], int, float]:
    """What is answered, from how many regions, in how many seconds of a processor."""
    started = time.process_time()
    boxes = propose(scene)
    query = Query(image=b"scene", top_k=_TOP_K, ranking="vectors")
    findings = search_regions(scene.picture, boxes, query, engine, engine.encoder)
    return merged_findings(findings, max_findings=MAX_INSTANCES), len(boxes), time.process_time() - started


def _whole(scene: Scene) -> Boxes:
    return np.array([[0, 0, *scene.picture.size]], dtype=np.float64)


def _grid(scene: Scene) -> Boxes:
    """Square windows of .7, .5 and .35 of the short side that overlap by a half; about as many as regions proposed."""
    boxes = [tuple(map(float, _whole(scene)[0]))]
    for share in (0.7, 0.5, 0.35):
        side = share * min(scene.picture.size)
        steps = [
            np.linspace(0, most - side, int(np.ceil((most - side) / (side / 2))) + 1) for most in scene.picture.size
        ]
        boxes += [(x, y, x + side, y + side) for y in steps[1] for x in steps[0]]
    return np.array(boxes)


_PROPOSALS: dict[str, Propose] = {
    "whole": _whole,
    "grid": _grid,
    "proposed": lambda scene: propose_regions(scene.picture),
    "truth": lambda scene: np.concatenate([_whole(scene), [box for _, box in scene.truth]]).astype(np.float64),
}


def _scenes(
    cutouts: Iterator[tuple[str, Cutout]], ground: Callable[[Random], Image.Image], seed: int
) -> Iterator[Scene]:
    for number in range(1_000_000):
        rng = Random(f"{seed}:{number}")
        chosen = list(islice(cutouts, rng.randint(1, MOST_PRODUCTS)))
        if not chosen:
            return
        yield paste_scene(ground(rng), chosen, rng)


def _drawn_cutouts(
    num_products: int, num_sellers: int, seed: int, *, rng: Random
) -> tuple[Iterator[tuple[str, Cutout]], KeysOf, CategoryOf]:
    """Products of a sample shop that some listing shows, drawn anew; of a hit, the true product; its true category."""
    products = make_products(num_products, seed=seed)
    sellers = make_sellers(num_sellers, BACKGROUNDS, seed=seed)
    listings = plan_listings(products, sellers, seed=seed, shares=Shares())
    key_of = {listing.product_id: listing.product.key for listing in listings}
    shown = {listing.product.key for listing in listings if not _SPOILED & set(listing.defects)}
    some = [product for product in products if product.key in shown]
    rng.shuffle(some)
    drawings = ((product.key, draw_product(product, seed=seed)) for product in some)
    cropped = ((key, drawing.crop(drawing.getchannel("A").getbbox())) for key, drawing in drawings)
    category_of = {product.key: list(product.leaf.path) for product in products}.__getitem__
    return cropped, lambda hit: {key_of[hit.product_id]}, category_of


def _listings_of(hit: Hit) -> set[str]:
    return {hit.product_id, *hit.same_product_ids}


if __name__ == "__main__":
    main()
