"""The embedded writer: readable English from a library of passages, chosen by a hash of the request.

It is the default provider because a service must be usable without an account and its tests without a network. The
same assignment always gives the same text, byte for byte; two topics give different ones.
"""

import hashlib
import random
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

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
from app.writers.subject import Kind, Subject, capitalised, read

MODELS = {
    Priority.COST: "embedded-brief",
    Priority.SPEED: "embedded-brief",
    Priority.BALANCED: "embedded-standard",
    Priority.QUALITY: "embedded-full",
}
SECTIONS = {"embedded-brief": 3, "embedded-standard": 4, "embedded-full": 6}
KEYWORD_SECTIONS = 3
HASHTAGS = 5
HASHTAG_LENGTH = 30


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Domain(_Data):
    """A field of life: how its subjects are recognised, and whom and what a text about them speaks of."""

    words: tuple[str, ...]
    people: str
    newcomers: str
    mistake: str
    first_step: str
    measure: str
    resource: str
    question: str
    scene: str


class Passages(_Data):
    """Alternatives for one place in a text."""

    texts: tuple[str, ...]
    with_keywords: tuple[str, ...] = ()
    question: str = ""


class Angle(_Data):
    """One way of looking at any subject."""

    name: str
    titles: tuple[str, ...]
    texts: tuple[str, ...]


class KeywordPassages(_Data):
    """What can be said about a keyword."""

    titles: tuple[str, ...]
    texts: tuple[str, ...]


class BlogLibrary(_Data):
    """blog.toml."""

    titles: dict[str, tuple[str, ...]]
    introductions: Passages
    keyword: KeywordPassages
    angles: tuple[Angle, ...]
    conclusions: Passages


class SocialLibrary(_Data):
    """social.toml."""

    hooks: tuple[str, ...]
    points: tuple[str, ...]
    with_keyword: tuple[str, ...]
    invitations: tuple[str, ...]


class EmbeddedWriter:
    """Implements app.writers.base.Writer without a network; costs nothing."""

    name = "embedded"

    def model(self, assignment: Assignment) -> str:
        """The longer forms for who asks for quality (D01)."""
        return MODELS[assignment.priority]

    async def write(self, assignment: Assignment, model: str) -> Draft:
        """The text for an assignment; a pure function of it."""
        content = compose(assignment, SECTIONS.get(model, SECTIONS["embedded-standard"]))
        usage = Usage(
            input_tokens=_tokens(" ".join((assignment.topic, *assignment.keywords))),
            output_tokens=_tokens(content.text()),
            cost_usd=0,
        )
        return Draft(content=content, provider=self.name, model=model, usage=usage)


def compose(assignment: Assignment, sections: int) -> Content:
    """Write the text with so many sections."""
    dice = random.Random(hashlib.sha256(assignment.model_dump_json().encode()).digest())
    subject = read(assignment.topic)
    domain = _domain(assignment)
    if assignment.content_type is ContentType.SOCIAL:
        return _social(assignment, subject, domain, dice)
    return _blog(assignment, subject, domain, sections, dice)


def _blog(assignment: Assignment, subject: Subject, domain: Domain, sections: int, dice: random.Random) -> Content:
    library, keywords = _blog_library(), assignment.keywords
    slots = _slots(subject, domain)
    close = keywords[:KEYWORD_SECTIONS]
    chosen = [*_keyword_sections(library, close, slots, dice)]
    angles = dice.sample(library.angles, max(2, sections - len(chosen)))
    order = {angle.name: place for place, angle in enumerate(library.angles)}
    angles.sort(key=lambda angle: order[angle.name])
    half = (len(angles) + 1) // 2
    views = [Section(title=dice.choice(a.titles), body=_fill(dice.choice(a.texts), slots)) for a in angles]
    introduction, conclusion = dice.choice(library.introductions.texts), dice.choice(library.conclusions.texts)
    if subject.kind is Kind.QUESTION:
        introduction = f"{library.introductions.question} {introduction}"
    if keywords:
        introduction += "\n\n" + dice.choice(library.introductions.with_keywords)
    if len(keywords) > 1:
        conclusion += "\n\n" + dice.choice(library.conclusions.with_keywords)
    headline = dice.choice(library.titles[subject.kind]).format(Title=subject.title)
    named = {**slots, "keywords": _listed(keywords), "Question": subject.name.strip("“”")}
    return Content(
        content_type=ContentType.BLOG,
        title=_title(headline, subject.title, capitalised(assignment.topic)),
        introduction=_fill(introduction, named),
        sections=(*views[:half], *chosen, *views[half:]),
        conclusion=_fill(conclusion, named),
        keywords_used=keywords,
    )


