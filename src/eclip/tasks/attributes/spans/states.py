"""What a text tower knows of each word: its hidden states, token by token, gathered into words.

Two states a token are taken: the one that goes in (what the token means alone) and the one that comes out of the
last layer (what it means here). A tower that was trained for whole titles may have let go of either. Both kinds
of tower work: Hugging Face's and open_clip's own; the tokenizer must be one that tells where its tokens stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eclip.tasks.attributes.spans.words import Words

if TYPE_CHECKING:
    import torch

    from eclip.model.encoder import Encoder

TOKENIZER_FILE = "tokenizer.json"
TITLES_AT_ONCE = 32


class TokenStates:
    """Hidden states of the words of titles, by the frozen text tower of one model."""

    def __init__(self, encoder: Encoder) -> None:
        from tokenizers import Tokenizer

        self.encoder = encoder
        self.tokenizer = Tokenizer.from_str(encoder.tokenizer_files[TOKENIZER_FILE].decode())
        self.context_length = int(encoder.model_cfg["text_cfg"].get("context_length", 77))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(self.context_length)

    @classmethod
    def of(cls, encoder: Encoder) -> TokenStates | None:
        """Those of a model; None where its tokenizer does not tell where tokens stand, or it never learned titles."""
        has_places = TOKENIZER_FILE in encoder.tokenizer_files
        return cls(encoder) if has_places and "text" in encoder.modalities else None

    def of_words(self, titles: Sequence[str], words: Sequence[Words]) -> np.ndarray:
        """States [W, S] float32 of all words of all titles, one after the other.

        A word's state is the mean over the tokens that it shares a letter with; zeros where the title was cut
        before it.
        """
        import torch

        encoded = self.tokenizer.encode_batch(list(titles))
        order = sorted(range(len(titles)), key=lambda row: len(encoded[row].ids))
        found: list[np.ndarray] = [np.zeros((0, 0), np.float32)] * len(titles)
        for start in range(0, len(order), TITLES_AT_ONCE):
            rows = order[start : start + TITLES_AT_ONCE]
            tokens = self._padded([encoded[row].ids for row in rows])
            with torch.inference_mode():
                states = self._states(tokens.to(self.encoder.device)).float().cpu().numpy()
            for row, of_tokens in zip(rows, states, strict=True):
                found[row] = _gather(of_tokens, encoded[row].offsets, words[row])
        return np.concatenate(found) if found else np.zeros((0, 0), np.float32)

    def _padded(self, ids: list[list[int]]) -> torch.Tensor:
        """Token ids [n, L], padded at the right; to the whole context where the tower wants to see the padding."""
        import torch

        longest = max(map(len, ids)) if self.encoder.can_trim_padding else self.context_length
        tokens = torch.full((len(ids), longest), self.encoder.pad_id, dtype=torch.long)
        for row, each in enumerate(ids):
            tokens[row, : len(each)] = torch.tensor(each)
        return tokens

    def _states(self, tokens: torch.Tensor) -> torch.Tensor:
        """[n, L] -> [n, L, S]: what goes into the first layer and what comes out of the last, side by side."""
        import torch

        tower: Any = self.encoder.module.text
        if hasattr(tower, "config") and hasattr(tower, "pooler"):  # a Hugging Face tower
            given = tower.transformer.get_input_embeddings()(tokens)
            mask = (tokens != tower.config.pad_token_id).long()
            last = tower.transformer(input_ids=tokens, attention_mask=mask).last_hidden_state
        else:
            given = tower.token_embedding(tokens)
            embedded, mask = tower._embeds(tokens)
            last = tower.ln_final(tower.transformer(embedded, attn_mask=mask))
        return torch.cat([given, last[:, : tokens.shape[1]]], dim=-1)


def _gather(states: np.ndarray, offsets: Sequence[tuple[int, int]], words: Words) -> np.ndarray:
    """States [len(words), S] of words out of those of tokens [L, S] that stand at `offsets` of the same title."""
    gathered = np.zeros((len(words), states.shape[1]), dtype=np.float32)
    counts = np.zeros(len(words), dtype=np.float32)
    place = 0
    for token, (start, end) in enumerate(offsets):
        if start == end:  # a token of no letters: start, end
            continue
        while place < len(words) and words.ends[place] <= start:
            place += 1
        other = place
        while other < len(words) and words.starts[other] < end:
            gathered[other] += states[token]
            counts[other] += 1
            other += 1
    return gathered / np.maximum(counts, 1)[:, None]
