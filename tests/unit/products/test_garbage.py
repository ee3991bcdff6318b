"""The search for cycles is off within, and as it was afterwards."""

from __future__ import annotations

import gc

import pytest

from eclip.products.garbage import search_put_off


def test_the_search_comes_back_also_after_a_fault() -> None:
    @search_put_off()
    def failing() -> None:
        assert not gc.isenabled()
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        failing()
    assert gc.isenabled()


def test_who_had_switched_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with search_put_off():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
