"""The inner loops that compare listings within cells and link each to the first that it repeats."""

from __future__ import annotations

import numpy as np

from eclip.products.duplicates.compiled import compiled

ORIGINAL, EXACT, NEAR = 0, 1, 2


@compiled
def titles_agree(
    words: np.ndarray, start: int, stop: int, paint: int, others: np.ndarray, begin: int, end: int, other_paint: int
) -> bool:
    """Whether one title has all words of the other, and at most a third of its own beside, and no other colour."""
    if paint != 0 and other_paint != 0 and paint != other_paint:
        return False
    i, j, shared = start, begin, 0
    while i < stop and j < end:
        if words[i] == others[j]:
            shared, i, j = shared + 1, i + 1, j + 1
        elif words[i] < others[j]:
            i += 1
        else:
            j += 1
    fewer, more = min(stop - start, end - begin), max(stop - start, end - begin)
    return fewer > 0 and shared == fewer and 3 * fewer >= 2 * more


@compiled
def cell_sizes(
    values: np.ndarray,
    groups: np.ndarray,
    known_values: np.ndarray,
    value_starts: np.ndarray,
    known_groups: np.ndarray,
    starts: np.ndarray,
) -> np.ndarray:
    """[A] rows that the known cells have for each asked value and group; 0 where there is no such cell."""
    out = np.zeros(len(values), dtype=np.int64)
    for i in range(len(values)):
        place = np.searchsorted(known_values, values[i])
        if place == len(known_values) or known_values[place] != values[i]:
            continue
        begin, end = value_starts[place], value_starts[place + 1]
        cell = begin + np.searchsorted(known_groups[begin:end], groups[i])
        if cell < end and known_groups[cell] == groups[i]:
            out[i] = starts[cell + 1] - starts[cell]
    return out


@compiled
def join_cells(
    lefts: np.ndarray,
    rights: np.ndarray,
    cells: tuple[np.ndarray, ...],
    titles: tuple[np.ndarray, ...],
    other_cells: tuple[np.ndarray, ...],
    other_titles: tuple[np.ndarray, ...],
    limit: int,
    cursor: np.ndarray,
    later: np.ndarray,
    earlier: np.ndarray,
) -> int:
    """Pairs of rows in cells of one group, of near values, whose titles agree.

    Args:
        lefts: [P] values on the left.
        rights: [P] values on the right.
        cells: `eclip.products.duplicates.cells.Cells` as a tuple: value_starts, groups, starts, rows, ranks.
        titles: Words, starts and colours of the rows on the left, and the row that they start from.
        other_cells: The same on the right.
        other_titles: The same on the right.
        limit: A row is compared with the first so many rows of each cell only.
        cursor: [2] pair, row of its left value; is moved on.
        later: Buffer for row numbers.
        earlier: The same for the earlier one of each pair.

    Returns:
        Number of pairs written; all is done when cursor[0] is P.
    """
    value_starts, groups, starts, rows, ranks = cells
    other_value_starts, other_groups, other_starts, other_rows, other_ranks = other_cells
    words, word_starts, paints, base = titles
    other_words, other_word_starts, other_paints, other_base = other_titles
    found = 0
    for pair in range(cursor[0], len(lefts)):
        cell, last_cell = value_starts[lefts[pair]], value_starts[lefts[pair] + 1]
        other, last_other = other_value_starts[rights[pair]], other_value_starts[rights[pair] + 1]
        while cell < last_cell and other < last_other:
            if groups[cell] < other_groups[other]:
                cell += 1
                continue
            if groups[cell] > other_groups[other]:
                other += 1
                continue
            for i in range(max(starts[cell], cursor[1]), starts[cell + 1]):
                if len(later) - found < other_starts[other + 1] - other_starts[other]:
                    cursor[0], cursor[1] = pair, i
                    return found
                one = rows[i] - base[0]
                for j in range(other_starts[other], other_starts[other + 1]):
                    if other_ranks[j] >= limit and ranks[i] >= limit:
                        break
                    if rows[i] == other_rows[j]:
                        continue
                    first_rank = ranks[i] if rows[i] < other_rows[j] else other_ranks[j]
                    two = other_rows[j] - other_base[0]
                    if first_rank < limit and titles_agree(
                        words, word_starts[one], word_starts[one + 1], paints[one],
                        other_words, other_word_starts[two], other_word_starts[two + 1], other_paints[two],
                    ):  # fmt: skip
                        later[found], earlier[found] = max(rows[i], other_rows[j]), min(rows[i], other_rows[j])
                        found += 1
            cell, other = cell + 1, other + 1
        cursor[1] = 0
    cursor[0] = len(lefts)
    return found


@compiled
def _first_fitting(others: np.ndarray, facts: np.ndarray, claims: np.ndarray, roots: np.ndarray) -> int:
    """The first of the others that is an original and claims no other fact; -1 = none."""
    for other in others:
        fits = roots[other] == other
        for f in range(len(facts)):
            fits &= claims[f, other] == 0 or facts[f] == 0 or claims[f, other] == facts[f]
        if fits:
            return other
    return -1


@compiled
def link(
    contents: np.ndarray,
    slots: np.ndarray,
    free_slots: np.ndarray,
    facts: np.ndarray,
    edge_starts: np.ndarray,
    edges: np.ndarray,
    first_roots: np.ndarray,
    slot_roots: np.ndarray,
    claims: np.ndarray,
    roots: np.ndarray,
) -> np.ndarray:
    """Link each new listing, in order, to the first that it repeats. The last four arguments are filled.

    Old listings that matter stand before the new ones; M of T listings are new.

    Args:
        contents: [M] number of each row's content.
        slots: [M] number of its content and catalog together.
        free_slots: [M] number of its content without a catalog; -1 = no row has that.
        facts: [F, T] uint64 catalog, barcode, ...; 0 = not given.
        edge_starts: [M + 1] where the near listings of each row start.
        edges: Earlier listings that look alike, ascending for each row.
        first_roots: [contents] original of the first listing with this content; -1 = none yet.
        slot_roots: [slots] original of the first listing with this content and catalog; -1 = none yet.
        claims: [F, T] facts that an original and its duplicates gave.
        roots: [T] original of each listing.

    Returns:
        [M] uint8 ORIGINAL, EXACT, or NEAR for what an edge linked.
    """
    num_facts, num_old = facts.shape[0], len(roots) - len(contents)
    kinds = np.zeros(len(contents), dtype=np.uint8)
    for row in range(len(contents)):
        itself, content, slot = num_old + row, contents[row], slots[row]
        catalog, root, kind = facts[0, itself], slot_roots[slot], EXACT
        if root < 0 and catalog == 0:
            root = first_roots[content]
        elif root < 0 and free_slots[row] >= 0:
            free = slot_roots[free_slots[row]]
            if free >= 0 and (claims[0, free] == 0 or claims[0, free] == catalog):
                root = free
        if root < 0 and first_roots[content] < 0:
            root, kind = (
                _first_fitting(edges[edge_starts[row] : edge_starts[row + 1]], facts[:, itself], claims, roots),
                NEAR,
            )
        if root < 0:
            root, kind = itself, ORIGINAL
        roots[itself], kinds[row], slot_roots[slot] = root, kind, root
        if first_roots[content] < 0:
            first_roots[content] = root
        for f in range(num_facts):
            if claims[f, root] == 0:
                claims[f, root] = facts[f, itself]
    return kinds
