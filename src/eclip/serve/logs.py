"""The service's log: one JSON object a line, each with the id of the request that it belongs to."""

from __future__ import annotations

import json
import logging
import re
import sys
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime

REQUEST_ID_HEADER = "X-Request-ID"
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request that this code runs for."""

VERSION_HEADER = "X-Eclip-Version"
answered_by: ContextVar[str | None] = ContextVar("answered_by", default=None)
"""The version of store, model and tasks that has answered this request, once one has."""

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_FIELDS = "eclip_fields"  # a record's attribute: what stands in the line beside the message


def accepted_request_id(given: str | None) -> str:
    """The id that a caller gave, if it can stand in a header and a log; else a new one."""
    return given if given and _SANE_ID.fullmatch(given) else uuid.uuid4().hex[:16]


def fields(**named: object) -> dict[str, object]:
    """What `extra=` of a log call takes, to put named values into the line."""
    return {_FIELDS: named}


class JsonLines(logging.Formatter):
    """One record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "request_id": request_id.get(),
        }
        line |= getattr(record, _FIELDS, {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_as_json() -> None:
    """Write what the service and its server say to standard error; a terminal is spared the line for each request."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    level = logging.WARNING if sys.stderr.isatty() else logging.INFO
    for name in ("eclip.serve", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level if name == "eclip.serve" else logging.WARNING)
