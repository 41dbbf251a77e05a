"""Standing instructions: what a person asks an agent to do from then on, told from the turn's own words (English).

"Always answer in Spanish.", "From now on call me Bo.", "Whenever I ask for a recipe, leave out nuts." What people say
of themselves ("I always take the bus") is none, and neither is what they quote or paste.
"""

import re
from typing import NamedTuple

from memkit.text.hints import hint_words
from memkit.text.parts import SENTENCE_END_PATTERN, without_recalled
from memkit.text.pasted.spans import own_words
from memkit.text.terms.tokens import stem, words

MAX_INSTRUCTION_CHARS = 300  # longer sentences are no instruction to an agent
QUOTED_PATTERN = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»|(?<!\w)'[^']{3,}'(?!\w)")
HINT_WORDS = frozenset(  # one of them, or of the phrases, is part of every instruction
    """
    always never ever whenever everytime eachtime anytime again anymore henceforth future default ignore forget scrap
    drop needn
    """.split()
)
HINT_PHRASES = (
    *("every time", "each time", "any time", "from now on", "from here on", "going forward", "any more", "call me"),
    *("when i", "when we", "if i", "if we", "you can", "you may", "no longer", "have to", "need to"),
)
LEAD_FORM = (
    r"^\W*+(?:(?:hey|hi|hello|oh|ok|okay|and|also|but|so|then|well|thanks|sorry|actually|just|please|kindly"
    r"|one more thing|by the way|remember|note)[\s,:]+)*+"
)
SINCE_NOW = r"(?:from now on(?:wards?)?|from here on(?: out)?|going forward|henceforth|in (?:the )?future|by default)"
NOT_IMPERATIVE = (  # after "always" or "never" at the beginning: words with which nobody asks for something
    r"(?:a|an|the|here|there|up|down|ready|willing|glad|open|by|for|with|been|had|has|have|heard|seen|knew|known"
    r"|thought|wanted|loved|liked|was|were|is|are|in|on|at|mind|again|my"
    r"|your|his|her|their|good|nice|happy|fun|great|so|too|that|this|there|did|do i|would|could|will|i|we|he|she"
    r"|they|it|ever|said|felt|saw|went|got|gone|done|ran|made|\w+ed|\w+ing)\b"
)
SUBJECT_FORM = (
    r"(?:i|we|he|she|it|they|there|my|our|his|her|their|the|that|this|what|who|how|why|you|people|everyone|someone)\b"
)
ASKING_FORM = (
    r"(?:you (?:must|should|shall|have to|need to|are to|may|can)|(?:i|we)(?:['’]d| would) (?:like|love"
    r"|prefer) (?:it if )?you"
    r"(?: to)?|(?:i|we) (?:want|need|expect|ask|prefer) you to|(?:can|could|would|will) you|make sure(?: that| you"
    r"| to)*|be sure to|remember to|try to)"
)
INSTRUCTION_PATTERNS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{LEAD_FORM}(?:always|never) (?!{NOT_IMPERATIVE}|{SUBJECT_FORM})\w",
        rf"{LEAD_FORM}(?:don['’]t|do not|never) (?!{NOT_IMPERATIVE})\w[^?]*\b(?:again|any ?more|ever|{SINCE_NOW})\b",
        rf"{LEAD_FORM}(?:don['’]t|do not) ever (?!{NOT_IMPERATIVE})\w",
        rf"{LEAD_FORM}{SINCE_NOW}[\s,:]+(?:please )?(?!{SUBJECT_FORM}|\w+ (?:will|would|might|may|can|could|is|are"
        rf"|was)\b)\w",
        rf"{LEAD_FORM}{SINCE_NOW}[\s,:]+{ASKING_FORM}",
        rf"{LEAD_FORM}(?!{SUBJECT_FORM})\w[^?]*\b{SINCE_NOW}\W*$",
        rf"{LEAD_FORM}(?!you (?:can|may)\b){ASKING_FORM}[^.]*\b(?:always|never|{SINCE_NOW})\b",
        rf"{LEAD_FORM}(?:when(?:ever)?|if|(?:every|each|any) ?time) (?:i|we) [^,]{{2,120}}, *(?:then )?(?:please )?"
        rf"(?:{ASKING_FORM} )?(?:always |never |don['’]t |do not )?(?!{SUBJECT_FORM})\w",
        rf"{LEAD_FORM}(?!{SUBJECT_FORM})\w[^?,]{{2,120}},? (?:whenever|(?:every|each|any) ?time) (?:i|we) \w",
        rf"{LEAD_FORM}(?:you can |you may )?call me (?-i:[A-ZÀ-Þ])[\w'’-]*\W*$",
    )
)
WHENEVER_PATTERN = re.compile(r"\b(?:when(?:ever)?|if|(?:every|each|any) ?time) (?:i|we)\b", re.IGNORECASE)
INSISTING_PATTERN = re.compile(r"\b(?:always|never|from now on)\b", re.IGNORECASE)
NEGATION_PATTERN = re.compile(r"\b(?:never|don['’]t|do not|not|stop|without|no)\b", re.IGNORECASE)
LASTING_PATTERN = re.compile(
    r"\b(?:always|never|whenever|(?:every|each|any) ?time|ever(?! since)|again|any ?more|call me|(?:when|if) (?:i|we)"
    rf" (?:ask|say|write|send|tell|want|mention|share|post|show|talk|give)|{SINCE_NOW})\b",
    re.IGNORECASE,
)
RELEASE_PATTERN = re.compile(
    rf"{LEAD_FORM}(?:you (?:can|may) \w[^?]*\b(?:again|now)\b"
    r"|you (?:don['’]t|do not|needn['’]t|no longer) (?:have to|need to)? ?\w[^?]*"
    r"|(?:there['’]s )?no need to [^?]*\bany ?more\b"
    r"|(?:forget|ignore|scrap|drop) (?:what|that|the (?:rule|instruction|thing))[^?]*)",
    re.IGNORECASE,
)
LIGHT_TERMS = frozenset(
    stem(word)
    for word in """
    add always answer anymore ask call can default every ever forget future give going forward have include just
    keep let like
    make mention need never now please put refer remember reply respond say send should speak start stop sure talk
    tell time
    use ignore instruction rule said thing using want whenever word write
    """.split()
)
SLOT_PATTERNS = {  # two instructions of one slot and one condition can't both hold
    "language": r"english|spanish|german|french|italian|portuguese|russian|chinese|mandarin|japanese|korean|dutch"
    r"|polish|turkish"
    r"|arabic|hindi|swedish|danish|norwegian|finnish|greek|czech|ukrainian|hebrew|catalan",
    "name": r"call me",
    "length": r"short(?:er|ly)?|brief(?:ly)?|concise(?:ly)?|long(?:er)?|detailed|in detail|at length|one sentence",
    "units": r"metric|imperial|celsius|fahrenheit|kilomet(?:er|re)s|miles|kilograms?|pounds",
    "tone": r"formal(?:ly)?|informal(?:ly)?|casual(?:ly)?",
}


