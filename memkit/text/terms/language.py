"""Languages: which one a text is written in, told by its commonest words; and its words without content."""

import re
import tomllib
from collections import Counter, defaultdict
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from memkit.text.terms.forms import composed, script_stemmer, without_marks

WORD_PATTERN = re.compile(r"[^\W\d_]+")
MARKED_PATTERN = re.compile(r"[^\W\d_]+|[¿¡]")
TOLD_CHARS = 2000  # of a text, by which its language is told
MIN_COMMON_SHARE = 0.15  # of a text's words that are among the commonest of its language
ENGLISH_STEMMER = "english"
STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any are aren't as at be because been before being below
    between both but by can can't could couldn't did didn't do does doesn't doing don't down during each ever
    few for from further get gets getting got had hadn't has hasn't have haven't having he her here hers herself
    him himself his how i i'd i'll i'm i've if in into is isn't it it's its itself just let let's me more most
    my myself no nor not now of off on once only or other our ours ourselves out over own same she should
    shouldn't so some such than that that's the their theirs them themselves then there these they they're this
    those through to too under until up us very was wasn't we we're were weren't what what's when where which
    while who whom why will with won't would wouldn't you you're your yours yourself yourselves
    """.split()
)
STOP_PAIRS = frozenset(  # of scripts without spaces: words of two characters without content, and parts of longer ones
    """
    什么 怎么 怎样 哪里 哪儿 哪个 哪些 哪天 哪年 多少 多久 几个 为什 何时 什麼 怎麼 哪裡 為什 時候 时候
    我们 你们 他们 她们 它们 咱们 大家 自己 这个 那个 这些 那些 这里 那里 这样 那样 这么 那么 我們 你們
    他們 她們 這個 那個 這些 這裡 那裡 没有 沒有 就是 还是 還是 不是 因为 因為 所以 但是 可是 不过 不過
    如果 然后 然後 而且 或者 虽然 雖然 已经 已經 可以 一个 一個 一些 一下 一样 一樣 です ます まし した
    でし って して てい いる ない から まで ので けど でも とい いう こと もの それ これ あれ ここ そこ
    どこ いつ だれ なに なん なぜ どれ どの どう 誰が 何を 何が 何で 어디 누구 누가 언제 무엇 무슨 어떤
    어떻 떻게 얼마 우리 그리 리고 그런 런데 하지 지만 그래 래서 이것 그것 저것 여기 거기 저기 입니 니다
    """.split()
)


class CommonWords(NamedTuple):
    """A language's stemmer, its words without content, all by which it is told, what an apostrophe ends, its signs."""

    stemmer: str
    stop: frozenset[str]
    telling: frozenset[str]
    elided: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()


@cache
def common_words() -> dict[str, CommonWords]:
    """The common words of each language, by its code; the languages of most people first."""
    listed = tomllib.loads((files("memkit.text.terms") / "languages.toml").read_text("utf-8"))
    return {code: _common_words(**lists) for code, lists in listed.items()}


def _common_words(
    stemmer: str,
    stop: str,
    also: str,
    elided: str = "",
    signs: str = "",
) -> CommonWords:
    own = STOP_WORDS if stemmer == ENGLISH_STEMMER else with_plain(stop)
    telling = own.union((part for word in own for part in word.split("'")), with_plain(also), elided.split())
    return CommonWords(
        stemmer,
        own,
        telling,
        frozenset(elided.split()),
        frozenset(signs.split()),
    )


def with_plain(listed: str) -> frozenset[str]:
    """Listed words, and their forms without accents."""
    words = listed.split()
    return frozenset(words) | {without_marks(word) for word in words}


@cache
def words_of(stemmer: str) -> CommonWords:
    """The common words of the language that a stemmer is for; English's for those without."""
    every = {words.stemmer: words for words in common_words().values()}
    return every.get(stemmer, CommonWords(stemmer, STOP_WORDS, STOP_WORDS))


