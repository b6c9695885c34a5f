"""The two queues of recipe-app (documents/D-recipe-app.txt, "Queue Optimization" and "Queue Backup")."""

from enum import StrEnum

from app.queue import ENTRYPOINT


class Queue(StrEnum):
    """Names of the queues, as pgqueuer's entry points and the administration have them."""

    RECIPES = ENTRYPOINT
    VIDEO = "video_generation"
