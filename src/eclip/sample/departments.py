"""The catalogue tree of the sample shop: departments, leaf categories, the attributes each leaf has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ADULT_DEPARTMENT = "Adults Only (19+)"

_ALL = (
    "black",
    "white",
    "grey",
    "navy",
    "blue",
    "red",
    "pink",
    "orange",
    "yellow",
    "green",
    "brown",
    "beige",
    "purple",
)
_SOBER = ("black", "white", "grey", "navy", "beige", "brown", "green", "red")
_BRIGHT = ("white", "pink", "purple", "blue", "green", "orange", "yellow", "beige")
_PLAIN = ("black", "white", "grey", "brown", "beige", "navy", "purple", "pink", "red")
_PRINTS = ("solid", "striped", "dotted", "checked", "floral")


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One leaf category: where it hangs, what it is called, which attributes its products have."""

    key: str
    """Also the name of its drawing."""
    path: tuple[str, ...]
    """Category names from root to leaf."""
    english: tuple[str, ...]
    """Nouns that sellers use in titles."""
    korean: tuple[str, ...]
    colours: tuple[str, ...] = _ALL
    patterns: tuple[str, ...] = ("solid",)
    materials: tuple[str, ...]
    traits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Shape details that every product has: attribute name -> values."""
    details: tuple[str, ...] = ()
    """Extras that a product may have, none or some: the list attribute "details"."""
    price: tuple[float, float]
    """Lowest and highest price."""

    @property
    def adult(self) -> bool:
        """Whether the leaf hangs in the 19+ department."""
        return self.path[0] == ADULT_DEPARTMENT


_SLEEVES = {"sleeve": ("short", "long", "sleeveless")}
_NECKS = {"neck": ("crew", "v-neck", "turtleneck")}
_FASHION = "Fashion"
_WEAVES = ("cotton", "linen", "fabric")

LEAVES: tuple[Leaf, ...] = (
    # --- Fashion ---
    Leaf(
        key="tshirt", path=(_FASHION, "Tops", "T-shirts"), english=("T-Shirt", "Tee", "Top"),
        korean=("티셔츠", "반팔티", "상의"), patterns=_PRINTS, materials=("cotton", "linen", "knit"),
        traits=_SLEEVES | _NECKS, details=("chest logo", "pocket"), price=(9, 35),
    ),
    Leaf(
        key="shirt", path=(_FASHION, "Tops", "Shirts"), english=("Shirt", "Button Down Shirt", "Blouse"),
        korean=("셔츠", "남방", "블라우스"), patterns=_PRINTS,
        materials=("cotton", "linen", "denim", "satin"), traits={"sleeve": ("short", "long")},
        details=("chest logo", "pocket"), price=(18, 60),
    ),
    Leaf(
        key="hoodie", path=(_FASHION, "Tops", "Hoodies"), english=("Hoodie", "Hooded Sweatshirt", "Hoody"),
        korean=("후드티", "후드", "후드집업"), patterns=("solid", "solid", "striped"),
        materials=("cotton", "wool"), traits={"sleeve": ("long",), "closure": ("pullover", "zip")},
        details=("chest logo",), price=(25, 70),
    ),
    Leaf(
        key="trousers", path=(_FASHION, "Bottoms", "Trousers"), english=("Pants", "Trousers", "Slacks"),
        korean=("바지", "팬츠", "슬랙스"), patterns=("solid", "solid", "striped", "checked"),
        materials=("cotton", "denim", "wool", "linen"),
        traits={"fit": ("slim", "wide"), "length": ("full", "cropped", "shorts")},
        details=("side stripe", "turn-up"), price=(18, 75),
    ),
    Leaf(
        key="skirt", path=(_FASHION, "Bottoms", "Skirts"), english=("Skirt",), korean=("스커트", "치마"),
        patterns=_PRINTS, materials=("cotton", "denim", "satin", "wool"),
        traits={"cut": ("a-line", "pencil", "pleated"), "length": ("mini", "midi", "maxi")},
        details=("belt", "buttons"), price=(16, 60),
    ),
    Leaf(
        key="dress", path=(_FASHION, "Dresses"), english=("Dress", "One Piece"),
        korean=("원피스", "드레스"), patterns=_PRINTS, materials=("cotton", "satin", "knit", "linen"),
        traits=_SLEEVES | {"neck": ("crew", "v-neck"), "length": ("mini", "midi", "maxi")},
        details=("belt", "buttons"), price=(24, 120),
    ),
    Leaf(
        key="coat", path=(_FASHION, "Outerwear", "Coats"), english=("Coat", "Jacket", "Overcoat"),
        korean=("코트", "자켓", "아우터"), patterns=("solid", "solid", "checked"),
        materials=("wool", "cotton", "leather"),
        traits={"sleeve": ("long",), "length": ("short", "long"), "closure": ("single-breasted", "double-breasted")},
        details=("belt",), price=(60, 240),
    ),
    # --- Shoes ---
    Leaf(
        key="sneaker", path=("Shoes", "Sport", "Sneakers"),
        english=("Sneakers", "Trainers", "Running Shoes"), korean=("운동화", "스니커즈", "런닝화"),
        materials=("canvas", "leather", "suede", "knit"), traits={"height": ("low-top", "high-top")},
        details=("toe cap",), price=(30, 140),
    ),
    Leaf(
        key="boot", path=("Shoes", "Boots"), english=("Boots", "Boot"), korean=("부츠", "워커"),
        colours=_SOBER, materials=("leather", "suede"),
        traits={"shaft": ("ankle", "mid-calf", "knee"), "heel": ("flat", "block", "stiletto")},
        details=("laces", "buckle", "zip"), price=(45, 190),
    ),
    Leaf(
        key="heels", path=("Shoes", "Dress Shoes", "High Heels"), english=("Heels", "Pumps", "High Heels"),
        korean=("하이힐", "펌프스", "구두"), patterns=("solid", "solid", "solid", "dotted"),
        materials=("leather", "suede", "satin"),
        traits={"heel height": ("low", "mid", "high"), "heel": ("stiletto", "block", "wedge"), "toe": ("pointed", "round")},
        details=("ankle strap", "bow"), price=(28, 130),
    ),
    # --- Bags & Accessories ---
    Leaf(
        key="backpack", path=("Bags & Accessories", "Bags", "Backpacks"),
        english=("Backpack", "Rucksack", "Daypack"), korean=("백팩", "배낭", "책가방"),
        patterns=("solid", "solid", "checked", "dotted"), materials=("nylon", "canvas", "leather"),
        details=("flap", "side pockets"), price=(22, 110),
    ),
    Leaf(
        key="handbag", path=("Bags & Accessories", "Bags", "Handbags"),
        english=("Handbag", "Shoulder Bag", "Tote Bag"), korean=("핸드백", "숄더백", "가방"),
        patterns=("solid", "solid", "checked", "striped"), materials=("leather", "suede", "canvas"),
        traits={"handle": ("top handle", "chain", "long strap")}, details=("flap", "quilted", "charm"),
        price=(30, 260),
    ),
    Leaf(
        key="cap", path=("Bags & Accessories", "Hats", "Caps"), english=("Cap", "Hat", "Ball Cap"),
        korean=("모자", "볼캡", "캡"), patterns=("solid", "solid", "checked", "striped"),
        materials=("cotton", "denim", "wool"),
        traits={"style": ("baseball cap", "baseball cap", "bucket hat")}, price=(10, 45),
    ),
    Leaf(
        key="watch", path=("Bags & Accessories", "Jewellery", "Watches"), english=("Watch", "Wristwatch"),
        korean=("손목시계", "시계", "워치"), colours=(*_SOBER, "blue", "pink"),
        materials=("leather", "metal", "nylon"),
        traits={"case": ("round", "square"), "dial": ("analogue", "analogue", "digital"), "strap": ("strap", "metal")},
        price=(25, 320),
    ),
    Leaf(
        key="sunglasses", path=("Bags & Accessories", "Eyewear", "Sunglasses"),
        english=("Sunglasses", "Shades", "Eyewear"), korean=("선글라스", "안경"),
        materials=("plastic", "metal"), traits={"lens": ("round", "square", "cat-eye", "aviator")},
        price=(12, 160),
    ),
    # --- Kitchen ---
    Leaf(
        key="mug", path=("Kitchen", "Drinkware", "Mugs"), english=("Mug", "Coffee Cup", "Mug Cup"),
        korean=("머그컵", "컵", "머그잔"), patterns=_PRINTS, materials=("ceramic", "steel"),
        traits={"handle": ("round", "angular")}, details=("filled", "saucer"), price=(5, 24),
    ),
    Leaf(
        key="wine_glass", path=("Kitchen", "Drinkware", "Wine Glasses"),
        english=("Wine Glass", "Glass", "Stemware"), korean=("와인잔", "글라스", "유리잔"),
        colours=("white", "blue", "green", "pink", "orange", "purple", "grey"), materials=("glass",),
        traits={"bowl": ("wine", "flute", "coupe")}, details=("filled", "gold rim"), price=(6, 40),
    ),
    Leaf(
        key="frying_pan", path=("Kitchen", "Cookware", "Frying Pans"),
        english=("Frying Pan", "Skillet", "Pan"), korean=("프라이팬", "후라이팬", "팬"),
        materials=("aluminium", "steel"), traits={"handle": ("wood", "steel", "coloured")},
        details=("ridges", "egg"), price=(12, 70),
    ),
    Leaf(
        key="pot", path=("Kitchen", "Cookware", "Pots"), english=("Pot", "Saucepan", "Cooking Pot"),
        korean=("냄비", "양수냄비", "스튜팟"), materials=("steel", "ceramic", "aluminium"),
        traits={"lid": ("glass", "metal", "none")}, details=("coloured knob",), price=(16, 120),
    ),
    Leaf(
        key="kettle", path=("Kitchen", "Appliances", "Kettles"),
        english=("Kettle", "Tea Kettle", "Water Boiler"), korean=("주전자", "전기포트", "케틀"),
        materials=("steel", "plastic"), traits={"type": ("electric", "stove-top")}, details=("window",),
        price=(18, 95),
    ),
    # --- Electronics ---
    Leaf(
        key="headphones", path=("Electronics", "Audio", "Headphones"), english=("Headphones", "Headset"),
        korean=("헤드폰", "헤드셋"), materials=("plastic", "leather", "aluminium"),
        traits={"style": ("over-ear", "on-ear")}, details=("microphone", "cable"), price=(20, 320),
    ),
    Leaf(
        key="speaker", path=("Electronics", "Audio", "Speakers"),
        english=("Speaker", "Bluetooth Speaker", "Loudspeaker"), korean=("스피커", "블루투스 스피커"),
        materials=("plastic", "walnut", "fabric"), traits={"style": ("portable", "bookshelf")},
        price=(20, 300),
    ),
    Leaf(
        key="laptop", path=("Electronics", "Computers", "Laptops"), english=("Laptop", "Notebook"),
        korean=("노트북", "랩탑"), colours=("grey", "black", "white", "navy", "pink", "blue", "beige"),
        materials=("aluminium", "plastic"), price=(380, 2100),
    ),
    Leaf(
        key="smartphone", path=("Electronics", "Phones", "Smartphones"),
        english=("Smartphone", "Phone", "Mobile Phone"), korean=("스마트폰", "휴대폰", "자급제폰"),
        materials=("glass", "plastic", "aluminium"),
        traits={"cameras": ("1", "2", "3", "4"), "view": ("back", "front and back", "front and back", "front")},
        price=(150, 1300),
    ),
    Leaf(
        key="camera", path=("Electronics", "Photo", "Cameras"), english=("Camera", "Digital Camera"),
        korean=("카메라", "디카"), colours=_SOBER, materials=("leather", "plastic"),
        traits={"type": ("mirrorless", "compact")}, price=(120, 1900),
    ),
    Leaf(
        key="controller", path=("Electronics", "Gaming", "Controllers"),
        english=("Game Controller", "Gamepad", "Joypad"), korean=("게임패드", "컨트롤러", "조이스틱"),
        materials=("plastic",), details=("coloured buttons",), price=(18, 90),
    ),
    # --- Home ---
    Leaf(
        key="chair", path=("Home", "Seating", "Chairs"), english=("Chair", "Dining Chair", "Desk Chair"),
        korean=("의자", "체어"), materials=("fabric", "leather", "oak", "plastic"),
        traits={"back": ("solid", "slats", "open"), "base": ("legs", "legs", "swivel")},
        details=("arms", "buttons"), price=(35, 240),
    ),
    Leaf(
        key="sofa", path=("Home", "Seating", "Sofas"), english=("Sofa", "Couch"), korean=("소파", "쇼파"),
        patterns=("solid", "solid", "solid", "striped", "checked"),
        materials=("fabric", "leather", "velvet"), traits={"seats": ("1", "2", "3")}, details=("cushions",),
        price=(180, 1400),
    ),
    Leaf(
        key="table", path=("Home", "Tables"), english=("Table", "Coffee Table", "Side Table"),
        korean=("테이블", "탁자", "식탁"),
        colours=("brown", "beige", "white", "black", "grey", "green", "red", "yellow"),
        materials=("oak", "walnut", "pine"),
        traits={"top": ("round", "square"), "legs": ("four", "crossed", "pedestal")},
        details=("shelf", "vase"), price=(45, 420),
    ),
    Leaf(
        key="wardrobe", path=("Home", "Storage", "Wardrobes"), english=("Wardrobe", "Closet", "Cabinet"),
        korean=("옷장", "장롱", "수납장"),
        colours=("white", "brown", "beige", "black", "grey", "green", "blue", "pink"),
        materials=("oak", "pine", "walnut"), traits={"doors": ("1", "2", "3", "4")},
        details=("drawers", "panels", "mirror"), price=(90, 780),
    ),
    Leaf(
        key="lamp", path=("Home", "Lighting", "Table Lamps"), english=("Table Lamp", "Desk Lamp", "Lamp"),
        korean=("스탠드", "조명", "탁상램프"), patterns=("solid", "solid", "striped", "dotted", "checked"),
        materials=("linen", "fabric", "metal"), traits={"shade": ("cone", "drum", "dome", "globe")},
        details=("ceramic foot", "pull cord"), price=(18, 150),
    ),
    # --- Beauty & Health: hard negatives of the 19+ department among them ---
    Leaf(
        key="shampoo", path=("Beauty & Health", "Hair Care", "Shampoo"),
        english=("Shampoo", "Hair Wash", "Body Wash"), korean=("샴푸", "바디워시"),
        colours=(*_BRIGHT, "black", "red"), materials=("plastic",), traits={"cap": ("pump", "flip cap")},
        details=("round seal",), price=(5, 32),
    ),
    Leaf(
        key="lipstick", path=("Beauty & Health", "Make-up", "Lipsticks"), english=("Lipstick", "Lip Color"),
        korean=("립스틱", "립컬러"), colours=("red", "pink", "orange", "brown", "purple", "beige"),
        materials=("satin",), details=("cap beside",), price=(7, 45),
    ),
    Leaf(
        key="cream_jar", path=("Beauty & Health", "Skin Care", "Face Creams"),
        english=("Face Cream", "Moisturizer", "Cream"), korean=("수분크림", "크림", "영양크림"),
        colours=(*_BRIGHT, "black", "navy"), materials=("glass", "plastic"), details=("open",),
        price=(9, 90),
    ),
    Leaf(
        key="cosmetic_box", path=("Beauty & Health", "Skin Care", "Cosmetic Sets"),
        english=("Skin Care Set", "Cosmetic Gift Set", "Beauty Box"),
        korean=("화장품 세트", "스킨케어 세트", "선물세트"), colours=_PLAIN,
        patterns=("solid", "solid", "floral", "striped"), materials=("cardboard",),
        details=("ribbon", "round seal"), price=(20, 140),
    ),
    Leaf(
        key="eye_drops", path=("Beauty & Health", "Health", "Eye Drops"),
        english=("Eye Drops", "Artificial Tears"), korean=("인공눈물", "점안액", "안약"),
        colours=("blue", "green", "white", "pink", "navy"), materials=("plastic",), details=("carton",),
        price=(4, 22),
    ),
    Leaf(
        key="medicine_box", path=("Beauty & Health", "Health", "Vitamins"),
        english=("Vitamin Tablets", "Vitamins", "Supplement"), korean=("비타민", "영양제", "건강식품"),
        colours=("green", "blue", "orange", "red", "yellow", "purple", "navy"), materials=("cardboard",),
        details=("blister", "round seal"), price=(8, 60),
    ),
    # --- 19+: plain packaging only ---
    Leaf(
        key="adult_box", path=(ADULT_DEPARTMENT, "Plain Packaging", "Boxed Goods"),
        english=("Adult Item Boxed", "Adults Only Goods", "Discreet Box"),
        korean=("성인용품 박스", "성인 전용 상품", "비밀포장 상품"), colours=_PLAIN,
        materials=("cardboard",), traits={"age mark": ("yes", "yes", "no")},
        details=("tape", "label", "band"), price=(10, 120),
    ),
    Leaf(
        key="adult_bottle", path=(ADULT_DEPARTMENT, "Plain Packaging", "Bottled Goods"),
        english=("Adult Item Bottle", "Adults Only Bottle", "Discreet Bottle"),
        korean=("성인용품 보틀", "성인 전용 보틀", "비밀포장 보틀"), colours=_PLAIN, materials=("plastic",),
        traits={"age mark": ("yes", "yes", "no")}, details=("label", "band"), price=(8, 60),
    ),
    Leaf(
        key="adult_pouch", path=(ADULT_DEPARTMENT, "Plain Packaging", "Pouched Goods"),
        english=("Adult Item Pouch", "Adults Only Pouch", "Discreet Pack"),
        korean=("성인용품 파우치", "성인 전용 파우치", "비밀포장 팩"), colours=_PLAIN, materials=("foil",),
        traits={"age mark": ("yes", "yes", "no")}, details=("label", "band"), price=(6, 70),
    ),
)  # fmt: skip

LEAF_OF = {leaf.key: leaf for leaf in LEAVES}
DEPARTMENTS = tuple(dict.fromkeys(leaf.path[0] for leaf in LEAVES))