@cache
def _stemmers_by_word() -> dict[str, tuple[str, ...]]:
    """The stemmers of all languages that a word is common in; or a sign, after an asterisk."""
    stemmers = defaultdict[str, list[str]](list)
    for words in common_words().values():
        for word in words.telling.union(f"*{sign}" for sign in words.signs):
            stemmers[word].append(words.stemmer)
    return {word: tuple(own) for word, own in stemmers.items()}


@cache
def _ranks() -> dict[str, int]:
    return {words.stemmer: rank for rank, words in enumerate(common_words().values())}


@cache
def _foreign_words() -> frozenset[str]:
    """The common words of other languages that English doesn't have."""
    return frozenset(word for word, stemmers in _stemmers_by_word().items() if ENGLISH_STEMMER not in stemmers)


@cache
def _english_words() -> frozenset[str]:
    """The common words of English that no other language has."""
    return frozenset(word for word, stemmers in _stemmers_by_word().items() if stemmers == (ENGLISH_STEMMER,))


@cache
def _sign_pattern() -> re.Pattern[str]:
    signs = {sign for words in common_words().values() for sign in words.signs}
    return re.compile("|".join(sorted(signs, key=len, reverse=True)))


def _signs_in(text: str) -> list[str]:
    """The signs of a text's small words and marks, each after an asterisk."""
    words = [word for word in MARKED_PATTERN.findall(text) if not word.isascii() and not word[0].isupper()]
    return [f"*{sign}" for word in words for sign in set(_sign_pattern().findall(word))]


def language_of(text: str) -> str:
    """The language that a text's commonest words are of, by the name of its stemmer; English where none can be told.

    Capitals begin names, so a capitalised word counts only where it begins the text and no name. What no word tells is
    told by its script, where that is of one language.
    """
    tokens, word_count = _telling_tokens(text)
    if not _foreign_words().isdisjoint(tokens):
        counts = _counts_of(tokens)
        best = _most_likely(counts)
        if counts[best] > counts[ENGLISH_STEMMER] and counts[best] >= MIN_COMMON_SHARE * word_count:
            return best
    return ENGLISH_STEMMER if text.isascii() else _language_of_script(tokens, word_count)


def tied_languages(text: str) -> list[str]:
    """Languages but English of which a text has most common words, or as many as of any: "Was war am Dienstag?"."""
    tokens, _ = _telling_tokens(text)
    if _foreign_words().isdisjoint(tokens) and not _english_words().isdisjoint(tokens):
        return []  # English has all of them, and one that no other language has
    counts = _counts_of(tokens)
    most = max(counts.values(), default=0)
    return [stemmer for stemmer in _ranks() if 0 < counts[stemmer] == most and stemmer != ENGLISH_STEMMER]


def _telling_tokens(text: str) -> tuple[list[str], int]:
    """Words and signs by which a text's language is told, and how many words it has."""
    text = composed(text[:TOLD_CHARS])
    tokens = WORD_PATTERN.findall(text)
    word_count = len(tokens)
    if not _begins_name(tokens):
        tokens[0] = tokens[0].casefold()
    if not text.isascii():
        tokens += _signs_in(text)
    return tokens, word_count


def _counts_of(tokens: list[str]) -> Counter[str]:
    by_word = _stemmers_by_word()
    return Counter([stemmer for token in tokens for stemmer in by_word.get(token, ())])


def _most_likely(counts: Counter[str]) -> str:
    return max(counts, key=lambda stemmer: (counts[stemmer], -_ranks()[stemmer]))


def _language_of_script(tokens: list[str], word_count: int) -> str:
    """The language whose script most words are written in, of those that are told at all; else English."""
    counts = Counter(filter(None, (script_stemmer(token[0]) for token in tokens if not token.isascii())))
    best = max(counts, key=counts.__getitem__, default=ENGLISH_STEMMER)
    return best if best in _ranks() and 2 * counts[best] > word_count else ENGLISH_STEMMER


def _begins_name(tokens: list[str]) -> bool:
    """Whether a text begins with two capitals, or is one word: "Los Angeles"; German nouns have capitals."""
    if len(tokens) > 1 and tokens[1][0].islower():
        return False
    return len(tokens) < 2 or _stemmers_by_word().get(tokens[0].casefold()) != ("german",)
