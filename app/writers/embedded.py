"""The embedded writer: sample texts from a few passages, chosen by a hash of the request.

It is the default provider because a service must be usable without an account and its tests without a network. The
same assignment always gives the same text, byte for byte; two topics give different ones. Each text says that it is a
sample, and `embedded` as its provider does so in figures and answers.
"""

import hashlib
import random
import re
import tomllib
from importlib.resources import files

from pydantic import BaseModel

from app.domain import (
    SHORTEST_TOPIC,
    SOCIAL_LENGTH,
    TOPIC_LENGTH,
    Assignment,
    Content,
    ContentType,
    Draft,
    Priority,
    Section,
    Usage,
)

MODELS = {
    Priority.COST: "embedded-brief",
    Priority.SPEED: "embedded-brief",
    Priority.BALANCED: "embedded-standard",
    Priority.QUALITY: "embedded-full",
}
SECTIONS = {"embedded-brief": 3, "embedded-standard": 4, "embedded-full": 6}
HASHTAG_LENGTH = 30
SAMPLE = "This is a sample text: no language model wrote it."


class _Passages(BaseModel):
    """passages.toml."""

    introductions: tuple[str, ...]
    conclusions: tuple[str, ...]
    posts: tuple[str, ...]
    views: tuple[Section, ...]
    keywords: tuple[Section, ...]


_PASSAGES = _Passages.model_validate(
    tomllib.loads((files("app.writers") / "passages.toml").read_text(encoding="utf-8"))
)


class EmbeddedWriter:
    """Writes without a network; costs nothing."""

    name = "embedded"

    def model(self, assignment: Assignment) -> str:
        """The longer forms for who asks for quality (D01)."""
        return MODELS[assignment.priority]

    async def write(self, assignment: Assignment, model: str) -> Draft:
        """The text for an assignment; a pure function of it. Tokens are words, as there is no tokenizer."""
        content = compose(assignment, SECTIONS.get(model, SECTIONS["embedded-standard"]))
        words = len(assignment.topic.split()) + len(assignment.keywords)
        usage = Usage(input_tokens=words, output_tokens=len(content.text().split()), cost_usd=0)
        return Draft(content=content, provider=self.name, model=model, usage=usage)


def compose(assignment: Assignment, sections: int) -> Content:
    """Write the text with so many sections."""
    dice = random.Random(hashlib.sha256(assignment.model_dump_json().encode()).digest())
    topic = re.sub(r"\s+", " ", assignment.topic).rstrip(".!?:; ") or assignment.topic.strip()
    # A title is as long as a topic: "Go" is too short for one, "Go?" is not.
    title = _capitalised(topic if len(topic) >= SHORTEST_TOPIC else assignment.topic.strip())
    if assignment.content_type is ContentType.SOCIAL:
        return _social(assignment, topic, title, dice)
    return _blog(assignment, topic, title, sections, dice)


def _blog(assignment: Assignment, topic: str, title: str, sections: int, dice: random.Random) -> Content:
    words = assignment.keywords[: len(_PASSAGES.keywords)]
    chosen = zip(dice.sample(_PASSAGES.keywords, len(words)), words, strict=True)
    close = [_about(passage, word) for passage, word in chosen]
    views = dice.sample(_PASSAGES.views, max(2, sections - len(close)))
    introduction = dice.choice(_PASSAGES.introductions).replace("{topic}", topic)
    further = assignment.keywords[len(_PASSAGES.keywords) :]
    if further:
        introduction += f" On the way it touches {', '.join(further)}."
    return Content(
        content_type=ContentType.BLOG,
        title=title[:TOPIC_LENGTH],
        introduction=f"{introduction}\n\n{SAMPLE}",
        sections=(*views[:1], *close, *views[1:]),
        conclusion=dice.choice(_PASSAGES.conclusions).replace("{topic}", topic),
        keywords_used=assignment.keywords,
    )


def _social(assignment: Assignment, topic: str, title: str, dice: random.Random) -> Content:
    tags = _hashtags(assignment)
    room = SOCIAL_LENGTH - len(" ".join(tags)) - 2
    post = dice.choice(_PASSAGES.posts).replace("{topic}", topic)
    text = next(one for one in (f"{post} {SAMPLE}", f"“{topic}”. {SAMPLE}", f"“{topic}”") if len(one) <= room)
    used = [word for word in assignment.keywords if word in tags.values() or word.lower() in text.lower()]
    return Content(
        content_type=ContentType.SOCIAL,
        title=title[:TOPIC_LENGTH],
        introduction=text,
        hashtags=tuple(tags),
        keywords_used=tuple(used),
    )


def _hashtags(assignment: Assignment) -> dict[str, str]:
    """Hashtags and the words that they are made of."""
    words = assignment.keywords or tuple(re.findall(r"\w{4,}", assignment.topic))[:3]
    tags = {"".join(part.capitalize() for part in re.findall(r"[A-Za-z]+", word)): word for word in words}
    return {f"#{tag}": word for tag, word in tags.items() if 0 < len(tag) <= HASHTAG_LENGTH}


def _about(passage: Section, keyword: str) -> Section:
    return Section(title=passage.title.replace("{keyword}", keyword), body=passage.body.replace("{keyword}", keyword))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
