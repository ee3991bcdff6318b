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
    """One leaf category: where it hangs and which attributes its products have."""

    key: str
    """Also the name of its drawing, and of its nouns in `words.NOUNS`."""
    path: tuple[str, ...]
    """Category names from root to leaf."""
    colours: tuple[str, ...] = _ALL
    patterns: tuple[str, ...] = ("solid",)
    materials: tuple[str, ...]
    traits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Shape details that every product has: attribute name -> values."""
    details: tuple[str, ...] = ()
    """Extras that a product may have, none or some: the list attribute "details"."""
    price: tuple[float, float]
    """Lowest and highest price."""
    sided: bool = False
    """Drawn from one side: sellers show it from the other side too, as a mirror does."""

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
        key="tshirt", path=(_FASHION, "Tops", "T-shirts"), patterns=_PRINTS,
        materials=("cotton", "linen", "knit"), traits=_SLEEVES | _NECKS, details=("chest logo", "pocket"),
        price=(9, 35),
    ),
    Leaf(
        key="shirt", path=(_FASHION, "Tops", "Shirts"), patterns=_PRINTS,
        materials=("cotton", "linen", "denim", "satin"), traits={"sleeve": ("short", "long")},
        details=("chest logo", "pocket"), price=(18, 60),
    ),
    Leaf(
        key="hoodie", path=(_FASHION, "Tops", "Hoodies"), patterns=("solid", "solid", "striped"),
        materials=("cotton", "wool"), traits={"sleeve": ("long",), "closure": ("pullover", "zip")},
        details=("chest logo",), price=(25, 70),
    ),
    Leaf(
        key="trousers", path=(_FASHION, "Bottoms", "Trousers"),
        patterns=("solid", "solid", "striped", "checked"), materials=("cotton", "denim", "wool", "linen"),
        traits={"fit": ("slim", "wide"), "length": ("full", "cropped", "shorts")},
        details=("side stripe", "turn-up"), price=(18, 75),
    ),
    Leaf(
        key="skirt", path=(_FASHION, "Bottoms", "Skirts"), patterns=_PRINTS,
        materials=("cotton", "denim", "satin", "wool"),
        traits={"cut": ("a-line", "pencil", "pleated"), "length": ("mini", "midi", "maxi")},
        details=("belt", "buttons"), price=(16, 60),
    ),
    Leaf(
        key="dress", path=(_FASHION, "Dresses"), patterns=_PRINTS,
        materials=("cotton", "satin", "knit", "linen"),
        traits=_SLEEVES | {"neck": ("crew", "v-neck"), "length": ("mini", "midi", "maxi")},
        details=("belt", "buttons"), price=(24, 120),
    ),
    Leaf(
        key="coat", path=(_FASHION, "Outerwear", "Coats"), patterns=("solid", "solid", "checked"),
        materials=("wool", "cotton", "leather"),
        traits={"sleeve": ("long",), "length": ("short", "long"),
            "closure": ("single-breasted", "double-breasted")}, details=("belt",), price=(60, 240),
    ),
    # --- Shoes ---
    Leaf(
        key="sneaker", path=("Shoes", "Sport", "Sneakers"), materials=("canvas", "leather", "suede", "knit"),
        traits={"height": ("low-top", "high-top")}, details=("toe cap",), price=(30, 140), sided=True,
    ),
    Leaf(
        key="boot", path=("Shoes", "Boots"), colours=_SOBER, materials=("leather", "suede"),
        traits={"shaft": ("ankle", "mid-calf", "knee"), "heel": ("flat", "block", "stiletto")},
        details=("laces", "buckle", "zip"), price=(45, 190), sided=True,
    ),
    Leaf(
        key="heels", path=("Shoes", "Dress Shoes", "High Heels"),
        patterns=("solid", "solid", "solid", "dotted"), materials=("leather", "suede", "satin"),
        traits={"heel height": ("low", "mid", "high"), "heel": ("stiletto", "block", "wedge"),
            "toe": ("pointed", "round")}, details=("ankle strap", "bow"), price=(28, 130), sided=True,
    ),
    # --- Bags & Accessories ---
    Leaf(
        key="backpack", path=("Bags & Accessories", "Bags", "Backpacks"),
        patterns=("solid", "solid", "checked", "dotted"), materials=("nylon", "canvas", "leather"),
        details=("flap", "side pockets"), price=(22, 110),
    ),
    Leaf(
        key="handbag", path=("Bags & Accessories", "Bags", "Handbags"),
        patterns=("solid", "solid", "checked", "striped"), materials=("leather", "suede", "canvas"),
        traits={"handle": ("top handle", "chain", "long strap")}, details=("flap", "quilted", "charm"),
        price=(30, 260),
    ),
    Leaf(
        key="cap", path=("Bags & Accessories", "Hats", "Caps"),
        patterns=("solid", "solid", "checked", "striped"), materials=("cotton", "denim", "wool"),
        traits={"style": ("baseball cap", "baseball cap", "bucket hat")}, price=(10, 45), sided=True,
    ),
    Leaf(
        key="watch", path=("Bags & Accessories", "Jewellery", "Watches"), colours=(*_SOBER, "blue", "pink"),
        materials=("leather", "metal", "nylon"),
        traits={"case": ("round", "square"), "dial": ("analogue", "analogue", "digital"),
            "strap": ("strap", "metal")}, price=(25, 320),
    ),
    Leaf(
        key="sunglasses", path=("Bags & Accessories", "Eyewear", "Sunglasses"),
        materials=("plastic", "metal"), traits={"lens": ("round", "square", "cat-eye", "aviator")},
        price=(12, 160),
    ),
    # --- Kitchen ---
    Leaf(
        key="mug", path=("Kitchen", "Drinkware", "Mugs"), patterns=_PRINTS, materials=("ceramic", "steel"),
        traits={"handle": ("round", "angular")}, details=("filled", "saucer"), price=(5, 24), sided=True,
    ),
    Leaf(
        key="wine_glass", path=("Kitchen", "Drinkware", "Wine Glasses"),
        colours=("white", "blue", "green", "pink", "orange", "purple", "grey"), materials=("glass",),
        traits={"bowl": ("wine", "flute", "coupe")}, details=("filled", "gold rim"), price=(6, 40),
    ),
    Leaf(
        key="frying_pan", path=("Kitchen", "Cookware", "Frying Pans"), materials=("aluminium", "steel"),
        traits={"handle": ("wood", "steel", "coloured")}, details=("ridges", "egg"), price=(12, 70),
        sided=True,
    ),
    Leaf(
        key="pot", path=("Kitchen", "Cookware", "Pots"), materials=("steel", "ceramic", "aluminium"),
        traits={"lid": ("glass", "metal", "none")}, details=("coloured knob",), price=(16, 120),
    ),
    Leaf(
        key="kettle", path=("Kitchen", "Appliances", "Kettles"), materials=("steel", "plastic"),
        traits={"type": ("electric", "stove-top")}, details=("window",), price=(18, 95), sided=True,
    ),
    # --- Electronics ---
    Leaf(
        key="headphones", path=("Electronics", "Audio", "Headphones"),
        materials=("plastic", "leather", "aluminium"), traits={"style": ("over-ear", "on-ear")},
        details=("microphone", "cable"), price=(20, 320),
    ),
    Leaf(
        key="speaker", path=("Electronics", "Audio", "Speakers"), materials=("plastic", "walnut", "fabric"),
        traits={"style": ("portable", "bookshelf")}, price=(20, 300),
    ),
    Leaf(
        key="laptop", path=("Electronics", "Computers", "Laptops"),
        colours=("grey", "black", "white", "navy", "pink", "blue", "beige"),
        materials=("aluminium", "plastic"), price=(380, 2100),
    ),
    Leaf(
        key="smartphone", path=("Electronics", "Phones", "Smartphones"),
        materials=("glass", "plastic", "aluminium"),
        traits={"cameras": ("1", "2", "3", "4"),
            "view": ("back", "front and back", "front and back", "front")}, price=(150, 1300),
    ),
    Leaf(
        key="camera", path=("Electronics", "Photo", "Cameras"), colours=_SOBER,
        materials=("leather", "plastic"), traits={"type": ("mirrorless", "compact")}, price=(120, 1900),
    ),
    Leaf(
        key="controller", path=("Electronics", "Gaming", "Controllers"), materials=("plastic",),
        details=("coloured buttons",), price=(18, 90),
    ),
    # --- Home ---
    Leaf(
        key="chair", path=("Home", "Seating", "Chairs"), materials=("fabric", "leather", "oak", "plastic"),
        traits={"back": ("solid", "slats", "open"), "base": ("legs", "legs", "swivel")},
        details=("arms", "buttons"), price=(35, 240), sided=True,
    ),
    Leaf(
        key="sofa", path=("Home", "Seating", "Sofas"),
        patterns=("solid", "solid", "solid", "striped", "checked"), materials=("fabric", "leather", "velvet"),
        traits={"seats": ("1", "2", "3")}, details=("cushions",), price=(180, 1400),
    ),
    Leaf(
        key="table", path=("Home", "Tables"),
        colours=("brown", "beige", "white", "black", "grey", "green", "red", "yellow"),
        materials=("oak", "walnut", "pine"),
        traits={"top": ("round", "square"), "legs": ("four", "crossed", "pedestal")},
        details=("shelf", "vase"), price=(45, 420),
    ),
    Leaf(
        key="wardrobe", path=("Home", "Storage", "Wardrobes"),
        colours=("white", "brown", "beige", "black", "grey", "green", "blue", "pink"),
        materials=("oak", "pine", "walnut"), traits={"doors": ("1", "2", "3", "4")},
        details=("drawers", "panels", "mirror"), price=(90, 780),
    ),
    Leaf(
        key="lamp", path=("Home", "Lighting", "Table Lamps"),
        patterns=("solid", "solid", "striped", "dotted", "checked"), materials=("linen", "fabric", "metal"),
        traits={"shade": ("cone", "drum", "dome", "globe")}, details=("ceramic foot", "pull cord"),
        price=(18, 150),
    ),
    # --- Beauty & Health: hard negatives of the 19+ department among them ---
    Leaf(
        key="shampoo", path=("Beauty & Health", "Hair Care", "Shampoo"), colours=(*_BRIGHT, "black", "red"),
        materials=("plastic",), traits={"cap": ("pump", "flip cap")}, details=("round seal",), price=(5, 32),
    ),
    Leaf(
        key="lipstick", path=("Beauty & Health", "Make-up", "Lipsticks"),
        colours=("red", "pink", "orange", "brown", "purple", "beige"), materials=("satin",),
        details=("cap beside",), price=(7, 45),
    ),
    Leaf(
        key="cream_jar", path=("Beauty & Health", "Skin Care", "Face Creams"),
        colours=(*_BRIGHT, "black", "navy"), materials=("glass", "plastic"), details=("open",), price=(9, 90),
    ),
    Leaf(
        key="cosmetic_box", path=("Beauty & Health", "Skin Care", "Cosmetic Sets"), colours=_PLAIN,
        patterns=("solid", "solid", "floral", "striped"), materials=("cardboard",),
        details=("ribbon", "round seal"), price=(20, 140),
    ),
    Leaf(
        key="eye_drops", path=("Beauty & Health", "Health", "Eye Drops"),
        colours=("blue", "green", "white", "pink", "navy"), materials=("plastic",), details=("carton",),
        price=(4, 22),
    ),
    Leaf(
        key="medicine_box", path=("Beauty & Health", "Health", "Vitamins"),
        colours=("green", "blue", "orange", "red", "yellow", "purple", "navy"), materials=("cardboard",),
        details=("blister", "round seal"), price=(8, 60),
    ),
    # --- 19+: plain packaging only ---
    Leaf(
        key="adult_box", path=(ADULT_DEPARTMENT, "Plain Packaging", "Boxed Goods"), colours=_PLAIN,
        materials=("cardboard",), traits={"age mark": ("yes", "yes", "no")},
        details=("tape", "label", "band"), price=(10, 120),
    ),
    Leaf(
        key="adult_bottle", path=(ADULT_DEPARTMENT, "Plain Packaging", "Bottled Goods"), colours=_PLAIN,
        materials=("plastic",), traits={"age mark": ("yes", "yes", "no")}, details=("label", "band"),
        price=(8, 60),
    ),
    Leaf(
        key="adult_pouch", path=(ADULT_DEPARTMENT, "Plain Packaging", "Pouched Goods"), colours=_PLAIN,
        materials=("foil",), traits={"age mark": ("yes", "yes", "no")}, details=("label", "band"),
        price=(6, 70),
    ),
)  # fmt: skip

DEPARTMENTS = tuple(dict.fromkeys(leaf.path[0] for leaf in LEAVES))
