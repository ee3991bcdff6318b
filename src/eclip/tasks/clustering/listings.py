"""What clustering reads of listings: titles, sellers, facts that name one product, picture hashes and vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eclip.products.catalogs.identifiers import normal_gtin, normal_model_number
from eclip.products.duplicates.components import key_codes
from eclip.tasks.catalogue import Catalogue

COLUMNS = ("product_id", "title", "seller", "gtin", "model_number", "perceptual_hash")
FACTS = ("gtin", "model_number")  # of which one product has one


@dataclass(frozen=True, kw_only=True)
class Listings:
    """N listings to be clustered.

    Attributes:
        product_ids: Their ids.
        titles: Cleaned; None where there is none.
        sellers: [N] int64 codes, -1 = not known.
        facts: [F, N] int64 codes of `FACTS`, -1 = not known.
        hashes: [N] uint64 perceptual hashes of pictures.
        hashed: [N] mask of those that have one.
        image_vectors: [N, D] unit rows, NaN where missing; D may be 0.
        text_vectors: Likewise.
    """

    product_ids: Sequence[str]
    titles: Sequence[str | None]
    sellers: np.ndarray
    facts: np.ndarray
    hashes: np.ndarray
    hashed: np.ndarray
    image_vectors: np.ndarray
    text_vectors: np.ndarray

    def __len__(self) -> int:
        """N."""
        return len(self.titles)

    @classmethod
    def of_columns(
        cls,
        columns: Mapping[str, Sequence[Any]],
        image_vectors: np.ndarray | None = None,
        text_vectors: np.ndarray | None = None,
    ) -> Listings:
        """Of columns by name, as in `COLUMNS`; one that is missing is empty.

        Args:
            columns: "title" is needed.
            image_vectors: [N, D]; None = no vectors.
            text_vectors: Likewise.
        """
        num_rows = len(columns["title"])
        nothing: list[Any] = [None] * num_rows
        given = {name: columns.get(name, nothing) for name in COLUMNS}
        hashed = np.array([each is not None for each in given["perceptual_hash"]], dtype=bool)
        hashes = np.array([each or 0 for each in given["perceptual_hash"]], dtype=np.uint64)
        gtins = [None if each is None else normal_gtin(each) for each in given["gtin"]]
        models = [None if each is None else normal_model_number(each) for each in given["model_number"]]
        ids = given["product_id"] if "product_id" in columns else [str(row) for row in range(num_rows)]
        empty = np.zeros((num_rows, 0), dtype=np.float32)
        return cls(
            product_ids=list(ids),
            titles=list(given["title"]),
            sellers=key_codes(given["seller"]),
            facts=np.stack([key_codes(gtins), key_codes(models)]),
            hashes=hashes,
            hashed=hashed,
            image_vectors=empty if image_vectors is None else image_vectors,
            text_vectors=empty if text_vectors is None else text_vectors,
        )

    @classmethod
    def of_catalogue(cls, catalogue: Catalogue) -> Listings:
        """All listings of a store."""
        records = catalogue.records or [{}] * catalogue.num_rows
        columns: dict[str, Sequence[Any]] = {
            "product_id": catalogue.product_ids.tolist(),
            "title": catalogue.titles,
            **{name: [record.get(name) for record in records] for name in FACTS},
        }
        for name, values in (("seller", catalogue.sellers), ("perceptual_hash", catalogue.perceptual_hashes)):
            if values is not None:
                columns[name] = values.tolist()
        return cls.of_columns(columns, catalogue.image_vectors, catalogue.text_vectors)

    def take(self, rows: np.ndarray) -> Listings:
        """The listings at these positions, in this order."""
        return Listings(
            product_ids=[self.product_ids[row] for row in rows],
            titles=[self.titles[row] for row in rows],
            sellers=self.sellers[rows],
            facts=self.facts[:, rows],
            hashes=self.hashes[rows],
            hashed=self.hashed[rows],
            image_vectors=self.image_vectors[rows],
            text_vectors=self.text_vectors[rows],
        )
