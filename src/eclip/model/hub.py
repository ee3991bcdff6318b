"""The model hub where it may be out of reach: found out at once, told in one line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants, get_session

PROBE_SECONDS = 5.0


@contextmanager
def hub_or_cache() -> Iterator[bool]:
    """Let libraries use the hub if it answers, else only what lies in its cache; yields whether it answers.

    Left to themselves they try five times for each file, with pauses: minutes, and a page of warnings.
    """
    reachable = hub_answers()
    offline, disabled = constants.HF_HUB_OFFLINE, logging.root.manager.disable
    constants.HF_HUB_OFFLINE = offline or not reachable
    logging.disable(logging.ERROR)  # what matters of it is in the exception
    try:
        yield reachable
    finally:
        constants.HF_HUB_OFFLINE = offline
        logging.disable(disabled)


def hub_answers() -> bool:
    """Whether the hub answers within seconds, through the user's proxy if he has one."""
    try:
        get_session().head(constants.ENDPOINT, timeout=PROBE_SECONDS)
    except Exception:  # whichever HTTP library it is that can't reach it
        return False
    return True
