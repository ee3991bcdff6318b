"""`eclip sellers`: whose listings are in trouble, and which sellers show each other's things."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eclip.commands.arguments import StoreArgument, require_own_folder
from eclip.files import write_text, writing

if TYPE_CHECKING:
    import numpy as np

    from eclip.products.store import Store
    from eclip.sellers.findings import Suspects
    from eclip.sellers.listings import SellerListings
    from eclip.sellers.study import SellerStudy


@dataclass(frozen=True)
class SellersSummary:
    """Where the study is, and all of it."""

    page: Path
    study: SellerStudy


def sellers(store: StoreArgument, /, *, out: Path, model: Path | None = None) -> SellersSummary:
    """Study a store's sellers: wrong pictures, repeats, conflicts, adult goods, prices; who copies whom.

    Every rate comes with its 95 % interval, every group and seller with the listings that speak for it.

    Args:
        store: Whose listings name their sellers.
        out: Folder for sellers.html, sellers.json, sellers.csv, evidence.csv and rings.csv.
        model: Whose fitted tasks say what looks like adult goods; with its vectors in the store (eclip embed) it also
            says which pictures are of something else, where no check did. Default: the words of titles.
    """
    from eclip.products.store import Store
    from eclip.sellers.output import SELLERS_DATA, SELLERS_PAGE, write_study
    from eclip.sellers.page import render_study
    from eclip.sellers.study import study_sellers
    from eclip.version import __version__

    out = Path(out)
    require_own_folder("out", out, marks=(SELLERS_DATA, SELLERS_PAGE))
    opened = Store.open(store)
    digest = _model_digest(model)
    vectors = opened.vectors_digest is not None and opened.vectors_digest == digest
    looks = (lambda listings: _scores(opened, listings, digest)) if vectors and not _is_checked(opened) else None
    study = study_sellers(
        opened, lambda listings: _suspects(opened, listings, model, digest if vectors else None), looks
    )
    facts = {"eclip": __version__, "store": str(opened.place), "digest": opened.digest, "model": digest}
    with writing(out):
        write_study(study, out, facts=facts)
        write_text(out / SELLERS_PAGE, render_study(study, opened, model=digest))
    return SellersSummary(out / SELLERS_PAGE, study)


def _model_digest(model: Path | None) -> str | None:
    from eclip.model.folder import read_manifest

    return None if model is None else str(read_manifest(model)["digest"])


def _is_checked(store: Store) -> bool:
    from eclip.products.manifest import PAIRS_CHECK

    return PAIRS_CHECK in store.manifest


def _vectors(store: Store, digest: str | None, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors [N, D] of pictures and titles by this model; none of either, [N, 0], without one."""
    import numpy as np

    from eclip.vectors import vectors_from_arrow

    if digest is None:
        return np.zeros((num_rows, 0), np.float32), np.zeros((num_rows, 0), np.float32)
    held = store.vectors(model_digest=digest)
    return vectors_from_arrow(held["image_embedding"]), vectors_from_arrow(held["text_embedding"])


def _suspects(store: Store, listings: SellerListings, model: Path | None, digest: str | None) -> Suspects:
    """Listings that the adult task sets to adult; without a model that learned it, by the terms of titles."""
    import numpy as np

    from eclip.schema import MODEL_TASKS
    from eclip.sellers.findings import ADULT, Suspects
    from eclip.tasks.adult.answers import policy_answers
    from eclip.tasks.adult.counted import CountedPolicies
    from eclip.tasks.adult.recognizer import PolicyRecognizer
    from eclip.tasks.adult.targets import NAME
    from eclip.tasks.taskfiles import read_task

    recognizer, counted = PolicyRecognizer.by_rules(), None
    if model is not None and (Path(model) / MODEL_TASKS / NAME).is_dir():
        read_task(Path(model) / MODEL_TASKS / NAME, str(_model_digest(model)))
        recognizer = PolicyRecognizer.load(Path(model) / MODEL_TASKS / NAME)
        counted = CountedPolicies.of(store).of_listings(listings.product_ids)
    names = [listings.seller_names[place] if place >= 0 else None for place in listings.sellers.tolist()]
    image, text = _vectors(store, digest, len(names))
    seen = recognizer.listings(image, text, listings.titles, names, counted=counted)
    found = policy_answers(recognizer, seen)
    rows = np.array([row for row, level in enumerate(found.levels) if level == ADULT], dtype=np.int64)
    return Suspects(rows=rows, reasons=[found.reasons[row] for row in rows.tolist()])


def _scores(store: Store, listings: SellerListings, digest: str | None) -> np.ndarray:
    """Probability [N] that picture and title belong together, as a check of the pairs would find; the store stays."""
    import numpy as np

    from eclip.products.agreement.check import score_pairs

    image, _ = _vectors(store, digest, len(listings.titles))
    titled = np.array([title is not None for title in listings.titles], dtype=bool)
    pairs = np.flatnonzero(titled & listings.telling & ~np.isnan(image[:, 0]))
    paths = [listings.categories[row] for row in pairs]
    judged = score_pairs(
        image[pairs],
        [str(listings.titles[row]) for row in pairs],
        [path.split(" > ") if path else None for path in paths],
        listings.groups[pairs].tolist(),
    )
    scores = np.full(len(titled), np.nan)
    scores[pairs] = judged.scores
    return scores
