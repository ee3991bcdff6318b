"""GET /map: a few thousand products on a plane, near each other where they look and read alike.

At first the plane is that of the two principal components, which takes a moment. Products that differ much lie over
each other there, so t-SNE (van der Maaten and Hinton 2008, with Barnes-Hut trees) draws a better one meanwhile, in a
thread of its own and of some products; the others go to the place of their nearest ones among these.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, HTTPException

from eclip.products.store import Store
from eclip.schema import EMBEDDING_COLUMNS
from eclip.search.corrected import corrected_table
from eclip.search.listings import product_groups
from eclip.search.spaces import Spaces
from eclip.serve.desk import Desk
from eclip.serve.live import Snapshot
from eclip.serve.reviewschemas import MapAnswer, MapPoint

MAX_POINTS = 5_000
MAX_LANDMARKS = 2_000  # drawn by t-SNE: 4 seconds of one core
NUM_COMPONENTS = 32  # of the vectors, before t-SNE
NUM_NEAREST = 3  # landmarks that place another product
PERPLEXITY = 30.0
MAX_ITERATIONS = 500
SEED = 0

Method = Literal["pca", "tsne"]
Matrix = npt.NDArray[np.float32]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drawn:
    """The products of the map.

    Attributes:
        product_ids: [N], evenly over the store.
        vectors: Unit rows [N, D].
    """

    product_ids: list[str]
    vectors: Matrix


class MapDrawer(Protocol):
    """Places vectors [N, D] on a plane [N, 2]."""

    def __call__(self, vectors: Matrix, /) -> Matrix:
        """The places."""


def map_routes(desk: Desk) -> APIRouter:
    """The route of the map."""
    router = APIRouter(tags=["map"])
    shop_map = ShopMap()

    @router.get("/map")
    async def embedding_map() -> MapAnswer:
        """At most 5,000 products, evenly drawn, where alike ones lie near each other."""
        return await desk.ask(desk.reads, shop_map.answer)

    return router


class ShopMap:
    """The map of the store that is served; drawn when it is first asked for, and anew when the vectors are others."""

    def __init__(self, *, draw_better: MapDrawer | None = None) -> None:
        self._draw_better = draw_better or neighbour_places
        self._lock = threading.Lock()
        self._of: tuple[str, str | None] | None = None
        self._drawn = Drawn([], np.empty((0, 0), np.float32))
        self._places: Matrix = np.empty((0, 2), np.float32)
        self._method: Method = "pca"
        self._final = False

    def answer(self, snapshot: Snapshot) -> MapAnswer:
        """The map with the titles and categories of now.

        Raises:
            HTTPException: 404 where there is no store to draw.
        """
        store = snapshot.store
        if store is None:
            raise HTTPException(404, "no store is served here, so there is no map")
        with self._lock:
            if self._of != (store.digest, store.vectors_digest):
                self._begin(store)
            drawn, places, method, final = self._drawn, self._places, self._method, self._final
        return MapAnswer(method=method, final=final, points=_points(store, drawn, places))

    def _begin(self, store: Store) -> None:
        self._of = (store.digest, store.vectors_digest)
        self._drawn = evenly_drawn(store)
        self._places, self._method, self._final = principal_components(self._drawn.vectors, 2), "pca", False
        threading.Thread(target=self._improve, args=(self._of, self._drawn), daemon=True, name="serve-map").start()

    def _improve(self, of: tuple[str, str | None], drawn: Drawn) -> None:
        try:
            places = self._draw_better(drawn.vectors)
        except Exception:  # the plain map stays: no visitor should lose it to a numerical accident
            _log.exception("the better map could not be drawn")
            places = None
        with self._lock:
            if self._of != of:
                return  # another store is served meanwhile
            if places is not None:
                self._places, self._method = places, "tsne"
            self._final = True


def evenly_drawn(store: Store, *, most: int = MAX_POINTS) -> Drawn:
    """At most so many products with vectors, one listing of each, in even steps over the store."""
    table = store.table(["product_id", "catalog_id", "duplicate_of"]).combine_chunks()
    _, firsts = np.unique(product_groups(table), return_index=True)
    rows = np.sort(firsts)
    if len(rows) > most:
        rows = rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
    wanted = table.column("product_id").take(rows).to_pylist()
    found = store.products(wanted, ["product_id", *EMBEDDING_COLUMNS[:2]])
    vectors = Spaces.of(found).products
    whole = np.isfinite(vectors).all(axis=1)
    ids = found.column("product_id").to_pylist()
    return Drawn([ids[row] for row in np.flatnonzero(whole)], vectors[whole])


def principal_components(vectors: Matrix, count: int) -> Matrix:
    """The first principal components [N, count] of rows [N, D]; zeros where there are fewer."""
    centred = vectors - vectors.mean(axis=0, keepdims=True) if len(vectors) else vectors
    places = np.zeros((len(vectors), count), np.float32)
    if len(vectors) > 1:
        _, directions = np.linalg.eigh(centred.T @ centred)  # ascending
        kept = min(count, directions.shape[1])
        places[:, :kept] = centred @ directions[:, ::-1][:, :kept]
    return places


def neighbour_places(vectors: Matrix) -> Matrix:
    """Places [N, 2] of unit rows [N, D] by t-SNE of landmarks, the others at the mean of their nearest ones.

    Few products are placed by their principal components: there are no neighbourhoods to keep.
    """
    reduced = principal_components(vectors, NUM_COMPONENTS)
    landmarks = np.unique(np.linspace(0, len(vectors) - 1, min(MAX_LANDMARKS, len(vectors))).astype(np.int64))
    if len(landmarks) <= 3 * PERPLEXITY:
        return reduced[:, :2]
    from sklearn.manifold import TSNE

    tsne = TSNE(perplexity=PERPLEXITY, init="pca", max_iter=MAX_ITERATIONS, random_state=SEED, n_jobs=1)
    fixed = np.asarray(tsne.fit_transform(reduced[landmarks]), np.float32)
    places = np.empty((len(vectors), 2), np.float32)
    places[landmarks] = fixed
    others = np.setdiff1d(np.arange(len(vectors)), landmarks)
    if len(others):
        places[others] = _between_nearest(reduced[others], reduced[landmarks], fixed)
    return places


def _between_nearest(rows: Matrix, landmarks: Matrix, fixed: Matrix) -> Matrix:
    """Mean places of the nearest landmarks, the nearer the heavier; so alike products do not lie on one spot."""
    squared = (rows**2).sum(1)[:, None] + (landmarks**2).sum(1)[None] - 2 * rows @ landmarks.T
    nearest = np.argpartition(squared, NUM_NEAREST, axis=1)[:, :NUM_NEAREST]
    weights = 1 / np.maximum(np.take_along_axis(squared, nearest, axis=1), 1e-6)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("nk,nkd->nd", weights, fixed[nearest]).astype(np.float32)


def _points(store: Store, drawn: Drawn, places: Matrix) -> list[MapPoint]:
    shown = corrected_table(store.products(drawn.product_ids, ["product_id", "title", "category"]), store.corrections())
    known = {each["product_id"]: each for each in shown.to_pylist()}
    return [
        MapPoint(**known[product_id], x=round(x, 4), y=round(y, 4))
        for product_id, (x, y) in zip(drawn.product_ids, places.tolist(), strict=True)
    ]