class Instruction(NamedTuple):
    """A standing instruction: its sentence, the terms of what is asked for, whether it forbids, and its slot.

    `condition`: terms of when it counts. `releases`: it only takes back what was asked for before.
    """

    sentence: str
    terms: frozenset[str]
    condition: frozenset[str] = frozenset()
    slot: str | None = None
    releases: bool = False

    def replaces(self, older: "Instruction") -> bool:
        """Whether it takes the place of an older one: it says the same, the contrary, or more generally so."""
        if self.slot is not None and (self.slot, self.condition) == (older.slot, older.condition):
            return True
        own, other = self.terms | self.condition, older.terms | older.condition
        return bool(own) and own <= other


def instructions(text: str) -> list[Instruction]:
    """Standing instructions in a turn's own words, in order."""
    if not _may_instruct(text) or not _read_in(text):
        return []
    return _read_in(own_words(without_recalled(text)))


def _may_instruct(text: str) -> bool:
    """Whether a text holds a hint of an instruction; most don't, and are read no further."""
    if not HINT_WORDS.isdisjoint(hint_words(text)):
        return True
    plain = text.casefold()
    return any(map(plain.__contains__, HINT_PHRASES))


def _read_in(text: str) -> list[Instruction]:
    sentences = (part.strip() for part in SENTENCE_END_PATTERN.split(text) if len(part) <= MAX_INSTRUCTION_CHARS)
    hinting = (sentence for sentence in sentences if _may_instruct(sentence))
    return [instruction for sentence in hinting if (instruction := _read(sentence)) is not None]


def _read(sentence: str) -> Instruction | None:
    bare = QUOTED_PATTERN.sub(" … ", sentence)
    if RELEASE_PATTERN.match(bare):
        return Instruction(sentence, _terms(bare), releases=True)
    if bare.endswith("?") and not INSISTING_PATTERN.search(bare):
        return None
    if not LASTING_PATTERN.search(bare) or not any(pattern.match(bare) for pattern in INSTRUCTION_PATTERNS):
        return None
    asked, condition = _parted(bare)
    slot = None if NEGATION_PATTERN.search(asked) else _slot(asked)
    instruction = Instruction(sentence, _terms(asked), _terms(condition), slot)
    return instruction if instruction.terms else None


def _parted(sentence: str) -> tuple[str, str]:
    """The part that is asked for, and the condition under which it counts."""
    match = WHENEVER_PATTERN.search(sentence)
    if match is None:
        return sentence, ""
    end = sentence.find(",", match.end()) if not sentence[: match.start()].strip(" ,") else len(sentence)
    end = len(sentence) if end < 0 else end
    return sentence[: match.start()] + sentence[end:], sentence[match.start() : end]


def _terms(text: str) -> frozenset[str]:
    return frozenset(word.term for word in words(text)) - LIGHT_TERMS


def _slot(text: str) -> str | None:
    slots = (slot for slot, form in SLOT_PATTERNS.items() if re.search(rf"\b(?:{form})\b", text, re.IGNORECASE))
    return next(slots, None)
