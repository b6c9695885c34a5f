"""Migrations of video-gateway's database, with the queue's own schema beside them."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.history import History

CLIENTS_TABLES: Final = ("generated_videos",)
"""Tables with rows of clients, which row-level security guards."""


async def _queue(connection: AsyncConnection) -> tuple[str, ...]:
    # Processes that only serve know the history too, and need no part of content generation's.
    from app.content_history import install_queue

    await install_queue(connection, HISTORY)
    return ()


HISTORY: Final = History("video-gateway", "app.video_gateway.migrations", "generated_videos", _queue)
