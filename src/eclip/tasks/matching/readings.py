"""What listings say, read once: words, numbers, codes, amounts, colours, sizes, prices, further fields.

A listing is read by itself: what is read of it does not hang on those that are read with it, so that readings may be
kept, taken apart and put together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from scipy import sparse

from eclip.products.catalogs.brands import normal_brand
from eclip.products.catalogs.facts import normal_colours, normal_size
from eclip.products.catalogs.identifiers import normal_gtin
from eclip.products.catalogs.lexicon import COLOUR_ATTRIBUTES, SIZE_ATTRIBUTES, SIZE_OF
from eclip.products.catalogs.quantities import all_quantities
from eclip.products.cells import parse_price
from eclip.tasks.matching.lexicon import AUDIENCES, COLOURS
from eclip.tasks.matching.wording import codes_of, has_digit, normal_text, pieces_of, words_of

BRAND_FIELDS = ("brand", "manufacturer", "maker")
PRICE_FIELD = "price"
BARCODE_FIELDS = ("gtin", "ean", "upc", "barcode", "isbn")
MAX_FIELD_CHARS = 1_000  # of a field, which may be a page long


@dataclass(frozen=True, kw_only=True)
class Readings:
    """N listings as pair features read them; all matrices are of 0 and 1 over one vocabulary."""

    titles: list[str]  # [N] normal texts
    fields: dict[str, list[str]]  # name -> [N] normal texts, "" where a listing lacks the field
    vocabulary: list[str]  # [V]
    tables: dict[str, sparse.csr_matrix]  # view -> [N, V] float32, columns ascending in each row
    codes: list[tuple[str, ...]]  # [N] of the whole listing, longest first
    squashed: list[str]  # [N] letters and digits of the title and of each field, joined: where codes are looked for
    brands: list[str]  # [N] normal brand; "" = not given
    prices: np.ndarray  # [N] float64; NaN = not given
    barcodes: list[str]  # [N] of 14 digits; "" = none that proves anything

    def __len__(self) -> int:
        """N."""
        return len(self.titles)

    @cached_property
    def columns(self) -> dict[str, int]:
        """Column of each word of the vocabulary."""
        return {word: column for column, word in enumerate(self.vocabulary)}

    def take(self, rows: np.ndarray) -> Readings:
        """The listings at these positions, in this order; the vocabulary is cut to what they say."""
        tables = {view: table[rows] for view, table in self.tables.items()}
        used = np.unique(np.concatenate([table.indices for table in tables.values()]))
        if not len(used):
            used = np.zeros(1, dtype=np.int64)
        new = np.zeros(len(self.vocabulary), dtype=np.int32)
        new[used] = np.arange(len(used))
        for table in tables.values():
            table.indices = new[table.indices]
            table.resize((len(rows), len(used)))
        chosen = rows.tolist()
        return Readings(
            titles=_at(self.titles, chosen),
            fields={name: _at(texts, chosen) for name, texts in self.fields.items()},
            vocabulary=_at(self.vocabulary, used.tolist()),
            tables=tables,
            codes=_at(self.codes, chosen),
            squashed=_at(self.squashed, chosen),
            brands=_at(self.brands, chosen),
            prices=self.prices[rows],
            barcodes=_at(self.barcodes, chosen),
        )

    def followed_by(self, other: Readings) -> Readings:
        """These listings, then those."""
        columns = dict(self.columns)
        moved = np.array([columns.setdefault(word, len(columns)) for word in other.vocabulary], dtype=np.int32)
        tables = {view: _stacked(table, other.tables[view], moved, len(columns)) for view, table in self.tables.items()}
        names = sorted({*self.fields, *other.fields})
        missing = [[""] * len(self), [""] * len(other)]
        return Readings(
            titles=self.titles + other.titles,
            fields={name: self.fields.get(name, missing[0]) + other.fields.get(name, missing[1]) for name in names},
            vocabulary=list(columns),
            tables=tables,
            codes=self.codes + other.codes,
            squashed=self.squashed + other.squashed,
            brands=self.brands + other.brands,
            prices=np.concatenate([self.prices, other.prices]),
            barcodes=self.barcodes + other.barcodes,
        )


def read_records(titles: Sequence[str | None], records: Sequence[Mapping[str, str]] | None) -> Readings:
    """Read N listings: their titles and further fields (brand, price, description, ...), all as text."""
    normal = [normal_text(title) for title in titles]
    fields = _fields(records or [], len(normal))
    words = [words_of(text) for text in normal]
    further = [[words_of(values[row]) for values in fields.values()] for row in range(len(normal))]
    parts = [
        [title, *(text for values in fields.values() if (text := values[row]))] for row, title in enumerate(normal)
    ]
    codes = [codes_of(" ".join(texts)) for texts in parts]
    pieces = [set(pieces_of(text)) for text in normal]
    sets: dict[str, list[set[str]]] = {
        "words": [set(row) for row in words],
        "pieces": pieces,
        "spoken": [{*row, *some} for row, some in zip(words, pieces, strict=True)],
        "numbers": [{word for word in row if has_digit(word)} for row in words],
        "texts": [{*row, *chain(*others)} for row, others in zip(words, further, strict=True)],
        "codes": codes,
        "amounts": [set().union(*map(all_quantities, texts)) for texts in parts],
        "colours": _named(words, fields, COLOUR_ATTRIBUTES),
        "sizes": _named(words, fields, SIZE_ATTRIBUTES),
        "audiences": [{AUDIENCES[word] for word in row if word in AUDIENCES} for row in words],
    }
    vocabulary: dict[str, int] = {}
    tables = {view: _table(rows, vocabulary) for view, rows in sets.items()}
    for table in tables.values():
        table.resize((len(normal), max(1, len(vocabulary))))
    return Readings(
        titles=normal,
        fields=fields,
        vocabulary=list(vocabulary) or [""],
        tables=tables,
        codes=[tuple(sorted(found, key=lambda code: (-len(code), code))) for found in codes],
        squashed=[
            " ".join("".join(part).replace(".", "") for part in (row, *others) if part)
            for row, others in zip(words, further, strict=True)
        ],
        brands=_brands(fields, len(normal)),
        barcodes=_barcodes(records or [{}] * len(normal)),
        prices=np.array([_price(record.get(PRICE_FIELD, "")) for record in records or [{}] * len(normal)], np.float64),
    )


def _fields(records: Sequence[Mapping[str, str]], num_rows: int) -> dict[str, list[str]]:
    """Normal texts of each field, by name; barcodes stand apart."""
    names = sorted({name for record in records for name, value in record.items() if value} - set(BARCODE_FIELDS))
    out = {name: [normal_text(record.get(name, "")[:MAX_FIELD_CHARS]) for record in records] for name in names}
    return out if records else dict.fromkeys(names, [""] * num_rows)


def _named(words: list[list[str]], fields: dict[str, list[str]], names: frozenset[str]) -> list[set[str]]:
    """Colours (or sizes) that each listing is given, or else names in its title."""
    colours = names is COLOUR_ATTRIBUTES
    lexicon = COLOURS if colours else SIZE_OF
    out = [{lexicon[word] for word in row if word in lexicon} for row in words]
    for name in fields:
        if name in names:
            for row, text in enumerate(fields[name]):
                if text:
                    out[row] = normal_colours(text) if colours else {normal_size(text)}
    return out


def _brands(fields: dict[str, list[str]], num_rows: int) -> list[str]:
    given = [fields[name] for name in BRAND_FIELDS if name in fields]
    return [next((brand for column in given if (brand := normal_brand(column[row]))), "") for row in range(num_rows)]


def _barcodes(records: Sequence[Mapping[str, str]]) -> list[str]:
    """The barcode of each listing; they stand apart from its text, since they prove what words make likely."""
    given = [[record[name] for name in BARCODE_FIELDS if record.get(name)] for record in records]
    return [next((code for text in texts if (code := normal_gtin(text))), "") for texts in given]


def _price(text: str) -> float:
    """A price as a store writes it, or however a feed does; NaN where there is none."""
    try:
        value = float(text)
    except ValueError:
        value = parse_price(text) or math.nan
    return value if math.isfinite(value) else math.nan


def _table(rows: Sequence[set[str]], vocabulary: dict[str, int]) -> sparse.csr_matrix:
    """Incidence matrix [N, V] of sets of words; new words join the vocabulary."""
    columns: list[int] = []
    ends = [0]
    for row in rows:
        columns.extend(sorted(vocabulary.setdefault(word, len(vocabulary)) for word in sorted(row)))
        ends.append(len(columns))
    ones = np.ones(len(columns), dtype=np.float32)
    return sparse.csr_matrix((ones, columns, ends), shape=(len(rows), max(1, len(vocabulary))))


def _at(values: Sequence[Any], rows: Sequence[int]) -> list[Any]:
    return [values[row] for row in rows]


def _stacked(
    one: sparse.csr_matrix, other: sparse.csr_matrix, moved: np.ndarray, num_columns: int
) -> sparse.csr_matrix:
    """Rows of one table, then those of another whose columns were moved to `moved` [V]."""
    indices = np.concatenate([one.indices, moved[other.indices]])
    indptr = np.concatenate([one.indptr, other.indptr[1:] + one.indptr[-1]])
    ones = np.ones(len(indices), dtype=np.float32)
    out = sparse.csr_matrix((ones, indices, indptr), shape=(one.shape[0] + other.shape[0], num_columns))
    out.sort_indices()
    return out