def _keyword_sections(
    library: BlogLibrary, keywords: Sequence[str], slots: dict[str, str], dice: random.Random
) -> list[Section]:
    titles = dice.sample(library.keyword.titles, len(keywords))
    texts = dice.sample(library.keyword.texts, 2 * len(keywords))
    sections: list[Section] = []
    for place, keyword in enumerate(keywords):
        named = {**slots, "keyword": keyword, "Keyword": capitalised(keyword)}
        body = "\n\n".join(_fill(text, named) for text in texts[2 * place : 2 * place + 2])
        sections.append(Section(title=_fill(titles[place], named), body=body))
    return sections


def _social(assignment: Assignment, subject: Subject, domain: Domain, dice: random.Random) -> Content:
    library = _social_library()
    hashtags, spoken = _hashtags(assignment)
    keyword = assignment.keywords[0] if assignment.keywords else ""
    named = {"topic": subject.name, "Topic": capitalised(subject.name), "keyword": keyword}
    slots = {**_slots(subject, domain), **named}
    mention = [dice.choice(library.with_keyword)] if keyword else []
    hook, point, invitation = (dice.choice(c) for c in (library.hooks, library.points, library.invitations))
    joined = f"{hook} {point if hook.endswith(':') else capitalised(point)}"
    candidates = ([joined, *mention, invitation], [joined, *mention], ["{Topic}.", *mention], ["{Topic}."])
    room = SOCIAL_LENGTH - len(" ".join(hashtags)) - 2
    texts = [_fill(" ".join(parts), slots) for parts in candidates]
    text = next((candidate for candidate in texts if len(candidate) <= room), texts[-1])
    used = [word for word in assignment.keywords if word in spoken or word.lower() in text.lower()]
    return Content(
        content_type=ContentType.SOCIAL,
        title=_title(capitalised(subject.name), capitalised(assignment.topic)),
        introduction=text,
        hashtags=tuple(hashtags),
        keywords_used=tuple(used),
    )


def _title(*candidates: str) -> str:
    """The first that is as long as a title may be: the subject "Go" is too short for one, "What is Go?" is not. The
    last one is the topic, cut where capitals made it longer.
    """
    fitting = (one for one in candidates if SHORTEST_TOPIC <= len(one.strip()) <= TOPIC_LENGTH)
    return next(fitting, candidates[-1][:TOPIC_LENGTH])


def _hashtags(assignment: Assignment) -> tuple[list[str], set[str]]:
    tags: dict[str, str] = {}
    for word in assignment.keywords or tuple(w for w in re.findall(r"\w{4,}", assignment.topic))[:3]:
        letters = "".join(capitalised(part) for part in re.findall(r"[^\W_]+", word))
        letters = "".join(letter for letter in letters if letter.isalpha() or letter.isdecimal())
        if letters and not letters.isdecimal() and len(letters) <= HASHTAG_LENGTH and len(tags) < HASHTAGS:
            tags.setdefault(f"#{letters}", word)
    return list(tags), set(tags.values())


def _slots(subject: Subject, domain: Domain) -> dict[str, str]:
    return {
        "topic": subject.phrase,
        "Topic": capitalised(subject.phrase),
        "people": domain.people,
        "People": capitalised(domain.people),
        "people_short": "people" if " " in domain.people else domain.people,
        "newcomers": domain.newcomers,
        "Newcomers": capitalised(domain.newcomers),
        "mistake": domain.mistake,
        "first_step": domain.first_step,
        "First_step": capitalised(domain.first_step),
        "measure": domain.measure,
        "resource": domain.resource,
        "question": domain.question,
        "question_inline": domain.question[0].lower() + domain.question[1:],
        "scene": domain.scene,
    }


def _fill(text: str, slots: dict[str, str]) -> str:
    return text.format_map(slots)


def _listed(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _tokens(text: str) -> int:
    # English text takes about four tokens for three words with the usual tokenizers.
    return max(1, len(text.split()) * 4 // 3)


def _domain(assignment: Assignment) -> Domain:
    domains = _domains()
    topic = set(re.findall(r"[a-z]+", assignment.topic.lower()))
    keywords = set(re.findall(r"[a-z]+", " ".join(assignment.keywords).lower()))
    scores = {name: 3 * len(topic & set(d.words)) + len(keywords & set(d.words)) for name, d in domains.items()}
    best = max(scores, key=lambda name: scores[name])
    return domains[best] if scores[best] else domains["general"]


def _toml(name: str) -> dict[str, object]:
    return tomllib.loads((files("app.writers") / "prose" / name).read_text(encoding="utf-8"))


@cache
def _domains() -> dict[str, Domain]:
    return {name: Domain.model_validate(entry) for name, entry in _toml("domains.toml").items()}


@cache
def _blog_library() -> BlogLibrary:
    return BlogLibrary.model_validate(_toml("blog.toml"))


@cache
def _social_library() -> SocialLibrary:
    return SocialLibrary.model_validate(_toml("social.toml"))
