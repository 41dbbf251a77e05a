"""Protocols of everything that can be replaced: encoder, surprisal model, thinker, reflector, storage."""

from memkit.protocols.callers import CallerRecords
from memkit.protocols.encoding import Encoder, LoadsAhead, SurprisalModel, Token
from memkit.protocols.storage import BankClaim, BankRest, Decision, Storage
from memkit.protocols.thinking import CountedReflector, ModelThinker, Reflection, Reflector, Task, TellsHeads, Thinker
from memkit.protocols.values import BankName, BankVersion, FloatArray, RowPlace, Span, TableRow, TableRows
from memkit.protocols.views import BankView, Bookmark, PageOptions, Position, VectorSource

__all__ = [
    "BankClaim",
    "BankName",
    "BankRest",
    "BankVersion",
    "BankView",
    "Bookmark",
    "CallerRecords",
    "CountedReflector",
    "Decision",
    "Encoder",
    "FloatArray",
    "LoadsAhead",
    "ModelThinker",
    "PageOptions",
    "Position",
    "Reflection",
    "Reflector",
    "RowPlace",
    "Span",
    "Storage",
    "SurprisalModel",
    "TableRow",
    "TableRows",
    "Task",
    "TellsHeads",
    "Thinker",
    "Token",
    "VectorSource",
]
