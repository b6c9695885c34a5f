"""The embedded writer: valid, varied, repeatable, about the topic, and said to be a sample."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import SOCIAL_LENGTH, Assignment, ContentType, Priority
from app.writers.embedded import SAMPLE, SECTIONS, EmbeddedWriter, compose

TOPICS = (
    "How to brew better coffee at home",
    "The future of remote work",
    "10 tips for better sleep",
    "Kubernetes autoscaling",
    "Should cities ban cars?",
    "Electric cars",
    "why meetings fail",
    "Build a REST API in Python",
)
line = st.text(
    st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=("Cs", "Cc")), max_size=300
)
as_people_ask = st.builds(
    lambda opening, rest, end: f"{opening}{rest}{end}"[:300],
    st.sampled_from(("", "how to ", "what is ", "10 tips for ", "should ")),
    st.one_of(line, st.text("abz ßŉ.?é0{}", max_size=4), st.text("aß e", min_size=280, max_size=300)),
    st.sampled_from(("", ".", "?", ":", "...")),
)


def assignment(topic: str, form: ContentType, keywords: tuple[str, ...] = ("patience", "cost")) -> Assignment:
    return Assignment(topic=topic, content_type=form, keywords=keywords)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_blog_post_has_everything_uses_topic_and_keywords_and_says_what_it_is(topic: str) -> None:
    content = compose(assignment(topic, ContentType.BLOG), 4)
    text = content.text()
    assert 200 <= len(text.split()) <= 1200
    assert len(content.sections) >= 3 and content.conclusion
    assert len({section.title for section in content.sections}) == len(content.sections)
    assert "patience" in text and "cost" in text and topic.rstrip("?") in text and SAMPLE in text
    assert "{" not in text
    assert len(set(text.split("\n\n"))) == len(text.split("\n\n")), "no paragraph comes twice"


@pytest.mark.parametrize("topic", TOPICS)
def test_a_social_post_is_short_and_tagged_and_says_what_it_is(topic: str) -> None:
    content = compose(assignment(topic, ContentType.SOCIAL), 1)
    assert len(content.text()) <= SOCIAL_LENGTH and SAMPLE in content.text()
    assert content.hashtags == ("#Patience", "#Cost")


def test_the_same_assignment_gives_the_same_text_and_another_topic_another() -> None:
    texts = {compose(assignment(topic, ContentType.BLOG), 4).text() for topic in TOPICS for _ in range(2)}
    assert len(texts) == len(TOPICS)


@pytest.mark.requirement("A04")
def test_quality_writes_more_than_speed() -> None:
    writer = EmbeddedWriter()
    base = assignment("Electric cars", ContentType.BLOG, ())
    long, short = (
        SECTIONS[writer.model(base.model_copy(update={"priority": p}))] for p in (Priority.QUALITY, Priority.SPEED)
    )
    assert long > short


@pytest.mark.parametrize(("topic", "title"), [("Go?", "Go?"), ("00:", "00:"), ("tea.", "Tea")])
def test_a_post_about_something_with_a_very_short_name_has_a_title(topic: str, title: str) -> None:
    assert compose(assignment(topic, ContentType.SOCIAL, ()), 3).title == title


@settings(max_examples=200, deadline=None)
@given(
    topic=as_people_ask.filter(lambda text: len(text.strip()) >= 3),
    keywords=st.lists(line.map(lambda t: t[:60]).filter(lambda t: t.strip()), max_size=12),
    form=st.sampled_from(ContentType),
    sections=st.integers(3, 6),
)
def test_any_accepted_request_gives_a_valid_text(
    topic: str, keywords: list[str], form: ContentType, sections: int
) -> None:
    content = compose(Assignment(topic=topic, content_type=form, keywords=tuple(keywords)), sections)
    assert content.text()
