"""Sellers, their offers of the true products, and the titles their templates make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from eclip.sample.goods import Product
from eclip.sample.words import (
    COLOUR_WORDS,
    COUNT_WORDS,
    DESCRIPTIONS,
    NOUNS,
    PROMOTIONS,
    TAILS,
    VALUE_WORDS,
    Brand,
    make_brands,
)

LANGUAGES = ("en", "ko", "mixed")
_LANGUAGE_WEIGHTS = (0.5, 0.35, 0.15)
_OFFER_WEIGHTS = (0.3, 0.27, 0.2, 0.12, 0.07, 0.04)  # of 1, 2, ... sellers of one product
_MAX_WORDS = 12
_SLOTS = ("promotion", "brand", "series", "colour", "value", "material", "noun", "model", "tail")
# How often a title carries each slot; a seller's own habits shift these.
_KEEP = {
    "promotion": 0.3,
    "brand": 0.65,
    "series": 0.45,
    "colour": 0.6,
    "value": 0.5,
    "material": 0.35,
    "noun": 0.85,
    "model": 0.35,
    "tail": 0.25,
}
_TYPO_SHARE = 0.1  # of titles: one slip of the fingers


@dataclass(frozen=True, kw_only=True)
class Seller:
    """One seller and the habits that mark all its listings."""

    name: str
    language: str
    order: tuple[str, ...]
    """The slots of its title template, in its own order."""
    keep: dict[str, float]
    backgrounds: tuple[str, ...]
    """Backgrounds it photographs before; the first is its favourite."""
    watermark: float
    """Share of its pictures with its name across them."""
    banner: float
    """Share of its pictures with a promotion banner."""
    quality: tuple[int, int]
    """Range of JPEG quality."""
    weight: float
    """How much of the shop it offers, against the others."""


def make_sellers(num_sellers: int, backgrounds: Sequence[str], *, seed: int) -> list[Seller]:
    """Invent sellers; the first sell far more than the last (Zipf), and both languages are there early."""
    names = make_brands(Random(f"{seed}:sellers"), num_sellers)
    return [_make_seller(i, name, backgrounds, Random(f"{seed}:seller:{i}")) for i, name in enumerate(names)]


def _make_seller(index: int, name: Brand, backgrounds: Sequence[str], rng: Random) -> Seller:
    language = LANGUAGES[index] if index < len(LANGUAGES) else rng.choices(LANGUAGES, _LANGUAGE_WEIGHTS)[0]
    middle = [s for s in _SLOTS if s not in ("promotion", "tail")]
    if rng.random() < 0.6:  # the rest keep the usual order: brand first, then what it is
        rng.shuffle(middle)
    low = rng.randint(38, 80)
    return Seller(
        name=f"{name.english} {rng.choice(('Mall', 'Shop', 'Store', 'Market', 'Official'))}",
        language=language,
        order=("promotion", *middle, "tail"),
        keep={slot: min(1.0, share * rng.uniform(0.7, 1.3)) for slot, share in _KEEP.items()},
        backgrounds=tuple(rng.sample(list(backgrounds), 3)),
        watermark=rng.choice((0.0, 0.0, 0.2, 0.7)),
        banner=rng.choice((0.0, 0.0, 0.1, 0.4)),
        quality=(low, low + 12),
        weight=1 / (index + 2),
    )


def choose_sellers(sellers: Sequence[Seller], rng: Random) -> list[int]:
    """Which sellers offer one product: mostly few, the big ones more often."""
    limit = min(len(sellers), len(_OFFER_WEIGHTS))
    (count,) = rng.choices(range(1, limit + 1), _OFFER_WEIGHTS[:limit])
    left = list(range(len(sellers)))
    chosen = []
    for _ in range(count):
        (pick,) = rng.choices(left, [sellers[i].weight for i in left])
        left.remove(pick)
        chosen.append(pick)
    return chosen


def make_title(product: Product, seller: Seller, rng: Random) -> str:
    """A seller's title: slots of its template, some dropped, now and then reordered or mistyped."""
    language = seller.language if seller.language != "mixed" else rng.choice(("en", "ko"))
    order = list(seller.order)
    if rng.random() < 0.25:
        i = rng.randrange(len(order) - 1)
        order[i], order[i + 1] = order[i + 1], order[i]
    kept = [slot for slot in order if rng.random() < seller.keep[slot]]
    if not {"noun", "series"} & set(kept):
        kept.append("noun")
    if len(kept) < 2:
        kept.insert(0, "brand")
    tokens = []
    for slot in kept:
        spoken = language if seller.language != "mixed" or rng.random() < 0.6 else rng.choice(("en", "ko"))
        tokens += _words(slot, product, spoken, rng).split()
    if rng.random() < _TYPO_SHARE:
        tokens = mistype(tokens, rng)
    return " ".join(tokens[:_MAX_WORDS])


