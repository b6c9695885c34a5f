"""Common parts of the adapters of the three SDKs: errors and unreadable answers become ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pydantic import TypeAdapter, ValidationError

from app.domain import GivenName
from app.writers.base import WriterError

_ACCOUNT = frozenset((401, 402, 403, 404))
_LATER = frozenset((408, 409, 425))
_GIVEN_NAME: TypeAdapter[str] = TypeAdapter(GivenName)


def refused(provider: str, status: int, headers: Mapping[str, str]) -> WriterError:
    """A provider's answer that is an error. Its body may repeat the prompt or the key, so only the status is kept."""
    after = headers.get("retry-after", "")
    pause = float(after) if after.replace(".", "", 1).isdecimal() else None
    message = f"{provider} answered {status}"
    if status == 429:
        kind = "provider_busy"
    elif status in _ACCOUNT:
        kind = "provider_account"
    elif status >= 500 or status in _LATER:
        kind = "provider_unavailable"
    else:
        kind = "request_refused"
    return WriterError(kind, message, retry_after=pause, status=status)


def failed(provider: str, error: Exception, *, timeout: bool) -> WriterError:
    """No answer at all. The cause's own words may hold an address."""
    if timeout:
        return WriterError("provider_timeout", f"{provider} did not answer in time")
    return WriterError("provider_unreachable", f"{provider}: {type(error.__cause__ or error).__name__}")


@contextmanager
def reading(provider: str) -> Iterator[None]:
    """Reading a provider's answer: the SDKs hand on what they get, so anything may be missing in it."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, ValidationError) as error:
        raise WriterError(
            "provider_malformed", f"{provider}'s answer cannot be read: {type(error).__name__}"
        ) from error


def batch_name(provider: str, given: object) -> str:
    """A provider's name for a batch or a file: it becomes part of addresses, so it must not lead elsewhere."""
    try:
        return _GIVEN_NAME.validate_python(given)
    except ValidationError as error:
        raise WriterError("provider_malformed", f"{provider} took a batch and did not say which") from error
