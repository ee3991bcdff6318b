"""Every column and artefact version in one place.

Stages meet only through these artefacts: the store (Lance datasets), the model folder, vector files and
enrich files (Parquet). A change of meaning raises the version.
"""

from __future__ import annotations

import pyarrow as pa

STORE_VERSION = 3
MODEL_VERSION = 1
REPORT_VERSION = 1
INDEX_VERSION = 2

# --- names inside a store folder ---
PRODUCTS_DATASET = "products.lance"
REJECTS_DATASET = "rejects.lance"
CONFLICTS_DATASET = "conflicts.lance"
CORRECTIONS_DATASET = "corrections.lance"  # there once a person has corrected something
STORE_DATASETS = (PRODUCTS_DATASET, REJECTS_DATASET, CONFLICTS_DATASET)
STORE_CACHE = "cache"  # what can be made again: vectors of other towers, parts of an unfinished job
STORE_INDEX_POINTER = "index/index.json"  # names the version that is read
STORE_INDEX = "index"  # what fast searches read, by `eclip index`
STORE_INCOMING = "incoming"  # listings on their way in, while an update runs
STORE_LOCK = ".lock"  # held by whoever writes
STORE_REPORT = "report.html"
STORE_MANIFEST = "store.json"  # written last: its presence says that the store is whole
STORE_NAMES = {
    *STORE_DATASETS,
    CORRECTIONS_DATASET,
    STORE_CACHE,
    STORE_INDEX,
    "conflicts.json",  # of stores up to version 2
    STORE_INCOMING,
    STORE_LOCK,
    STORE_REPORT,
    STORE_MANIFEST,
}

# --- names inside a model folder ---
MODEL_CONFIG = "open_clip_config.json"
MODEL_WEIGHTS = "open_clip_model.safetensors"
MODEL_CARD = "README.md"
MODEL_MANIFEST = "eclip.json"  # written last: its presence says that the model is whole
MODEL_TASKS = "tasks"
MODEL_RUN = "run"
MODEL_EXPORT = "export"  # graphs for inference engines, and what a trial of them found; can be made again

# --- names inside a report folder ---
REPORT_PAGE = "report.html"
REPORT_DATA = "report.json"
REPORT_DRAWS = "draws.safetensors"  # the figures on resampled products: what `eclip compare` pairs
COMPARISON_PAGE = "comparison.html"
COMPARISON_DATA = "comparison.json"

SPLITS = ("train", "validation", "test")
SPLIT_SHARES = (0.8, 0.1, 0.1)

# A product's rating when it is not for everybody; None = for everybody.
POLICIES = ("adult", "age-restricted", "sensitive")

ATTRIBUTES_TYPE = pa.map_(pa.string(), pa.list_(pa.string()))

PRODUCTS_SCHEMA = pa.schema(
    [
        pa.field("product_id", pa.string(), nullable=False),  # ONE LISTING: one seller's offer
        pa.field("title", pa.string()),  # cleaned; null where the product has none
        pa.field("raw_title", pa.string()),  # as the feed had it
        pa.field("description", pa.string()),
        pa.field("language", pa.string()),  # ISO 639-1, from the title's script or the feed
        pa.field("brand", pa.string()),
        pa.field("seller", pa.string()),
        pa.field("price", pa.float64()),
        pa.field("url", pa.string()),
        pa.field("gtin", pa.string()),
        pa.field("model_number", pa.string()),
        pa.field("category", pa.list_(pa.string())),  # names from root to leaf
        pa.field("attributes", ATTRIBUTES_TYPE),  # name -> values
        pa.field("feed_catalog_id", pa.string()),  # as the feed gave it: what tasks take for the truth
        pa.field("feed_model_id", pa.string()),
        pa.field("policy", pa.string()),  # one of POLICIES, or null
        pa.field("image", pa.binary()),  # encoded picture, size-limited
        pa.field("extra_images", pa.list_(pa.binary())),  # further views, encoded likewise
        pa.field("image_hash", pa.string()),  # digest of the decoded pixels, 32 hex digits
        pa.field("perceptual_hash", pa.uint64()),  # of what a picture looks like: near ones differ in few bits
        pa.field("content_hash", pa.string()),  # digest of what a model sees: title and pictures
        pa.field("listing_hash", pa.string()),  # digest of the whole cleaned listing: tells updates what changed
        pa.field("pair_score", pa.float32()),  # how well picture and title agree, once a model has looked
        pa.field("weight", pa.float32()),  # of the pair in the loss
        pa.field("flags", pa.list_(pa.string())),  # what was odd in the listing itself
        # From here on: what only a view of all listings tells.
        pa.field("duplicate_of", pa.string()),  # product_id of the first listing of this offer
        pa.field("duplicate_reason", pa.string()),
        pa.field("catalog_id", pa.string()),  # the same sellable item over sellers: given, else inferred
        pa.field("catalog_reason", pa.string()),  # "given" or why it was inferred
        pa.field("model_id", pa.string()),  # the variants (colours, sizes) of one model together
        pa.field("loss_group", pa.int64()),  # products that must not repel each other in the loss
        pa.field("review_flags", pa.list_(pa.string())),  # what a person should look at, seen among all listings
        pa.field("split", pa.string()),  # one of SPLITS, stable for ever
    ]
)

