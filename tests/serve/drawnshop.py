"""A drawn shop with made-up vectors, served over HTTP: what the tests in a browser look at."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import uvicorn
from PIL import Image

from eclip.products.corrections import add_corrections
from eclip.products.prepare import prepare_store
from eclip.products.store import Store
from eclip.sample.shop import draw_shop
from eclip.schema import STORE_MANIFEST
from eclip.search.engine import SearchEngine
from eclip.serve.app import create_app
from eclip.serve.desk import Desk
from eclip.serve.listings import Judgement
from eclip.serve.live import Live, Snapshot
from eclip.tasks.corrections.fields import corrections_table
from eclip.vectors import vectors_to_arrow

HARM = '<img src=x onerror="window.wasHarmed=true">'
HOSTILE_ID = "odd/1?한"
PATCHES = 4  # a picture is its colours in so many times so many patches
WORDS = 96  # numbers that words are spread over


class PlainEncoder:
    """Colours of a picture, words of a title: nothing learned, but alike things lie near each other."""

    digest = "plain"

    def encode_text(self, texts):
        rows = np.full((len(texts), 3 * PATCHES**2 + WORDS), np.nan, np.float32)
        for row, text in enumerate(texts):
            words = re.findall(r"\w+", (text or "").lower())
            if words:
                rows[row] = 0
            for word in words:
                place = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4]) % WORDS
                rows[row, 3 * PATCHES**2 + place] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def encode_image(self, images):
        rows = np.full((len(images), 3 * PATCHES**2 + WORDS), np.nan, np.float32)
        for row, image in enumerate(images):
            try:
                small = Image.open(io.BytesIO(image)).convert("RGB").resize((PATCHES, PATCHES))
            except (OSError, TypeError):
                continue
            rows[row] = 0
            rows[row, : 3 * PATCHES**2] = np.asarray(small, np.float32).ravel() / 255 - 0.4
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class MadeUpAnswers:
    """Answers of tasks that were never fitted: each listing's category, in doubt."""

    not_fitted = ("attributes",)
    can_match = True

    def __init__(self, store):
        self.answerers = self
        table = store.table(["product_id", "category"]).to_pylist()
        self.leaves = sorted({" > ".join(row["category"]) for row in table if row["category"]})
        self.rows = {row["product_id"]: self._row(number, row) for number, row in enumerate(table)}

    def _row(self, number, row):
        own = " > ".join(row["category"] or [self.leaves[0]])
        other = self.leaves[number % len(self.leaves)]
        other = other if other != own else self.leaves[number % len(self.leaves) - 1]
        return {
            "product_id": row["product_id"],
            "category": own.split(" > "),
            "category_confidence": 0.5,
            "category_leaves": {own: 0.5, other: 0.5 - (number + 1) / 10_000},
            "category_unknown": False,
            "adult_probability": 0.1,
            "policy": None,
            "policy_reason": None,
        } | dict.fromkeys(("attributes", "attribute_confidences", "attribute_sources", "attribute_conflicts"))

    def of_store(self, product_id):
        return self.rows.get(product_id)

    def all_of_store(self, product_ids):
        return [self.rows[each] for each in product_ids]

    def judge_offers(self, product_id, others):
        return {each: Judgement(0.6, True, "the same barcode") for each in others}


class ShopOnDisk:
    """The newest version of a store, as `eclip serve` opens it, with the encoder above."""

    def __init__(self, folder):
        self.folder = folder

    def fingerprint(self):
        return (self.folder / STORE_MANIFEST).read_text(encoding="utf-8")

    def open(self, before):
        store = Store.open(self.folder)
        answers = before.listings if before else MadeUpAnswers(store)
        return Snapshot(engine=SearchEngine(store, PlainEncoder()), store=store, listings=answers)


def make_store(folder: Path) -> Path:
    """A store of a small drawn shop with a listing that means harm, and vectors beside its products."""
    draw_shop(folder / "shop", num_products=40, num_sellers=5, seed=4)
    feed = folder / "shop" / "feed.csv"
    with feed.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    harm = dict.fromkeys(rows[0], "") | {"product_id": HOSTILE_ID, "title": f"{HARM} Vase"}
    with feed.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([harm, *rows])
    prepare_store(feed, folder / "store", images=None, columns="", category_separator=None)
    store, encoder = Store.open(folder / "store"), PlainEncoder()
    pictures = encoder.encode_image(store.images(range(store.num_rows)))
    titles = encoder.encode_text(store.table(["title"])["title"].to_pylist())
    both = np.nan_to_num(pictures) + np.nan_to_num(titles)
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    names = ("image_embedding", "text_embedding", "product_embedding")
    vectors = {name: vectors_to_arrow(rows) for name, rows in zip(names, (pictures, titles, both), strict=True)}
    store.write_vectors(
        pa.table({"product_id": store.table(["product_id"])["product_id"], **vectors}), model_digest="plain"
    )
    # Cleaning takes markup out of feeds; what people write comes as it is.
    said = {"product_id": HOSTILE_ID, "field": "attributes.note", "value": HARM}
    add_corrections(store, corrections_table([said]))
    return folder / "store"


@contextmanager
def served(store: Path) -> Iterator[str]:
    """The address of a service over this store, which takes corrections."""
    desk = Desk(live=Live.of(ShopOnDisk(store)))
    app = create_app(desk, allow_corrections=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)
