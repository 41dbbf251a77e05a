"""The log of requests, for people or as JSON lines: never text, queries, names of banks, addresses or paths."""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

from memkit.serve.http.around.watching import AnsweredRequest
from memkit.serve.http.serve_settings import LogFormat

log = logging.getLogger("memkit.requests")


def log_request(answered: AnsweredRequest) -> None:
    """Write a line on a request; one that failed in here is a warning."""
    level = logging.WARNING if answered.status >= 500 else logging.INFO
    words = (answered.method, answered.verb, answered.status, answered.seconds)  # for a log that is set up otherwise
    log.log(level, "%s %s: %d after %.3f s", *words, extra={"answered": answered})


class JsonLines(logging.Formatter):
    """One JSON object a line, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as JSON."""
        return json.dumps(line_fields(record))


class TextLines(logging.Formatter):
    """Lines for people: the same, as words."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as words."""
        fields = line_fields(record)
        words = [fields.pop(name, "") for name in ("at", "level", "logger", "message")]
        return " ".join([*filter(None, words), *(f"{name}={value}" for name, value in fields.items() if value)])


def line_fields(record: logging.LogRecord) -> dict[str, Any]:
    """Everything that a line holds. Of an error the class and its places: its message may hold what somebody said."""
    answered: AnsweredRequest | None = getattr(record, "answered", None)
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    about = {"message": record.getMessage()} if answered is None else _request_fields(answered)
    error = {"error": error_place(record.exc_info[1])} if record.exc_info and record.exc_info[1] else {}
    return {"at": at, "level": record.levelname, "logger": record.name, **about, **error}


def _request_fields(answered: AnsweredRequest) -> dict[str, Any]:
    return {
        "method": answered.method, "verb": answered.verb, "status": answered.status,
        "seconds": round(answered.seconds, 6), "token": answered.token, "request": answered.id,
    }  # fmt: skip


def error_place(error: BaseException) -> str:
    """Class of an error, and the places that it came through, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    return " ".join([type(error).__name__, *(f"{frame.filename}:{frame.lineno}" for frame in frames)])


def log_config(log_format: LogFormat) -> dict[str, Any]:
    """The configuration of logging in a server: memkit's lines and uvicorn's, on stderr."""
    formatter = JsonLines if log_format == "json" else TextLines
    to_stderr = {"handlers": ["stderr"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": f"{formatter.__module__}.{formatter.__name__}"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "loggers": {"memkit": to_stderr, "uvicorn": to_stderr},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
    }
