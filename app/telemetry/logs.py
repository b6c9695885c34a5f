"""JSON logs, one object a line: timestamp, level, service, instance_id, and whatever the moment binds (A08).

Secrets never get out: the values of the settings' secrets and anything that looks like a credential are replaced in
every string of an event, whatever its key is called.
"""

import logging
import re
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache

import structlog
from pydantic import SecretStr
from pydantic_core import to_json
from structlog.typing import EventDict, Processor, WrappedLogger

from app.process_settings import ProcessSettings

REDACTED = "[redacted]"
# Libraries that say more than a reader of our logs wants.
_LIBRARIES = {
    "uvicorn": logging.INFO,
    "uvicorn.access": logging.WARNING,
    "pgqueuer": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "botocore": logging.WARNING,
}
_SECRET_KEYS = re.compile(
    r"password|passwd|secret|token(?!s)|authorization|api[_-]?key|cookie|dsn|credential", re.IGNORECASE
)
# A lookbehind first: an expression that begins with a name would try it at every letter of every line.
_CREDENTIALS = (
    r"(?P<user>(?<=://)[^:/\s@]*:)[^@/\s]+(?=@)"
    r"|(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}"
    r"|\bcg_[A-Za-z0-9]{6,}_[A-Za-z0-9_-]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r"|\bsk-[A-Za-z0-9_-]{16,}"
)
SHORT, REMEMBERED = 64, 2000
# No secret and no credential is shorter.
_SHORTEST = 6


class Redactor:
    """A structlog processor that knows this deployment's secrets by value."""

    def __init__(self, secrets: Sequence[str]) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)
        values = "|".join(re.escape(secret) for secret in known)
        credentials = f"(?i:{_CREDENTIALS})"
        self._pattern = re.compile(f"{values}|{credentials}" if values else credentials)
        # Routes, methods, addresses and clients come again in every line.
        self._short = lru_cache(REMEMBERED)(self._cleaned)

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: REDACTED if _is_secret(key) else self._clean(value) for key, value in event.items()}

    def text(self, text: str) -> str:
        """A string without secrets."""
        return self._short(text) if len(text) <= SHORT else self._cleaned(text)

    def _cleaned(self, text: str) -> str:
        return self._pattern.sub(lambda match: f"{match['user'] or ''}{REDACTED}", text)

    def _clean(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value) if len(value) >= _SHORTEST else value
        if isinstance(value, int | float | None):
            return value
        if isinstance(value, Mapping):
            return {str(k): REDACTED if _is_secret(str(k)) else self._clean(v) for k, v in value.items()}
        if isinstance(value, (list, tuple, set)):
            return [self._clean(entry) for entry in value]
        return self.text(str(value))


@lru_cache(1000)
def _is_secret(key: str) -> bool:
    return _SECRET_KEYS.search(key) is not None


def secrets_of(settings: ProcessSettings) -> tuple[str, ...]:
    """Every secret value of the settings, and the passwords inside its URLs."""
    values = [v.get_secret_value() for _, v in settings if isinstance(v, SecretStr)]
    passwords = [match[1] for value in values if (match := re.search(r"://[^:/@]*:([^@]+)@", value))]
    return (*values, *passwords)


def configure(settings: ProcessSettings) -> Redactor:
    """Send structlog's and the standard library's records to standard output, in one format."""
    redactor = Redactor(secrets_of(settings))
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.format_exc_info,
        redactor,
        # What follows is our own and holds no secret.
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _origin(settings),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_json)
        if settings.log_format_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name, level in _LIBRARIES.items():
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
        logger.setLevel(max(level, logging.getLevelName(settings.log_level)))
    structlog.configure(
        processors=[*shared, renderer, _encoded],
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        cache_logger_on_first_use=True,
    )
    return redactor


def _encoded(_: WrappedLogger, __: str, event: EventDict | str) -> bytes:
    return str(event).encode()


def _json(event: EventDict, **_: object) -> str:
    return to_json(event, fallback=str).decode()


def _origin(settings: ProcessSettings) -> Processor:
    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = settings.service
        event["instance_id"] = settings.instance_id
        event["region"] = settings.region
        return event

    return add
