"""Banks: their list, and what is known at a glance in one of them."""

from fastapi import APIRouter
from starlette.responses import Response

from memkit.bank import MemoryBank
from memkit.identifiers import bank_path
from memkit.models import Kind
from memkit.serve.http.page.visits import PageVisitor, ReadVisit
from memkit.think.mood import Mood

router = APIRouter()
BANKS_SHOWN = 200
NEWEST_SHOWN = 6  # memories
WEEKS_SHOWN = 8  # of each person's mood
TOLD_KINDS: tuple[Kind, ...] = ("turn", "thought", "summary")


@router.get("/")
def list_banks(visitor: PageVisitor, q: str = "") -> Response:
    """Banks that the visitor may read, those alone whose names hold `q`."""
    readable = [name for name in visitor.store.banks() if visitor.may("read", name)]
    fitting = [name for name in readable if q.casefold() in bank_path(name).casefold()]
    return visitor.show("banks.html", q=q, names=fitting[:BANKS_SHOWN], count=len(fitting), total=len(readable))


@router.get("/bank")
def show_bank(visit: ReadVisit) -> Response:
    """A bank at a glance: portrait, mood, wishes, plans, and what is newest."""
    bank = visit.bank
    newest = bank.list(TOLD_KINDS, limit=NEWEST_SHOWN, order="-occurred_at")
    return visit.show(
        "bank.html",
        "bank",
        portrait=bank.portrait(),
        moods=newest_moods(bank),
        standing=bank.standing(),
        upcoming=bank.upcoming(),
        newest=newest,
    )


def newest_moods(bank: MemoryBank) -> dict[str, list[Mood]]:
    """Each person's mood in the newest weeks that show any, the newest first."""
    by_speaker: dict[str, list[Mood]] = {}
    for mood in reversed(bank.mood()):
        weeks = by_speaker.setdefault(mood.speaker, [])
        if mood.valence is not None and len(weeks) < WEEKS_SHOWN:
            weeks.append(mood)
    return {speaker: weeks for speaker, weeks in by_speaker.items() if weeks}
