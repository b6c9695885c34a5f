"""What every provider of text offers, and the ways it can fail."""

from typing import Protocol

from app.domain import Assignment, Draft


class WriterError(Exception):
    """A provider gave no usable text: `kind` for figures, `retriable` when a later try may help."""

    def __init__(self, kind: str, message: str, *, retriable: bool = True) -> None:
        super().__init__(message)
        self.kind = kind
        self.retriable = retriable


class Writer(Protocol):
    """A provider of text."""

    @property
    def name(self) -> str:
        """How settings, figures and results call it."""
        ...

    def model(self, assignment: Assignment) -> str:
        """Which of its models suits the assignment's priority."""
        ...

    async def write(self, assignment: Assignment, model: str) -> Draft:
        """One text. Raises WriterError."""
        ...
