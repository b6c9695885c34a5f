"""Reading a topic: turning what somebody typed into a phrase that can stand in the middle of an English sentence."""

import re
from dataclasses import dataclass
from enum import StrEnum

_DOUBLING = frozenset(
    """
    get set run plan cut put begin stop win ship swim shop chop grip trim fit spin dig let sit hit map plug scan
    wrap tap drop quit skip jog hug beg nap refer debug unplug
    """.split()  # noqa: SIM905
)
_OPENERS = frozenset(
    """
    a an the your our my their this these those why how what when where modern better good great new small smart
    simple easy quick healthy sustainable remote local home personal digital early daily online everyday practical
    basic best electric solar renewable artificial machine cloud slow fast open free safe clean fresh wild raw
    strong deep high low long short common effective mental public urban rural future advanced first more less some
    many every and or of for with
    """.split()  # noqa: SIM905
)
_IMPERATIVES = frozenset(
    """
    build create make learn write start improve choose use manage design grow cook bake plan save train set find
    keep get reduce increase teach understand explore run launch ship test deploy secure scale automate brew repair
    """.split()  # noqa: SIM905
)
_DETERMINERS = frozenset(
    """
    a an the your my our their better more less good great healthy first
    """.split()  # noqa: SIM905
)
_SMALL = frozenset(
    """
    a an and as at but by for from in into nor of off on or per so than the to up via with vs without
    """.split()  # noqa: SIM905
)
_LIST = re.compile(
    r"^(?:the\s+)?(?:top\s+)?(?:\d+|two|three|five|seven|ten)\s+(?:\w+\s+)?"
    r"(?:tips|ways|reasons|ideas|steps|things|mistakes|tricks|lessons|rules|habits|myths)"
    r"\s+(?P<link>for|to|about|of|in)\s+(?P<rest>.+)$",
    re.IGNORECASE,
)
_WHAT_IS = re.compile(r"^what(?:'s|\s+is|\s+are)\s+(?P<rest>.+)$", re.IGNORECASE)
_CLAUSE = re.compile(r"^(?:why|how|when|where|whether|what|who|which)\b", re.IGNORECASE)
_YES_NO = re.compile(r"^(?:is|are|can|could|should|do|does|did|will|would|has|have)\s+.+", re.IGNORECASE)


class Kind(StrEnum):
    """What a topic turned out to be; it decides the title."""

    NOUN = "noun"
    ACTIVITY = "activity"
    QUESTION = "question"


@dataclass(frozen=True)
class Subject:
    """`phrase` stands in mid-sentence, `name` where a text must say by itself what it is about, `title` in headings."""

    kind: Kind
    phrase: str
    name: str
    title: str


def read(topic: str) -> Subject:
    """Recognise instructions, lists, questions and plain phrases; anything else is taken as a name."""
    text = re.sub(r"\s+", " ", topic).strip().rstrip(".!?:; ") or topic.strip()
    listed = _LIST.match(text)
    if listed:
        rest = listed["rest"]
        return _activity(rest) if listed["link"].lower() == "to" else _noun(rest)
    if text.lower().startswith("how to "):
        return _activity(text[7:])
    explained = _WHAT_IS.match(text)
    if explained:
        return _noun(explained["rest"])
    if _CLAUSE.match(text) or _YES_NO.match(text):
        return Subject(Kind.QUESTION, "this question", f"“{capitalised(text)}?”", f"{title_case(text)}?")
    words = text.split()
    if len(words) > 2 and words[0].lower() in _IMPERATIVES and words[1].lower() in _DETERMINERS:
        return _activity(text)
    return _noun(text)


def gerund(verb: str) -> str:
    """bake -> baking, run -> running, tie -> tying, brew -> brewing."""
    lower = verb.lower()
    if lower.endswith("ing") and len(lower) > 5:
        return lower
    if lower in _DOUBLING:
        return f"{lower}{lower[-1]}ing"
    if lower.endswith("ie"):
        return f"{lower[:-2]}ying"
    if lower.endswith("e") and not lower.endswith(("ee", "oe", "ye")) and len(lower) > 2:
        return f"{lower[:-1]}ing"
    return f"{lower}ing"


def title_case(text: str) -> str:
    """Headline capitals that leave acronyms and names as they were typed."""
    words = text.split(" ")
    last = len(words) - 1
    return " ".join(_titled(word, 0 < place < last) for place, word in enumerate(words))


def capitalised(text: str) -> str:
    """The first letter large, the rest as it was."""
    return text[:1].upper() + text[1:]


def _titled(word: str, inside: bool) -> str:
    if inside and word.lower() in _SMALL:
        return word.lower()
    return word if any(letter.isupper() for letter in word) else capitalised(word)


def _activity(instruction: str) -> Subject:
    words = instruction.split(" ")
    place = 1 if words[0].lower().endswith("ly") and len(words) > 1 else 0
    words[0] = words[0].lower()
    words[place] = gerund(words[place])
    if len(words) > place + 2 and words[place + 1].lower() in ("and", "or"):
        words[place + 2] = gerund(words[place + 2])
    phrase = " ".join(words)
    return Subject(Kind.ACTIVITY, phrase, phrase, title_case(phrase))


def _noun(text: str) -> Subject:
    first, _, rest = text.partition(" ")
    ordinary = first.lower() in _OPENERS or (first.endswith("ing") and rest)
    phrase = (
        f"{first.lower()} {rest}".strip() if (ordinary and not first.isupper()) or first in ("A", "An", "The") else text
    )
    return Subject(Kind.NOUN, phrase, phrase, title_case(text))
