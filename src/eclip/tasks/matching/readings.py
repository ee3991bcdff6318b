"""What listings say, read once: words, numbers, codes, amounts, colours, sizes, prices, further fields."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from eclip.products.catalogs.brands import normal_brand
from eclip.products.catalogs.facts import normal_colours, normal_size
from eclip.products.catalogs.identifiers import normal_gtin
from eclip.products.catalogs.lexicon import COLOUR_ATTRIBUTES, SIZE_ATTRIBUTES, SIZE_OF
from eclip.products.catalogs.quantities import all_quantities
from eclip.products.cells import parse_price
from eclip.tasks.matching.lexicon import AUDIENCES, COLOURS
from eclip.tasks.matching.wording import codes_of, has_digit, is_code, joined_codes, normal_text, pieces_of, words_of

BRAND_FIELDS = ("brand", "manufacturer", "maker")
PRICE_FIELD = "price"
BARCODE_FIELDS = ("gtin", "ean", "upc", "barcode", "isbn")
MAX_FIELD_CHARS = 1_000  # of a field, which may be a page long


@dataclass(frozen=True, kw_only=True)
class Readings:
    """Listings as pair features read them; all matrices are of 0 and 1 over one vocabulary."""

    titles: list[str]  # [N] normal texts
    fields: dict[str, list[str]]  # name -> [N] normal texts, "" where a listing lacks the field
    vocabulary: list[str]  # [V]
    tables: dict[str, sparse.csr_matrix]  # view -> [N, V] float32
    codes: list[tuple[str, ...]]  # [N] of the whole listing
    brands: list[str]  # [N] normal brand; "" = not given
    prices: np.ndarray  # [N] float64; NaN = not given
    barcodes: list[str]  # [N] of 14 digits; "" = none that proves anything

    def __len__(self) -> int:
        """N."""
        return len(self.titles)

    @cached_property
    def whole(self) -> list[str]:
        """All that each listing says, as one normal text."""
        return [
            " ".join(part for part in parts if part) for parts in zip(self.titles, *self.fields.values(), strict=True)
        ]

    @cached_property
    def squashed(self) -> list[str]:
        """Letters and digits of all that each listing says, joined: where codes are looked for."""
        return ["".join(words_of(text)).replace(".", "") for text in self.whole]

    @cached_property
    def number_columns(self) -> np.ndarray:
        """Mask [V] of the vocabulary that holds a digit."""
        return np.array([has_digit(word) for word in self.vocabulary], dtype=bool)


def read_records(titles: Sequence[str | None], records: Sequence[Mapping[str, str]] | None) -> Readings:
    """Read N listings: their titles and further fields (brand, price, description, ...), all as text."""
    normal = [normal_text(title) for title in titles]
    fields = _fields(records or [], len(normal))
    words = [words_of(text) for text in normal]
    whole = [" ".join((title, *(values[row] for values in fields.values()))) for row, title in enumerate(normal)]
    whole_words = [words_of(text) for text in whole]
    shaped = {word for row in whole_words for word in row if is_code(word)}
    codes = [codes_of(text) | joined_codes(found, shaped) for text, found in zip(whole, whole_words, strict=True)]
    sets: dict[str, list[set[str]]] = {
        "words": [set(row) for row in words],
        "pieces": [set(pieces_of(text)) for text in normal],
        "texts": [set(row) for row in whole_words],
        "codes": codes,
        "amounts": [all_quantities(text) for text in whole],
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
        brands=_brands(fields, len(normal)),
        barcodes=_barcodes(records or [{}] * len(normal)),
        prices=np.array([_price(record.get(PRICE_FIELD, "")) for record in records or [{}] * len(normal)], np.float64),
    )


def _fields(records: Sequence[Mapping[str, str]], num_rows: int) -> dict[str, list[str]]:
    """Normal texts of each field, most frequent field first."""
    counts = Counter(name for record in records for name, value in record.items() if value)
    names = sorted(counts.keys() - set(BARCODE_FIELDS), key=lambda name: (-counts[name], name))
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