WHOLE_FEED_COLUMNS = (
    "duplicate_of",
    "duplicate_reason",
    "catalog_id",
    "catalog_reason",
    "model_id",
    "loss_group",
    "review_flags",
    "split",
)

REJECTS_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64()),  # 1-based data row in the feed
        pa.field("product_id", pa.string()),
        pa.field("reason", pa.string()),  # short kind, counted in the report: "no title and no picture"
        pa.field("detail", pa.string()),  # what was found
        pa.field("raw", pa.string()),  # the row as JSON, pictures left out
    ]
)

# Links between listings that something contradicts.
CONFLICTS_SCHEMA = pa.schema(
    [
        pa.field("action", pa.string()),  # cut (an inferred link was not made) or flagged (a given catalog stays)
        pa.field("evidence", pa.string()),  # what would link them: "same barcode gtin:0880..."
        pa.field("clash", pa.string()),  # what is two: "colours", "barcodes", "prices of one seller"
        pa.field("product_ids", pa.list_(pa.string())),  # two that stand for the sides; one for a given catalog
    ]
)

# What people said of listings: it wins over the feed, the latest of one listing and field over those before.
CORRECTIONS_SCHEMA = pa.schema(
    [
        pa.field("product_id", pa.string(), nullable=False),  # the store need not hold it yet
        pa.field("field", pa.string(), nullable=False),  # category, policy, catalog_id or attributes.NAME
        pa.field("value", pa.string()),  # "Apparel > Shirts", a policy, an id, or values parted by |; null = none
        pa.field("corrected_at", pa.timestamp("s", tz="UTC"), nullable=False),
        pa.field("source", pa.string()),  # who said so
    ]
)

# Beside the products after `embed`.
EMBEDDING_COLUMNS = ("image_embedding", "text_embedding", "product_embedding")
EMBEDDING_MODEL_COLUMN = "embedding_model"


def embedding_type(embed_dim: int, *, is_float16: bool = False) -> pa.DataType:
    """Fixed-size list of `embed_dim` float32 (or float16): unit length, null where the modality is missing.

    The column's type says which; `Store.vectors` gives float32 of either, so that no reader need ask.
    """
    return pa.list_(pa.float16() if is_float16 else pa.float32(), embed_dim)


def vectors_schema(embed_dim: int, *, is_float16: bool = False) -> pa.Schema:
    """Schema of the Parquet file that `embed --out` writes."""
    vector = embedding_type(embed_dim, is_float16=is_float16)
    return pa.schema([pa.field("product_id", pa.string())] + [pa.field(name, vector) for name in EMBEDDING_COLUMNS])


# One row a listing, in the feed's order: what `enrich` writes.
ENRICHED_SCHEMA = pa.schema(
    [
        pa.field("product_id", pa.string()),
        pa.field("category", pa.list_(pa.string())),  # the leaf, or a parent where no leaf is sure enough
        pa.field("category_confidence", pa.float32()),
        pa.field("category_leaves", pa.map_(pa.string(), pa.float32())),  # the likeliest, best first: "Home > Mugs"
        pa.field("category_unknown", pa.bool_()),  # like no category that was learned
        pa.field("attributes", pa.map_(pa.string(), pa.string())),  # several values parted by " | "
        pa.field("attribute_confidences", pa.map_(pa.string(), pa.float32())),
        pa.field("attribute_sources", pa.map_(pa.string(), pa.string())),  # picture, title, both, span, zero-shot
        pa.field("attribute_conflicts", pa.map_(pa.string(), pa.string())),  # what contradicts them, in words
        pa.field("attribute_review", pa.list_(pa.string())),  # names of those that are not sure
        pa.field("same_product_ids", pa.list_(pa.string())),
        pa.field("same_product_confidences", pa.list_(pa.float32())),  # of each of them
        pa.field("same_product_reason", pa.string()),  # why the first of them is
        pa.field("catalog_id", pa.string()),  # of the store: where the first that stands in one stands
        pa.field("cluster_id", pa.string()),  # the first listing of the feed's that is the same product, or itself
        pa.field("cluster_confidence", pa.float32()),
        pa.field("duplicate_ids", pa.list_(pa.string())),  # listings that say the same, empty where there is none
        pa.field("duplicate_reason", pa.string()),
        pa.field("duplicate_place", pa.string()),  # "store" or "feed": where the first of them is
        pa.field("adult_probability", pa.float32()),
        pa.field("policy", pa.string()),  # one of POLICIES, set without a look; null = for everybody, or not sure
        pa.field("policy_reason", pa.string()),
        pa.field("policy_review", pa.bool_()),  # for a person to look at
    ]
)
