"""Material of machines: code, data, logs, stack traces; and conversations of others."""

import json
import re
from collections import Counter
from collections.abc import Iterator

from memkit.text.pasted.lines import Line, lines, paragraphs

CODE_MARK_PATTERN = re.compile(
    r"(?ms)^[ \t]{0,8}(?P<fence>`{3,9}|~{3,9})[^\n`~]*\n.*?(?:^[ \t]*(?P=fence)[ \t]*$|\Z)"
    r"|```.+?```"
    r"|<(?P<tag>pre|code|blockquote)\b[^>]{0,200}>.*?(?:</(?P=tag)>|\Z)"
    r"|\[(?P<bracket>quote|code)\b[^\]]{0,200}\].*?(?:\[/(?P=bracket)\]|\Z)"
    r"|(?<!`)`[^`\n\s]{0,100}\s[^`\n]{0,300}`(?!`)"  # one word between marks is a name
)
JSON_START_PATTERN = re.compile(r"[\[{]\s*[\"\[{\dtfn\]}-]")
DICT_PATTERN = re.compile(r"\{\s*(?:'[^'\n]{1,60}'|[\w-]{1,60})\s*:[^{}]{1,2000}\}")
MAX_JSON_STARTS = 500  # brackets that are tried in one text
LOG_LEVELS = "(?:INFO|DEBUG|WARN(?:ING)?|ERROR|FATAL|TRACE|CRITICAL|NOTICE|VERBOSE|SEVERE)"
LOG_MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
LOG_LINE_PATTERN = re.compile(
    r"\W{0,2}\d{4}-\d\d-\d\d[T ,]+\d\d:\d\d(?::\d\d|\s*[\]|])"
    r"|\W{0,2}\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4},? +\d{1,2}:\d\d(?::\d\d)?(?: ?[AaPp]\.?[Mm]\.?)?(?:\]| [-–] | \[)"
    rf"|\[?\d{{1,2}}:\d\d:\d\d(?:[.,]\d+)?[\]\s]|{LOG_MONTHS} +\d{{1,2}} \d\d:\d\d:\d\d |\s*\[\s?{LOG_LEVELS}\s?\]"
    rf"|{LOG_LEVELS}(?:\s{{2,}}|\s?\[|:[\w.]+:|\s?\|)"
    r"|\d{1,3}(?:\.\d{1,3}){3} - |[$#%] [a-z][\w./-]*|>>> |[\w.-]+@[\w.-]+:[^ ]*[$#] |npm ERR!|[VDIWEF]/[\w.]+\("
)
TRACE_LINE_PATTERN = re.compile(
    r"\s*Traceback \(most recent call last\)|\s*File \".+\", line \d+|\s*at .+\(.*\)\s*$|\s*at .+:\d+:\d+\s*$"
    r"|Caused by: |Exception in thread |\s*\.\.\. \d+ more|goroutine \d+ |panic: |\s*[~^]+\s*$|thread '.*' panicked"
    r"|(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Warning)(?:: |$)|error(?:\[E\d+\])?: .+|\s+--> .+:\d+"
)
CODE_LINE_PATTERN = re.compile(
    r"\s*(?:(?:async )?def \w+\s*\(|class \w+(?:\(.*\))?:\s*$|(?:export |async |default )*function\b.*\("
    r"|import \w[\w.]*(?: as \w+)?;?\s*$|import .+ from ['\"]|from [\w.]+ import \w"
    r"|(?:export )?(?:const|let|var) [\w{}, ]+ ?=|#include\b|#!/"
    r"|(?:public|private|protected|static) (?:static |final |abstract )*(?:class|void|int|String|bool\w*|func)\b"
    r"|package [\w.]+;|using [\w.]+;|func \w+\(|fn \w+\(|SELECT\b.+|INSERT INTO\b|UPDATE \w+ SET|CREATE TABLE"
    r"|DELETE FROM|<\?php|<!DOCTYPE|<!--|</?[A-Za-z][\w-]*(?:\s[^<>]*)?/?>.*>?\s*$|return\b.*;\s*$|print(?:ln|f)?\(.*"
    r"|console\.\w+\(|(?:if|for|while|switch|else if)\s?\(.*\)\s*\{?\s*$|[\w.\[\]\"']+\s?[-+*/]?=\s?.*[;)\]}\"']\s*$"
    r"|\w+(?:[.:]+\w+)*\(.*\)\s*[;:{]?\s*$|\s*[\]})]+[;,)]*\s*$|.*(?:[\w)\]\"'] ?\{|\}[;,)]*|[)\]\"'];)\s*$"
    r"|@\w+(?:\(.*\))?\s*$|\|.*\|\s*$|\"[\w .-]+\"\s*:\s*.+)"
)
CODE_SIGN_PATTERN = re.compile(r"[(){}=<>\[\]\"':|]")
SPOKEN_LINE_PATTERN = re.compile(
    r"\s*(?:[-*] )?\**(?P<who>[^\W\d_][\w .'’-]{0,30}?)\**(?: ?[(\[][^)\]\n]{1,30}[)\]])?\**\s?[:：]\**\s+\S"
)
MIN_SPOKEN_LINES = 3
ROLE_NAMES = frozenset(
    "user human assistant ai bot chatgpt claude system model customer agent caller operator interviewer interviewee"
    " moderator q a".split()
)
TABLE_ROW_PATTERN = re.compile(r"[^,;\t\n]{1,60}(?:[,;\t](?!\s)[^,;\t\n]{0,200})+")


