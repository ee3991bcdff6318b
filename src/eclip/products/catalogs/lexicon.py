"""Words for colours, sizes and stand-ins, English and Korean. Data only; the feed's own attributes add to it.

Left out on purpose: colour words that as often name something else in a title (coffee, cream, rose, sand,
mint, chocolate, lemon, emerald): they count where the feed gives them as an attribute.
"""

from __future__ import annotations

_COLOURS: dict[str, str] = {
    "black": "black blk noir schwarz nero 블랙 검정 검정색 검은색 검은 흑색",
    "white": "white wht weiss blanc 화이트 흰색 하얀 하얀색 백색 아이보리 ivory",
    "grey": "grey gray grau gris charcoal graphite anthracite 그레이 회색 차콜 먹색",
    "silver": "silver silber argent 실버 은색",
    "gold": "gold golden 골드 금색",
    "blue": "blue blau bleu azure 블루 파랑 파란색 파란 청색 하늘색 스카이블루",
    "navy": "navy 네이비 남색 곤색",
    "red": "red rot rouge crimson scarlet 레드 빨강 빨간색 빨간",
    "burgundy": "burgundy maroon 버건디 와인색",
    "pink": "pink fuchsia magenta 핑크 분홍 분홍색",
    "orange": "orange tangerine 오렌지색 주황 주황색",
    "yellow": "yellow gelb 옐로우 옐로 노랑 노란색 노란",
    "green": "green grün vert olive khaki 그린 초록 초록색 녹색 카키 올리브색",
    "teal": "teal turquoise 청록색 터키석색",
    "brown": "brown braun tan 브라운 갈색 밤색",
    "beige": "beige 베이지 베이지색",
    "purple": "purple violet lila lavender 퍼플 보라 보라색 바이올렛",
    "multi": "multicolor multicolour multicoloured 멀티컬러",
}
COLOUR_OF: dict[str, str] = {word: colour for colour, words in _COLOURS.items() for word in words.split()}

# Words before or after a colour that shade it: they go with it when colours are taken out of a title.
SHADES = frozenset(["dark", "light", "deep", "pale", "bright", "matte", "matt", "jet", "sky", "royal", "off"])

_SIZES: dict[str, str] = {
    "xxs": "xxs 2xs",
    "xs": "xs xsmall",
    "s": "small 스몰",
    "m": "medium 미디움",
    "l": "large 라지",
    "xl": "xl xlarge",
    "xxl": "xxl 2xl xxlarge",
    "xxxl": "xxxl 3xl",
    "4xl": "4xl xxxxl",
    "5xl": "5xl",
    "one": "onesize freesize 프리사이즈 원사이즈",
}
SIZE_OF: dict[str, str] = {word: size for size, words in _SIZES.items() for word in words.split()}
# One letter is a size only beside others of its kind or behind "size"; alone it may be anything.
SIZE_LETTERS = frozenset("sml")
SIZE_HEADS = frozenset(["size", "sz", "사이즈"])

COLOUR_ATTRIBUTES = frozenset(
    ["colour", "color", "colors", "colours", "basecolour", "base_colour", "color_family", "색상", "컬러", "색깔"]
)
SIZE_ATTRIBUTES = frozenset(["size", "sizes", "shoe_size", "clothing_size", "사이즈", "치수", "크기"])

# What stands in a model number or brand column that has none, letters and digits joined.
GENERIC_MODEL_WORDS = frozenset(
    [
        *("na", "none", "null", "nil", "no", "unknown", "tbd", "tba", "notapplicable", "doesnotapply", "notavailable"),
        *(
            "seedescription",
            "seedetails",
            "seepicture",
            "seetitle",
            "default",
            "generic",
            "standard",
            "other",
            "others",
        ),
        *("nobrand", "unbranded", "oem", "model", "modelnumber", "sku", "test", "sample", "new", "misc", "various"),
        *("없음", "해당없음", "상세설명참조", "상세페이지참조", "상세참조", "기타", "모델명", "모델없음", "브랜드없음"),
        *("노브랜드", "자체제작", "상품상세참조"),
    ]
)

# Words that sellers put on anything; they tell no product from another.
COMMON_TITLE_WORDS = frozenset(
    [
        *(
            "new",
            "sale",
            "hot",
            "deal",
            "best",
            "seller",
            "free",
            "shipping",
            "delivery",
            "gift",
            "official",
            "genuine",
        ),
        *(
            "original",
            "for",
            "with",
            "and",
            "the",
            "in",
            "of",
            "a",
            "by",
            "to",
            "women",
            "men",
            "unisex",
            "kids",
            "off",
        ),
        *("무료배송", "당일발송", "특가", "초특가", "신상", "정품", "쿠폰할인", "국내배송", "남녀공용", "여성", "남성"),
        *("선물용", "사은품", "할인", "세일", "공식", "최저가"),
    ]
)
