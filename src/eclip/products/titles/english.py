"""What English-writing sellers say of their offer rather than of the product. Notation: `phrases.PhraseList`."""

from __future__ import annotations

from eclip.products.titles.phrases import PhraseList

ENGLISH = PhraseList(
    anywhere=(
        "free shipping", "free delivery", "free postage", "free p&p", "free returns", "fast shipping", "fast delivery",
        "fast delivery service",
        "fast dispatch", "express delivery", "worldwide shipping", "worldwide delivery", "same day delivery",
        "same day shipping", "same day dispatch", "next day delivery", "next day shipping", "ships today",
        "ships free", "cash on delivery",
        "best price", "lowest price", "special price", "sale price", "special offer", "limited offer",
        "limited time offer", "limited time only", "while stocks last", "limited stock",
        "hot sale", "hot deal", "hot deals", "hot selling", "hot item", "hot promo", "flash sale", "big sale",
        "mega sale", "super sale", "clearance sale", "stock clearance", "final sale", "promo sale",
        "promo flash sale", "promo big sale", "sale promo", "best deal",
        "great deal", "best seller", "best sellers", "best selling", "top seller", "top selling", "#.# sale",
        "#% off", "#% discount", "up to #% off", "extra #% off", "save #%", "save up to #%",
        "buy # get #", "buy # get # free", "buy # free #", "buy one get one", "buy one get one free",
        "ready stock", "money back guarantee", "satisfaction guaranteed", "order now", "buy now", "shop now",
    ),
    edges=(
        "sale", "promo", "clearance", "discount", "on sale", "free gift", "in stock", "new arrival", "new arrivals",
        "100% original", "100% authentic", "100% genuine", "must have", "1+1",
    ),
    starts=("hk stock",),
    marked=(
        "new", "HOT", "best", "trending", "limited", "special", "popular", "cheap",
        "genuine", "authentic", "HOT NEW", "1+1", "1+1 free", "2+1", "2+1 free", "COD", "READY",
        "end of season", "deal", "offer",
    ),
    not_before=(
        "sign", "signs", "tag", "tags", "sticker", "stickers", "label",
        "labels", "banner", "poster", "flag", "stamp",
    ),
    meanings=(
        "sale marino", "sale rosa", "sale fino", "sale grosso", "sale iodato", "sale e", "sale di", "sale dolce",
        "for sale", "yard sale", "garage sale", "jumble sale", "rummage sale", "bake sale", "boot sale", "estate sale",
        "point of sale", "bill of sale", "promo code",
        "display clearance", "high clearance", "ground clearance", "zero clearance", "low clearance",
    ),
)  # fmt: skip
