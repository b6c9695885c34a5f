"""Names of the queues, as pgqueuer's entry points, commands and administration have them."""

from enum import StrEnum


class Queue(StrEnum):
    """Queues of the platform (documents/D-recipe-app.txt, "Queue Optimization")."""

    TEXTS = "ai_generation"
    VIDEOS = "video_generation"
