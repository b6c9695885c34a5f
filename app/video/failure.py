"""The one error of all that makes videos; apart from them, because each needs libraries of its own."""


class VideoFailed(Exception):
    """There is no video; ``kind`` is of app.failures, the message is for the log."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
