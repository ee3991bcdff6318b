"""What Indonesian-writing sellers say of their offer rather than of the product. Notation: `phrases.PhraseList`."""

from __future__ import annotations

from eclip.products.titles.phrases import PhraseList

INDONESIAN = PhraseList(
    anywhere=(
        "bisa cod", "bisa bayar cod", "bisa bayar di tempat", "bayar di tempat", "gratis ongkir",
        "gratis ongkir extra", "free ongkir", "siap kirim",
        "ready stok", "stok ready", "cuci gudang", "obral murah", "paling murah", "paling murah banget", "harga grosir",
        "diskon besar", "diskon besar besaran", "super promo", "promo spesial", "promo hari ini", "promo # hari",
        "promo khusus hari ini", "khusus hari ini", "promo bulan ini", "promo jsm",
        "free bubble wrap", "gratis bubble wrap", "beli # free #",
        "beli # gratis #", "harga promo", "harga termurah", "harga murah", "promo murah", "diskon #%",
        "termurah", "terlaris", "paling laris", "murah meriah", "murah banget", "promo terbatas",
    ),
    edges=(
        "murah", "diskon", "promosi", "terbaru", "model terbaru", "keluaran terbaru", "siap kirim", "best seller",
    ),
    ends=("original 100%", "ori 100%", "100% ori"),
    marked=(
        "ready", "laris", "baru", "terbatas", "flash", "gratis", "grosir", "ecer", "eceran", "grosir ecer",
        "free bubble", "gratis bubble", "harga ongkir", "restock", "restock lagi",
    ),
    meanings=("edisi terbaru", "revisi terbaru", "versi terbaru", "teknologi terbaru"),
)  # fmt: skip