def make_description(product: Product, seller: Seller, rng: Random) -> str:
    """A line of seller's prose."""
    language = "ko" if seller.language == "ko" else "en"
    side = int(language == "ko")
    return rng.choice(DESCRIPTIONS[side]).format(
        noun=NOUNS[product.leaf.key][side][0],
        brand=product.brand.written(language),
        series=product.series.written(language),
        colour=COLOUR_WORDS[product.colour][side][0],
        material=product.material,
    )


def mistype(tokens: list[str], rng: Random) -> list[str]:
    """One slip: letters swapped, dropped or doubled, or two words run together."""
    long = [i for i, token in enumerate(tokens) if len(token) > 3]
    if not long or rng.random() < 0.2:
        i = rng.randrange(max(1, len(tokens) - 1))
        return [*tokens[:i], "".join(tokens[i : i + 2]), *tokens[i + 2 :]]
    i = rng.choice(long)
    word, at = tokens[i], rng.randrange(1, len(tokens[i]) - 1)
    slip = rng.choice(("swap", "drop", "double"))
    if slip == "swap":
        word = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    elif slip == "drop":
        word = word[:at] + word[at + 1 :]
    else:
        word = word[: at + 1] + word[at:]
    return [*tokens[:i], word, *tokens[i + 1 :]]


def edit_title(title: str, rng: Random) -> str:
    """The slightly other title of a near duplicate: a word moved, dropped, added or recased."""
    tokens = title.split()
    kind = rng.choice(("move", "drop", "add", "case"))
    if kind == "move" and len(tokens) > 2:
        tokens.append(tokens.pop(rng.randrange(len(tokens) - 1)))
    elif kind == "drop" and len(tokens) > 3:
        tokens.pop(rng.randrange(len(tokens)))
    elif kind == "case" and title.upper() != title:
        tokens = [token.upper() for token in tokens]
    else:
        tokens.append("!!" if tokens[-1] != "!!" else "~")
    edited = " ".join(tokens)
    return edited if edited != title else f"{title} !"


def _words(slot: str, product: Product, language: str, rng: Random) -> str:
    """What a title says in one slot."""
    side = int(language == "ko")
    if slot == "promotion":
        return rng.choice(PROMOTIONS[side])
    if slot == "tail":
        return rng.choice(TAILS[side])
    if slot == "brand":
        return product.brand.written(language)
    if slot == "series":
        return product.series.written(language)
    if slot == "model":
        return product.model_number
    if slot == "colour":
        return rng.choice(COLOUR_WORDS[product.colour][side])
    if slot == "noun":
        return rng.choice(NOUNS[product.leaf.key][side])
    if slot == "material":
        return VALUE_WORDS.get(product.material, ("", ""))[side]
    return _value_words(product, side, rng)


def _value_words(product: Product, side: int, rng: Random) -> str:
    """One or two words for shape details that are worth naming."""
    named = [VALUE_WORDS[v][side] for v in (product.pattern, *product.traits.values()) if v in VALUE_WORDS]
    named += [COUNT_WORDS[name][side].format(value) for name, value in product.traits.items() if name in COUNT_WORDS]
    named += [detail.title() for detail in product.details if side == 0]
    rng.shuffle(named)
    return " ".join(named[: rng.choice((1, 1, 2))])
