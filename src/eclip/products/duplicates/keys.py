"""Listings as numbers: all that deciding about duplicates needs of each, some hundred bytes a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from eclip.products.duplicates.titlewords import TitleWords, text_hashes

Texts = Sequence[str | None]


@dataclass(frozen=True, kw_only=True)
class ListingColumns:
    """The columns of N listings that tell duplicates, as lists or arrays.

    Attributes:
        titles: Cleaned titles.
        sellers: Who offers; None everywhere in a shop of one seller.
        image_hashes: Digests of the pixels; None = no picture.
        perceptual_hashes: [N] uint64.
        telling: [N] bool: the perceptual hash says something. False without a picture, and for placeholders
            and blank pictures.
        catalog_ids: As the feed gives them; two listings of different catalogs are never duplicates.
        facts: More columns that two near duplicates may not both have and differ in: barcode, model number,
            brand, colour, size. By name; upper and lower case alike.
    """

    titles: Texts
    sellers: Texts
    image_hashes: Texts
    perceptual_hashes: np.ndarray
    telling: np.ndarray
    catalog_ids: Texts
    facts: Mapping[str, Texts] = field(default_factory=dict)


@dataclass(frozen=True)
class ListingKeys:
    """N listings as numbers.

    Attributes:
        contents: [N] uint64 of title, seller and picture digest.
        catalogs: [N] uint64; 0 = none.
        groups: [N] uint64 of the seller and of the title's numbers, sizes and packs: near duplicates share both.
        pictures: [N] uint64 perceptual hash.
        pictured: [N] bool: the hash says something.
        plain: [N] bool: there is no picture at all.
        sold: [N] bool: the seller is named.
        facts: [F, N] uint64; 0 = not given.
        titles: Words of the titles.
    """

    contents: np.ndarray
    catalogs: np.ndarray
    groups: np.ndarray
    pictures: np.ndarray
    pictured: np.ndarray
    plain: np.ndarray
    sold: np.ndarray
    facts: np.ndarray
    titles: TitleWords

    @classmethod
    def of(cls, listings: ListingColumns) -> ListingKeys:
        """Read the columns."""
        from eclip.products.duplicates.title_loops import mix

        folded = [title.casefold() if title else None for title in listings.titles]
        titles = TitleWords.of(folded)
        sellers, images = text_hashes(listings.sellers), text_hashes(listings.image_hashes)
        catalogs = text_hashes(listings.catalog_ids)
        texts = [[text.casefold() if text else None for text in column] for column in listings.facts.values()]
        return cls(
            contents=mix(mix(text_hashes(folded), sellers), images),
            catalogs=catalogs,
            groups=mix(sellers, titles.numbers),
            pictures=np.asarray(listings.perceptual_hashes, dtype=np.uint64),
            pictured=np.asarray(listings.telling, dtype=bool),
            plain=images == 0,
            sold=sellers != 0,
            facts=np.array([catalogs, *map(text_hashes, texts)], dtype=np.uint64),
            titles=titles,
        )

    def __len__(self) -> int:
        return len(self.contents)

    @property
    def slots(self) -> np.ndarray:
        """[N] uint64 of content and catalog together."""
        return self.slots_of(self.catalogs)

    def slots_of(self, catalogs: np.ndarray) -> np.ndarray:
        """[N] uint64 of each content with these catalogs."""
        from eclip.products.duplicates.title_loops import mix

        return mix(self.contents, catalogs)

    @classmethod
    def joined(cls, one: ListingKeys, two: ListingKeys) -> ListingKeys:
        """The listings of one, then those of two."""
        plain = [f.name for f in fields(cls) if f.name != "titles"]
        columns = {name: np.concatenate([getattr(one, name), getattr(two, name)], axis=-1) for name in plain}
        return cls(**columns, titles=TitleWords.joined([one.titles, two.titles]))
