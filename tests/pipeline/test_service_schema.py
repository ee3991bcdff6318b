"""Whatever its own description allows, and more, the service answers without a fault of its own."""

from __future__ import annotations

import pytest

from eclip.serve.app import create_app
from eclip.serve.desk import Desk
from eclip.serve.live import Live
from eclip.serve.opening import ShopSource

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis asks what an OpenAPI description allows")

pytestmark = pytest.mark.slow


def test_nothing_that_the_description_allows_ends_in_a_fault_of_the_service(result):
    from hypothesis import HealthCheck, Phase, given, settings

    desk = Desk(live=Live.of(ShopSource(result.out / "store", result.out / "model")))
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(desk))
    asked = 0
    for each in schema.get_all_operations():
        operation = each.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=12,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case) -> None:
            nonlocal asked
            asked += 1
            answer = case.call()
            assert answer.status_code < 500, (answer.status_code, answer.text, case.as_curl_command())
            if answer.status_code >= 400:
                assert list(answer.json()) == ["error"]

        ask()
    desk.close()
    assert asked > 100
