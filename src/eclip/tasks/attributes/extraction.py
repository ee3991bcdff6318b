"""Fit all that attribute extraction adds to its softmax heads, and write it beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eclip.tasks.attributes.answers import SPANS
from eclip.tasks.attributes.fit import fit_closed, save_closed
from eclip.tasks.attributes.spans.fit import fit_spans
from eclip.tasks.attributes.thresholds import TARGET_PRECISION
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.results import Skipped

if TYPE_CHECKING:
    from eclip.tasks.attributes.spans.states import TokenStates

COLUMNS = ("brand", "model_number")  # of a store, that are open values like attributes


@dataclass(frozen=True, kw_only=True)
class TitleSource:
    """What reading titles word by word needs beyond a catalogue.

    Attributes:
        columns: Values of each listing by column, of `COLUMNS`; None where unknown.
        tower: Hidden states of the model's text tower; None = words are judged by their looks alone.
    """

    columns: Mapping[str, Sequence[str | None]]
    tower: TokenStates | None


def fit_extraction(
    catalogue: Catalogue,
    single: ModalHeads,
    folder: Path,
    *,
    titles: TitleSource | None,
    target_precision: float = TARGET_PRECISION,
    seed: int,
) -> list[Skipped]:
    """Fit what answers attributes together, and the taggers of titles; write both into `folder`, which exists.

    Args:
        catalogue: The products, with vectors of the model.
        single: The softmax heads, which the caller writes into the same folder.
        folder: Of the task.
        titles: None = no values are sought in titles.
        target_precision: That sure answers shall have.
        seed: Of everything random.

    Returns:
        Why some attributes are not sought in titles.
    """
    heads, closed = fit_closed(catalogue, single, target_precision=target_precision, seed=seed)
    save_closed(folder, heads, closed)
    if titles is None:
        return []
    # A listing that repeats another is neither learned from nor counted.
    split = catalogue.split.copy()
    split[[original is not None for original in catalogue.duplicate_of]] = None
    spans, skipped = fit_spans(
        catalogue.titles,
        title_values(catalogue, titles.columns),
        split,
        categories=[" > ".join(path) or None for path in catalogue.categories],
        tower=titles.tower,
        target_precision=target_precision,
        seed=seed,
    )
    if spans is not None:
        (folder / SPANS).mkdir()
        spans.save(folder / SPANS)
    return skipped


def title_values(catalogue: Catalogue, columns: Mapping[str, Sequence[str | None]]) -> dict[str, list[tuple[str, ...]]]:
    """Values of each attribute and column that any listing has, () where unknown; attributes win over columns."""
    names = sorted({name for attributes in catalogue.attributes for name in attributes})
    values: dict[str, list[tuple[str, ...]]] = {
        name: [(column[row],) if column[row] else () for row in range(len(column))]  # type: ignore[misc]
        for name, column in columns.items()
        if any(column)
    }
    for name in names:
        given = values.get(name, [()] * catalogue.num_rows)
        values[name] = [attributes.get(name, given[row]) for row, attributes in enumerate(catalogue.attributes)]
    return values