def code_marks(text: str) -> Iterator[tuple[int, int]]:
    """Texts between marks of code or quotation; one that isn't closed goes to the end."""
    return (match.span() for match in CODE_MARK_PATTERN.finditer(text))


def json_values(text: str) -> Iterator[tuple[int, int]]:
    """JSON objects and lists of more than one value, and what is written like them."""
    yield from (match.span() for match in DICT_PATTERN.finditer(text))
    end = 0
    for count, match in enumerate(JSON_START_PATTERN.finditer(text)):
        if count == MAX_JSON_STARTS:
            return
        if match.start() >= end and (stop := _json_end(text, match.start())):
            yield match.start(), (end := stop)


def _json_end(text: str, start: int) -> int | None:
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return end if isinstance(value, dict) or len(value) > 1 else None


def machine_lines(text: str) -> Iterator[tuple[int, int]]:
    """Lines of logs, stack traces and code, with what stands between two of them in a paragraph."""
    for paragraph in paragraphs(text):
        at = [n for n, line in enumerate(paragraph) if _is_machines(line)]
        if at:
            yield paragraph[at[0]].start, paragraph[_after_traceback(paragraph, at[-1])].end


def tables(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs of comma-separated values: a row of names and others of as many fields."""
    for paragraph in paragraphs(text):
        rows = [re.split(r"[,;\t]", line.text) for line in paragraph if TABLE_ROW_PATTERN.fullmatch(line.text)]
        if len(paragraph) > 1 and len(rows) == len(paragraph) and len({len(row) for row in rows}) == 1:
            yield paragraph[0].start, paragraph[-1].end


def _is_machines(line: Line) -> bool:
    if LOG_LINE_PATTERN.match(line.text) or TRACE_LINE_PATTERN.match(line.text):
        return True
    return bool(CODE_LINE_PATTERN.match(line.text) and CODE_SIGN_PATTERN.search(line.text)) or bool(
        re.match(r"\s*(?:import \w[\w.]*|from [\w.]+ import \w+|SELECT\b.*\bFROM\b.*)", line.text)
        and not line.text.rstrip().endswith((".", "!"))
    )


def _after_traceback(paragraph: list[Line], last: int) -> int:
    """The last of the indented lines that belong to the one before them."""
    while last + 1 < len(paragraph) and paragraph[last + 1].text.startswith(("  ", "\t")):
        last += 1
    return last


def transcripts(text: str) -> Iterator[tuple[int, int]]:
    """Runs of lines that begin with who speaks: several speakers, one of them again, or two roles."""
    run: list[tuple[str, Line]] = []
    for line in [*lines(text), Line("\n", len(text), len(text))]:
        spoken = SPOKEN_LINE_PATTERN.match(line.text)
        if spoken:
            run.append((" ".join(spoken["who"].casefold().split()), line))
        elif line.text.strip() or line.start == len(text):
            if _is_transcript([who for who, _ in run]):
                yield run[0][1].start, run[-1][1].end
            run = []


def _is_transcript(speakers: list[str]) -> bool:
    counts = Counter(speakers)
    if len(counts) > 1 and len(ROLE_NAMES & counts.keys()) > 1:
        return True
    return len(speakers) >= MIN_SPOKEN_LINES and len(counts) > 1 and max(counts.values()) > 1
