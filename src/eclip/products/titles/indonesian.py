"""What Indonesian-writing sellers say of their offer rather than of the product. Notation: `phrases.PhraseList`."""

from __future__ import annotations

from eclip.products.titles.phrases import PhraseList

INDONESIAN = PhraseList(
    anywhere=(
        "bisa cod", "bayar di tempat", "gratis ongkir", "gratis ongkir extra", "free ongkir", "siap kirim",
        "beli # gratis #", "harga promo", "harga termurah", "harga murah", "promo murah", "diskon #%",
        "termurah", "terlaris", "paling laris", "murah meriah", "murah banget", "promo terbatas",
    ),
    edges=("murah", "diskon", "promosi", "terbaru", "siap kirim", "best seller"),
    marked=("ready", "laris", "baru", "terbatas", "flash", "gratis"),
)  # fmt: skip
