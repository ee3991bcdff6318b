"""Words of sellers, in English and Korean: colours, shapes, promotions, and names made of syllables."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

# What sellers call the products of each leaf category.
NOUNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "tshirt": (("T-Shirt", "Tee", "Top"), ("티셔츠", "반팔티", "상의")),
    "shirt": (("Shirt", "Button Down Shirt", "Blouse"), ("셔츠", "남방", "블라우스")),
    "hoodie": (("Hoodie", "Hooded Sweatshirt", "Hoody"), ("후드티", "후드", "후드집업")),
    "trousers": (("Pants", "Trousers", "Slacks"), ("바지", "팬츠", "슬랙스")),
    "skirt": (("Skirt",), ("스커트", "치마")),
    "dress": (("Dress", "One Piece"), ("원피스", "드레스")),
    "coat": (("Coat", "Jacket", "Overcoat"), ("코트", "자켓", "아우터")),
    "sneaker": (("Sneakers", "Trainers", "Running Shoes"), ("운동화", "스니커즈", "런닝화")),
    "boot": (("Boots", "Boot"), ("부츠", "워커")),
    "heels": (("Heels", "Pumps", "High Heels"), ("하이힐", "펌프스", "구두")),
    "backpack": (("Backpack", "Rucksack", "Daypack"), ("백팩", "배낭", "책가방")),
    "handbag": (("Handbag", "Shoulder Bag", "Tote Bag"), ("핸드백", "숄더백", "가방")),
    "cap": (("Cap", "Hat", "Ball Cap"), ("모자", "볼캡", "캡")),
    "watch": (("Watch", "Wristwatch"), ("손목시계", "시계", "워치")),
    "sunglasses": (("Sunglasses", "Shades", "Eyewear"), ("선글라스", "안경")),
    "mug": (("Mug", "Coffee Cup", "Mug Cup"), ("머그컵", "컵", "머그잔")),
    "wine_glass": (("Wine Glass", "Glass", "Stemware"), ("와인잔", "글라스", "유리잔")),
    "frying_pan": (("Frying Pan", "Skillet", "Pan"), ("프라이팬", "후라이팬", "팬")),
    "pot": (("Pot", "Saucepan", "Cooking Pot"), ("냄비", "양수냄비", "스튜팟")),
    "kettle": (("Kettle", "Tea Kettle", "Water Boiler"), ("주전자", "전기포트", "케틀")),
    "headphones": (("Headphones", "Headset"), ("헤드폰", "헤드셋")),
    "speaker": (("Speaker", "Bluetooth Speaker", "Loudspeaker"), ("스피커", "블루투스 스피커")),
    "laptop": (("Laptop", "Notebook"), ("노트북", "랩탑")),
    "smartphone": (("Smartphone", "Phone", "Mobile Phone"), ("스마트폰", "휴대폰", "자급제폰")),
    "camera": (("Camera", "Digital Camera"), ("카메라", "디카")),
    "controller": (("Game Controller", "Gamepad", "Joypad"), ("게임패드", "컨트롤러", "조이스틱")),
    "chair": (("Chair", "Dining Chair", "Desk Chair"), ("의자", "체어")),
    "sofa": (("Sofa", "Couch"), ("소파", "쇼파")),
    "table": (("Table", "Coffee Table", "Side Table"), ("테이블", "탁자", "식탁")),
    "wardrobe": (("Wardrobe", "Closet", "Cabinet"), ("옷장", "장롱", "수납장")),
    "lamp": (("Table Lamp", "Desk Lamp", "Lamp"), ("스탠드", "조명", "탁상램프")),
    "shampoo": (("Shampoo", "Hair Wash", "Body Wash"), ("샴푸", "바디워시")),
    "lipstick": (("Lipstick", "Lip Color"), ("립스틱", "립컬러")),
    "cream_jar": (("Face Cream", "Moisturizer", "Cream"), ("수분크림", "크림", "영양크림")),
    "cosmetic_box": (
        ("Skin Care Set", "Cosmetic Gift Set", "Beauty Box"),
        ("화장품 세트", "스킨케어 세트", "선물세트"),
    ),
    "eye_drops": (("Eye Drops", "Artificial Tears"), ("인공눈물", "점안액", "안약")),
    "medicine_box": (("Vitamin Tablets", "Vitamins", "Supplement"), ("비타민", "영양제", "건강식품")),
    "adult_box": (
        ("Adult Item Boxed", "Adults Only Goods", "Discreet Box"),
        ("성인용품 박스", "성인 전용 상품", "비밀포장 상품"),
    ),
    "adult_bottle": (
        ("Adult Item Bottle", "Adults Only Bottle", "Discreet Bottle"),
        ("성인용품 보틀", "성인 전용 보틀", "비밀포장 보틀"),
    ),
    "adult_pouch": (
        ("Adult Item Pouch", "Adults Only Pouch", "Discreet Pack"),
        ("성인용품 파우치", "성인 전용 파우치", "비밀포장 팩"),
    ),
}

COLOUR_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "black": (("Black", "Jet Black", "BLK"), ("블랙", "검정", "검은색")),
    "white": (("White", "Off White", "Ivory White"), ("화이트", "흰색", "하얀")),
    "grey": (("Grey", "Gray", "Charcoal"), ("그레이", "회색")),
    "navy": (("Navy", "Dark Blue", "Navy Blue"), ("네이비", "남색")),
    "blue": (("Blue", "Sky Blue", "Azure"), ("블루", "파랑", "파란색")),
    "red": (("Red", "Crimson", "Scarlet"), ("레드", "빨강", "빨간")),
    "pink": (("Pink", "Rose", "Blush"), ("핑크", "분홍")),
    "orange": (("Orange", "Tangerine"), ("오렌지", "주황")),
    "yellow": (("Yellow", "Lemon", "Mustard"), ("옐로우", "노랑")),
    "green": (("Green", "Forest Green", "Emerald"), ("그린", "초록", "녹색")),
    "brown": (("Brown", "Chocolate", "Coffee"), ("브라운", "갈색", "밤색")),
    "beige": (("Beige", "Cream", "Sand"), ("베이지", "크림")),
    "purple": (("Purple", "Violet"), ("퍼플", "보라", "보라색")),
}

# Attribute values that titles may name; what is missing here is not worth a word to sellers.
VALUE_WORDS: dict[str, tuple[str, str]] = {
    "striped": ("Striped", "스트라이프"),
    "dotted": ("Polka Dot", "도트"),
    "checked": ("Checked", "체크"),
    "floral": ("Floral", "꽃무늬"),
    "cotton": ("Cotton", "면"),
    "linen": ("Linen", "린넨"),
    "knit": ("Knit", "니트"),
    "denim": ("Denim", "데님"),
    "satin": ("Satin", "새틴"),
    "wool": ("Wool", "울"),
    "leather": ("Leather", "가죽"),
    "suede": ("Suede", "스웨이드"),
    "canvas": ("Canvas", "캔버스"),
    "nylon": ("Nylon", "나일론"),
    "velvet": ("Velvet", "벨벳"),
    "fabric": ("Fabric", "패브릭"),
    "ceramic": ("Ceramic", "도자기"),
    "steel": ("Stainless Steel", "스테인리스"),
    "aluminium": ("Aluminium", "알루미늄"),
    "metal": ("Metal", "메탈"),
    "oak": ("Oak", "오크"),
    "walnut": ("Walnut", "월넛"),
    "pine": ("Pine", "소나무"),
    "short": ("Short", "숏"),
    "long": ("Long", "롱"),
    "sleeveless": ("Sleeveless", "민소매"),
    "v-neck": ("V-Neck", "브이넥"),
    "crew": ("Crew Neck", "라운드"),
    "turtleneck": ("Turtleneck", "터틀넥"),
    "zip": ("Zip Up", "집업"),
    "slim": ("Slim", "슬림"),
    "wide": ("Wide", "와이드"),
    "cropped": ("Cropped", "크롭"),
    "shorts": ("Shorts", "반바지"),
    "a-line": ("A-Line", "A라인"),
    "pencil": ("Pencil", "펜슬"),
    "pleated": ("Pleated", "플리츠"),
    "mini": ("Mini", "미니"),
    "midi": ("Midi", "미디"),
    "maxi": ("Maxi", "맥시"),
    "double-breasted": ("Double Breasted", "더블"),
    "low-top": ("Low", "로우"),
    "high-top": ("High Top", "하이탑"),
    "ankle": ("Ankle", "앵클"),
    "knee": ("Knee High", "롱"),
    "stiletto": ("Stiletto", "스틸레토"),
    "block": ("Block Heel", "통굽"),
    "wedge": ("Wedge", "웨지"),
    "pointed": ("Pointed Toe", "뾰족"),
    "chain": ("Chain", "체인"),
    "bucket hat": ("Bucket", "버킷햇"),
    "digital": ("Digital", "디지털"),
    "round": ("Round", "원형"),
    "square": ("Square", "사각"),
    "cat-eye": ("Cat Eye", "캣아이"),
    "aviator": ("Aviator", "보잉"),
    "flute": ("Champagne", "샴페인"),
    "coupe": ("Coupe", "쿠페"),
    "electric": ("Electric", "전기"),
    "over-ear": ("Over Ear", "오버이어"),
    "portable": ("Portable", "휴대용"),
    "bookshelf": ("Bookshelf", "북쉘프"),
    "mirrorless": ("Mirrorless", "미러리스"),
    "compact": ("Compact", "컴팩트"),
    "swivel": ("Swivel", "회전"),
    "pump": ("Pump", "펌프"),
    "globe": ("Globe", "구형"),
}
COUNT_WORDS: dict[str, tuple[str, str]] = {
    "seats": ("{}-Seater", "{}인용"),
    "doors": ("{} Door", "{}도어"),
    "cameras": ("{} Camera", "카메라 {}개"),
}

PROMOTIONS = (
    ("[FREE SHIPPING]", "[SALE]", "HOT DEAL", "NEW", "★SALE★", "[50% OFF]", "Best Seller", "[1+1]"),
    ("무료배송", "[무료배송]", "★특가★", "[당일발송]", "신상", "[1+1]", "정품", "초특가", "[쿠폰할인]"),
)
TAILS = (
    ("Free Size", "1pc", "2026 New", "for Women", "for Men", "Gift", "Unisex", "Official"),
    ("프리사이즈", "1개", "2026신상", "여성", "남성", "선물용", "남녀공용", "국내배송"),
)
DESCRIPTIONS = (
    (
        "{noun} by {brand}. {colour}, {material}.",
        "Brand new {noun}. Ships within a day.",
        "{brand} {series}: a {noun} for every day.",
    ),
    (
        "{brand} {noun} 입니다. 색상 {colour}.",
        "당일 발송되는 {noun}.",
        "{brand} {series} {noun}, 매일 쓰기 좋아요.",
    ),
)

_SYLLABLES = {
    "lu": "루", "mo": "모", "ka": "카", "ri": "리", "ve": "베", "no": "노", "ta": "타", "so": "소",
    "be": "베",
    "ha": "하", "ne": "네", "du": "두", "pa": "파", "li": "리", "go": "고", "mi": "미", "ro": "로",
    "sa": "사",
    "te": "테",
    "yu": "유", "bo": "보", "na": "나", "ku": "쿠", "je": "제", "wo": "워", "dan": "단", "mar": "마르",
    "lin": "린", "ton": "톤", "ven": "벤",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Brand:
    """An invented name, as English and as Korean sellers write it."""

    english: str
    korean: str

    def written(self, language: str) -> str:
        """The name in "en" or "ko"."""
        return self.korean if language == "ko" else self.english


def make_brands(rng: Random, num: int) -> list[Brand]:
    """Invent `num` different names."""
    out: dict[str, Brand] = {}
    while len(out) < num:
        parts = rng.sample(sorted(_SYLLABLES), rng.choice((2, 3, 3)))
        name = "".join(parts).capitalize()
        out[name] = Brand(english=name, korean="".join(_SYLLABLES[part] for part in parts))
    return list(out.values())
