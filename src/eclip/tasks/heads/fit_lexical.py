"""Fit the lexical expert of every task, and weigh it against the heads over vectors.

The TF-IDF baseline is this expert alone, fitted anew by the same function.
"""

from __future__ import annotations

import numpy as np

from eclip.progress import stage
from eclip.schema import SPLITS
from eclip.tasks.catalogue import Catalogue
from eclip.tasks.heads.lexical import LexicalHeads, TitleTerms, choose_share, max_terms_for
from eclip.tasks.heads.lexical_training import fit_lexical
from eclip.tasks.heads.linear import Target
from eclip.tasks.heads.modal import ModalHeads
from eclip.tasks.heads.training import heads_by_task, named_targets

COMBINED = ("text", "both")  # modalities whose rows have titles


def fit_title_heads(
    catalogue: Catalogue, targets: dict[str, list[Target]], *, seed: int, method: str = "lexical"
) -> dict[str, LexicalHeads]:
    """Heads over title terms for every task in one run, without a share yet; tasks without one are left out."""
    has_title = np.array([bool(title) for title in catalogue.titles], dtype=bool)
    train = np.flatnonzero(has_title & catalogue.within(SPLITS[0]))
    named = named_targets(targets, train)
    if not named:
        return {}
    num_classes = sum(len(target.labels) for target in named)
    with stage("Counting title terms", len(train) + catalogue.num_rows, unit="titles") as advance:
        terms = TitleTerms.of([catalogue.titles[row] for row in train], max_terms=max_terms_for(num_classes))
        advance(len(train))
        matrix = terms.features(catalogue.titles)
        advance(catalogue.num_rows)
    if not terms.num_terms:
        return {}
    fitted = fit_lexical(
        matrix,
        named,
        train_rows=train,
        validation_rows=np.flatnonzero(has_title & catalogue.within(SPLITS[1])),
        seed=seed,
        name=f"Fitting {len(named)} {method} heads on titles",
    )
    return {task: LexicalHeads(terms, heads, {}) for task, heads in heads_by_task(fitted).items()}


def add_lexical(
    catalogue: Catalogue,
    targets: dict[str, list[Target]],
    heads: dict[str, ModalHeads],
    experts: dict[str, LexicalHeads],
) -> dict[str, ModalHeads]:
    """The same heads with the lexical experts of `fit_title_heads`, whose shares the validation split chooses."""
    combined = dict(heads)
    for task, expert in experts.items():
        shares = _shares(catalogue, targets[task], heads[task], expert)
        if shares:
            combined[task] = ModalHeads(heads[task].by_modality, LexicalHeads(expert.terms, expert.linear, shares))
    return combined


def _shares(
    catalogue: Catalogue, targets: list[Target], heads: ModalHeads, expert: LexicalHeads
) -> dict[str, dict[str, float]]:
    """The lexical expert's share by modality and head, chosen on validation rows that have both."""
    validation = catalogue.rows_of(SPLITS[1])
    terms = expert.terms.features([catalogue.titles[row] for row in validation])
    images, texts = catalogue.image_vectors[validation], catalogue.text_vectors[validation]
    inputs = heads.inputs(images, texts, [])
    shares: dict[str, dict[str, float]] = {}
    for modality in COMBINED:
        if modality not in heads.by_modality:
            continue
        has_modality = catalogue.complete(modality)[validation]
        rows = np.flatnonzero(has_modality & (np.diff(terms.indptr) > 0))
        for target in targets:
            if target.name not in heads.by_modality[modality].heads or target.name not in expert.linear.heads:
                continue
            shares.setdefault(modality, {})[target.name] = choose_share(
                heads.probabilities(target.name, modality, inputs, rows),
                expert.linear.probabilities(target.name, terms[rows]),
                target.codes[validation[rows]],
            )
    return shares
