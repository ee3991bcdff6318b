"""Words that decide whether two titles can mean one offer: units, sizes, packs, colours; English and Korean."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# After a number they are part of it: 500ml is not 500g.
UNITS = _words(
    "mm cm m km inch in ft yd mg g gr gm gram grams kg oz lb lbs ml cl dl l ltr liter litre liters litres gal "
    "mah wh w kw v hz mhz ghz kb mb gb tb mp fps dpi k x pack packs pk pcs pc piece pieces ea ct count set sets "
    "pair pairs roll rolls sheet sheets tablet tablets capsule capsules tab tabs cap caps hr h min s days "
    "개 개입 매 매입 장 입 병 캔 포 팩 세트 묶음 켤레 벌 인용 도어 단 정 환 그램 리터 미터 인치 호 년 월 일"
)
PIECES = _words("pc pcs piece ea 개 개입 입 매 장 ct count")  # one of them says nothing

# Both titles must have them, or neither: sizes and packs.
STRICT = _words(
    "xxs xs s m l xl xxl xxxl 2xl 3xl 4xl 5xl small medium large mini midi maxi jumbo petite tall short long king "
    "queen twin double triple dozen half pack bundle set kit pair refill sample tester left right kids baby men "
    "women mens womens boys girls boy girl unisex pro max plus lite ultra "
    "소형 중형 대형 특대 미니 미디 맥시 숏 롱 세트 묶음 리필 본품 샘플 여성 남성 남녀공용 아동 유아 좌 우 "
    "왼쪽 오른쪽"
)

COLOURS: tuple[tuple[str, ...], ...] = (
    ("black", "blk", "jet", "블랙", "검정", "검은색", "검정색", "hitam"),
    ("white", "wht", "화이트", "흰색", "하얀", "하얀색", "putih"),
    ("grey", "gray", "charcoal", "그레이", "회색", "차콜", "abu"),
    ("navy", "네이비", "남색", "곤색"),
    ("blue", "sky", "azure", "블루", "파랑", "파란", "파란색", "하늘색", "biru"),
    ("red", "crimson", "scarlet", "레드", "빨강", "빨간", "빨간색", "merah"),
    ("pink", "rose", "blush", "핑크", "분홍", "분홍색", "로즈"),
    ("orange", "tangerine", "오렌지", "주황", "주황색"),
    ("yellow", "lemon", "mustard", "옐로우", "노랑", "노란", "노란색", "머스타드", "kuning"),
    ("green", "forest", "emerald", "olive", "khaki", "그린", "초록", "녹색", "초록색", "올리브", "카키", "hijau"),
    ("brown", "chocolate", "coffee", "tan", "브라운", "갈색", "밤색", "coklat"),
    ("beige", "cream", "sand", "ivory", "베이지", "크림", "아이보리"),
    ("purple", "violet", "lavender", "퍼플", "보라", "보라색", "라벤더", "ungu"),
    ("silver", "실버", "은색"),
    ("gold", "골드", "금색"),
    ("maroon", "burgundy", "wine", "버건디", "와인"),
    ("turquoise", "teal", "mint", "민트"),
    ("copper", "bronze"),
    ("multi", "multicolor", "multicolour", "multicoloured"),
)
