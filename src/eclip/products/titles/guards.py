"""Words that are never learned as promotion: colours, sizes, materials, whom a product is for, amounts."""

from __future__ import annotations

_COLOURS = (
    "black white grey gray navy blue red pink orange yellow green brown beige purple violet gold silver ivory cream "
    "khaki charcoal burgundy teal turquoise multicolor multicolour multi clear transparent dark light bright rose mint "
    "블랙 검정 화이트 흰색 하얀 그레이 회색 "
    "네이비 남색 블루 파랑 레드 빨강 핑크 분홍 오렌지 옐로우 노랑 그린 초록 녹색 브라운 "
    "갈색 베이지 크림 퍼플 보라 골드 실버 투명 hitam putih merah biru hijau kuning coklat"
)
_SIZES = (
    "xs s m l xl xxl xxxl free size freesize one onesize plus small medium large extra mini maxi midi big tall short "
    "long wide slim regular petite jumbo king queen single double twin "
    "프리사이즈 대형 소형 중형 미니 대용량 besar kecil"
)
_MATERIALS = (
    "cotton linen wool silk leather suede denim knit satin nylon polyester canvas velvet steel stainless metal wood "
    "wooden glass ceramic plastic rubber 면 린넨 울 가죽 니트 데님 캔버스 스테인리스 원목 도자기"
)
_PEOPLE = (
    "men mens man women womens woman ladies lady girls girl boys boy kids kid baby unisex adult adults teen couple "
    "여성 남성 남녀공용 여자 남자 아동 유아 키즈 아기 성인 커플 wanita pria anak bayi dewasa"
)
_AMOUNTS = (
    "set pack packs pcs pc piece pieces pair box bundle kit lot kg g gr mg ml l cm mm m inch oz lb gb tb w v mah "
    "세트 개 개입 팩 박스 묶음 매 장 isi paket"
)
_KINDS = (
    "gift organic original classic used refurbished renewed preowned new replacement compatible wireless portable "
    "electric digital automatic manual vintage retro summer winter spring autumn outdoor indoor waterproof "
    "선물용 중고 리퍼 휴대용 전동 무선 방수 여름 겨울 봄 가을"
)
_FUNCTION = "a an the and or of for with without in on to by from at as & dan dengan untuk"

_PRODUCT_WORDS = frozenset(
    " ".join((_COLOURS, _SIZES, _MATERIALS, _PEOPLE, _AMOUNTS, _KINDS, _FUNCTION)).split(),
)


def is_product_word(word: str) -> bool:
    """Whether a word (lower case) may describe a product whatever the feed says: listed, with a digit, a "...색"."""
    return word in _PRODUCT_WORDS or word.endswith("색") or any(letter.isdigit() for letter in word)
