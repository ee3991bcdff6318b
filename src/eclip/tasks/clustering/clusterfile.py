"""The files of `eclip cluster`: a row a listing with its cluster, and a row a group that a person should look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from eclip.errors import ConfigError, FeedError
from eclip.files import replace_file
from eclip.spreadsheets import original, protected

CLUSTERS_SCHEMA = pa.schema(
    [
        pa.field("product_id", pa.string()),
        pa.field("cluster_id", pa.string()),
        pa.field("confidence", pa.float32()),  # 0..1 that this is the right cluster for it
    ]
)
REVIEW_SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string()),  # "split?", "merge?": to be decided; "was split", "was merged": since --previous
        pa.field("cluster_id", pa.string()),
        pa.field("other_ids", pa.string()),  # clusters that it may be one with, became or came of; by spaces
        pa.field("doubt", pa.float32()),  # 1 = as likely as not; null for changes
        pa.field("product_id", pa.string()),  # the listing in doubt; null for changes
        pa.field("title", pa.string()),
    ]
)
SUFFIXES = (".csv", ".parquet")


def require_table(name: str, path: Path) -> None:
    """Refuse a file name that is no table's.

    Raises:
        ConfigError: It ends otherwise than in one of `SUFFIXES`.
    """
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"--{name} {path}: expected the name of a {' or '.join(SUFFIXES)} file")


def write_table(path: Path, schema: pa.Schema, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write columns as CSV or Parquet, aside first.

    In CSV, which people open in spreadsheets, what would be a formula there begins with an apostrophe.
    """
    import pyarrow.csv as arrow_csv
    import pyarrow.parquet as pq

    if path.suffix == ".csv":
        columns = {name: [protected(cell) for cell in column] for name, column in columns.items()}
    table = pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)
    with replace_file(path) as aside:
        if path.suffix == ".csv":
            arrow_csv.write_csv(table, aside)
        else:
            pq.write_table(table, aside)


def read_clusters(path: Path) -> dict[str, str]:
    """Product id -> cluster id of a file that `write_table` wrote.

    Raises:
        ConfigError: There is no such file, or it is no table.
        FeedError: It can't be read as one, or lacks a column.
    """
    import pyarrow.csv as arrow_csv
    import pyarrow.parquet as pq

    require_table("previous", path)
    if not path.is_file():
        raise ConfigError(f"--previous {path}: no such file; name one that `eclip cluster` wrote, or leave it out")
    names = CLUSTERS_SCHEMA.names[:2]
    try:
        if path.suffix == ".csv":
            options = arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            )
            table = arrow_csv.read_csv(path, convert_options=options)
        else:
            table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise FeedError(f"{path} can't be read: {error}; expected a file that `eclip cluster` wrote") from error
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise FeedError(f"{path} has no column {missing[0]}; expected a file that `eclip cluster` wrote")
    ids, clusters = (table[name].to_pylist() for name in names)
    if path.suffix == ".csv":
        ids, clusters = ([None if cell is None else original(cell) for cell in column] for column in (ids, clusters))
    return {str(key): str(value) for key, value in zip(ids, clusters, strict=True) if key is not None}
