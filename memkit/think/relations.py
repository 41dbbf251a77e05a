"""Which statements of a person are facts worth keeping, and the relation that each states."""

import re
from typing import NamedTuple

END = r"(?=$|[.,;!]| and (?:I|my|we|now|it)\b| but | because | since | so | with | for (?:a|the|now)\b| in (?:19|20)\d\d| \()"


VAGUE = re.compile(
    r"(?:it|him|her|them|that|this|these|those|you|your|one|some|everything|how|when|what)\b", re.IGNORECASE
)


class Pattern(NamedTuple):
    """A statement's form after it was put in the third person; `single`: a person has one at a time."""

    relation: str
    form: re.Pattern[str]
    single: bool = False


def _pattern(relation: str, form: str, *, single: bool = False) -> Pattern:
    return Pattern(relation, re.compile(form.replace("TAIL", rf"(?P<tail>[^.,;!?]{{2,60}}?){END}")), single)


NAME = r"[A-Z][\w'-]+"
PATTERNS = (
    _pattern("lives in", rf"NAME (?:\w+ )?(?:moved|relocated)(?: back)?(?: (?:here )?from {NAME})? to (?P<tail>{NAME}(?: {NAME})*)".replace("NAME", "WHO"), single=True),
    _pattern("lives in", rf"WHO (?:\w+ )?(?:lives|is living|lived) in (?P<tail>{NAME}(?: {NAME})*)", single=True),
    _pattern("works at", rf"WHO (?:\w+ )?(?:works|is working|started working|started|got (?:a|the|my|that) (?:new )?job) (?:at|for) (?P<tail>(?:the )?{NAME}(?: {NAME})*)", single=True),
    _pattern("works as", r"WHO (?:\w+ )?(?:works as|is working as|got (?:a|the) (?:new )?job as|was promoted to|got promoted to|became|is now) (?:an? |the )?TAIL", single=True),
    _pattern("is aged", r"WHO (?:is|turned|is turning|just turned) (?P<tail>\d{1,3})(?: years old)?\b(?! (?:minutes|hours|days|weeks|months|km|miles|kg|percent|%))", single=True),
    _pattern("is called", rf"WHOSE (?P<what>\w+)(?:'s name is| is called| is named) (?P<tail>{NAME})"),
    _pattern("is allergic to", r"WHO (?:is|was) (?:\w+ )?(?:allergic|intolerant) to TAIL"),
    _pattern("can't eat", r"WHO (?:can't|cannot|doesn't|can not) (?:eat|have|drink|stand|tolerate) TAIL"),
    _pattern("is", r"WHO is (?:an? )?(?P<tail>(?:\w+ )?(?:vegan|vegetarian|pescatarian|diabetic|pregnant|engaged|married|divorced|retired|widowed|left-handed|colou?r-?blind))\b"),
    _pattern("favourite", r"WHOSE (?:(?:all-time|new|absolute) )?favou?rite (?P<what>[\w ]{2,25}?) (?:is|was|has always been) TAIL", single=True),
    _pattern("likes", r"WHO (?:really |absolutely |just )?(?:loves|likes|enjoys|adores|prefers) TAIL"),
    _pattern("dislikes", r"WHO (?:really |absolutely )?(?:hates|dislikes|doesn't like|can't stand) TAIL"),
    _pattern("has", r"WHO (?:has|owns|adopted|bought|got) (?P<tail>(?:an? |two |three |four |five |\d+ )(?:[\w-]+ ){0,3}(?:dogs?|cats?|kids?|children|sons?|daughters?|brothers?|sisters?|siblings?|puppy|kitten|parrot|horse|car|house|flat|apartment|bike|motorbike|boat|guitar|piano|cello|violin|garden|degree))\b"),
    _pattern("plans", r"WHO (?:is (?:going|planning|hoping|about|flying|travelling|traveling|moving|starting)|plans|decided|signed up|booked|applied|enrolled) (?P<tail>(?:to |for |on |in |a |an |the )[^.;!?]{4,80})"),
    _pattern("plans", r"WHO will (?P<tail>[^.;!?]{3,60}(?:on \w+day|tomorrow|next (?:week|month|year)|in [A-Z]\w+)[^.;!?]{0,40})"),
    _pattern("did", r"WHO (?:\w+ )?(?:started|joined|quit|finished|completed|won|lost|broke|sold|learned|learnt|graduated|married|divorced|passed|failed|published|founded|opened|adopted|ran|climbed|visited|retired|got (?:married|engaged|divorced|promoted|fired|hired|accepted|diagnosed)|was (?:born|promoted|fired|hired|diagnosed|accepted|raised))\b(?!')(?P<tail>[^.;!?]{3,80})"),
    _pattern("family", r"WHOSE (?P<what>(?:\w+ )?(?:sister|brother|mother|father|mum|mom|dad|wife|husband|partner|girlfriend|boyfriend|son|daughter|cousin|aunt|uncle|grand\w+|boss|dog|cat|best friend|fianc\w+|niece|nephew|neighbour|neighbor|landlord|doctor|dentist)) (?P<tail>(?:NAME )?(?:is|was|has|lives|works|visits|comes|moved|got|died|passed|turned|plays|loves|will|had|wants|studies|started)\b[^.;!?]{3,80})".replace("NAME", NAME)),
)  # fmt: skip


class Relation(NamedTuple):
    """head, relation, tail of a statement; `single` where a new tail takes the place of the old one."""

    head: str
    relation: str
    tail: str
    single: bool


def relation_of(statement: str, speaker: str) -> Relation | None:
    """The relation that a statement in the third person states; None where it is no fact of a known form."""
    own = re.escape(f"{speaker}'" if speaker.endswith("s") else f"{speaker}'s")
    for relation, form, single in PATTERNS:
        source = form.pattern.replace("WHOSE", own).replace("WHO", re.escape(speaker))
        match = re.search(rf"^(?:[^,:;]{{0,40}}[,:;] )?{source}", statement)
        if match is not None and not VAGUE.match(match["tail"].strip()):
            return _relation(match, relation, speaker, single=single)
    return None


def _relation(match: re.Match[str], relation: str, speaker: str, *, single: bool) -> Relation:
    found = match.groupdict()
    tail = found["tail"].strip()
    what = found.get("what")
    if what is None:
        return Relation(speaker, relation, tail, single)
    if relation == "favourite":
        return Relation(speaker, f"favourite {what.strip()}", tail, single)
    return Relation(f"{speaker}'s {what.strip()}", relation, tail, single)
