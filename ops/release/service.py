"""The released service as its users see it, in every region, and by the stack's own alarms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from infra.settings.stack import StackSettings
from ops.release.alarms import Alarms, alarms_of, ringing
from ops.release.process import StepError
from ops.release.smoke import CLIENT, smoke
from ops.sessions import TokenError, token_of
from ops.target import Target
from stacks.networking.dns_routing import api_name
from stacks.products.registry import PRODUCTS
from stacks.specs.trial import Trial


@dataclass
class Service:
    """``addresses`` are those of the regions, ``headers`` those that every answer must have, ``trial`` is the first use
    of the product, ``host`` the public name of its API.
    """

    target: Target
    addresses: Mapping[str, str]
    headers: Mapping[str, str]
    trial: Trial
    host: str
    say: Callable[[str], None]
    _alarms: Alarms = field(default_factory=dict)
    _before: frozenset[str] = frozenset()
    _session: str = ""

    @classmethod
    def of(
        cls, target: Target, settings: StackSettings, addresses: Mapping[str, str], say: Callable[[str], None]
    ) -> Service:
        """The service of a stack with these settings."""
        trial = PRODUCTS[settings.product].trial
        return cls(target, addresses, settings.security_headers, trial, api_name(settings.domain), say)

    def smoke(self) -> None:
        """Health, readiness, headers and the first use in every region. Raises StepError, naming the region.

        From here on an alarm that goes off is the release's; one that was on already has another cause.
        """
        self._session = self._signed_in()
        for region in self.addresses:
            self._ask(region, whole=True)
        self._alarms = alarms_of(self.target)
        self._before = ringing(self.target, self._alarms)

    def look(self, number: int) -> None:
        """Every region's health, and the first use in one of them by turns: it may cost something. Raises StepError."""
        turn = number % len(self.addresses)
        for place, region in enumerate(self.addresses):
            self._ask(region, whole=place == turn)
        new = sorted(ringing(self.target, self._alarms) - self._before)
        if new:
            raise StepError(f"alarms went off: {', '.join(new)}")

    def _ask(self, region: str, *, whole: bool) -> None:
        try:
            smoke(self.addresses[region], self.headers, self.trial, self.host, self._session, whole=whole)
        except StepError as error:
            raise StepError(f"{region}: {error}") from None

    def _signed_in(self) -> str:
        """A session; none of a release that had no keys yet, which asks for none."""
        try:
            return token_of(self.target, CLIENT)
        except TokenError as error:
            self.say(f"smoke test without a session: {error}")
            return ""
