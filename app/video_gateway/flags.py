"""Feature flags of video-gateway by its document: enabled by the environment, for a share of callers.

An operator's flag of the same name (`app flags set`) takes the place of what the environment says, so that a feature is
turned off without a deployment (documents/C-video-gateway.txt, "Rollback: Disable flag"). The hash is the platform's.
"""

from enum import StrEnum
from typing import Final

from app.switches import Flag, Switchboard
from app.video_gateway.settings import GatewaySettings


class Feature(StrEnum):
    """Features that a caller has or has not."""

    TIMELINE = "new-timeline-ui"
    GENERATION = "ai-video-generation"


ROLLOUT: Final = {Feature.TIMELINE: 0.1, Feature.GENERATION: 1.0}
"""Share of callers that have an enabled feature."""


class Features:
    """The features of callers."""

    def __init__(self, settings: GatewaySettings, switchboard: Switchboard) -> None:
        enabled = {Feature.TIMELINE: settings.enable_new_timeline, Feature.GENERATION: settings.enable_ai_video}
        self._flags = {
            feature: Flag(name=feature, enabled=enabled[feature], percent=100 * share)
            for feature, share in ROLLOUT.items()
        }
        self._switchboard = switchboard

    def has(self, feature: Feature, subject: str) -> bool:
        """The same answer for the same caller in every process, until the flag is changed."""
        flag = self._switchboard.now.flags.get(feature, self._flags[feature])
        return flag.applies_to(subject)
