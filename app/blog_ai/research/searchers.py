"""Search engines for research: a topic goes in, pages come out. Each raises WriterError and no other error.

Neither is asked through its SDK: SerpApi's blocks while it waits, and Tavily's brings two libraries more (requests,
tiktoken) for one request.
"""

import json
from typing import Final, Protocol

import httpx

from app.blog_ai.outside import answered
from app.blog_ai.research.pages import MOST_PAGES, Pages, pages_of
from app.writers.base import WriterError
from app.writers.calls import Offer
from app.writers.sdk import reading

LARGEST_ANSWER: Final = 1024 * 1024
TAVILY: Final = "https://api.tavily.com"
SERP: Final = "https://serpapi.com"
_PLAN_USED_UP: Final = (432, 433)
"""Tavily's limits of the plan and of pay-as-you-go."""


class Searcher(Protocol):
    """A search engine that charges for each search."""

    @property
    def offer(self) -> Offer:
        """Name, price and time of a search."""
        ...

    async def search(self, topic: str) -> Pages:
        """Pages about a topic."""
        ...


class Tavily:
    """POST /search: JSON with a bearer key; `results` have title, url and content. A basic search is one credit, 0.008
    USD at most. 401 is the key, 429 too many requests, 432 and 433 a limit of the plan or of pay-as-you-go
    (docs.tavily.com: API reference, credits and pricing; help.tavily.com: errors code).
    """

    def __init__(self, client: httpx.AsyncClient, key: str, base_url: str | None, seconds: float) -> None:
        self.offer = Offer("tavily", "tavily-basic-search", 0.008, seconds)
        self._client = client
        self._key = key
        self._url = f"{(base_url or TAVILY).rstrip('/')}/search"

    async def search(self, topic: str) -> Pages:
        """One credit."""
        body = {"query": topic, "search_depth": "basic", "max_results": MOST_PAGES}
        request = self._client.build_request(
            "POST", self._url, json=body, headers={"Authorization": f"Bearer {self._key}"}
        )
        try:
            _, answer = await answered(self.offer.name, self._client, request, LARGEST_ANSWER)
        except WriterError as error:
            if error.status in _PLAN_USED_UP:
                raise WriterError("provider_account", str(error), status=error.status) from None
            raise
        with reading(self.offer.name):
            results = json.loads(answer)["results"]
            return pages_of((one["title"], one["url"], one["content"]) for one in results)


class SerpApi:
    """GET /search.json of Google's results: the key is part of the address; `organic_results` have title, link and
    snippet. 401 is the key, 429 the hourly limit or a used-up plan; a search without results has `error` beside the
    status Success (serpapi.com: search-api, api-status-and-error-codes, search-errors). The smallest paid plan is
    25 USD for 1000 searches; failed ones are free (serpapi.com/pricing, serpapi.com/account-api).
    """

    def __init__(self, client: httpx.AsyncClient, key: str, base_url: str | None, seconds: float) -> None:
        self.offer = Offer("serpapi", "serpapi-google-search", 0.025, seconds)
        self._client = client
        self._key = key
        self._url = f"{(base_url or SERP).rstrip('/')}/search.json"

    async def search(self, topic: str) -> Pages:
        """One search."""
        asked = {"engine": "google", "q": topic, "api_key": self._key}
        request = self._client.build_request("GET", self._url, params=asked)
        _, answer = await answered(self.offer.name, self._client, request, LARGEST_ANSWER)
        with reading(self.offer.name):
            found = json.loads(answer)
            if found["search_metadata"]["status"] != "Success":
                raise WriterError("provider_unavailable", f"{self.offer.name}: the search did not succeed")
            results = found.get("organic_results", [])
            return pages_of((one["title"], one["link"], one.get("snippet")) for one in results)
