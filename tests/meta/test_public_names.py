"""Public names that stay: what others build on may grow, and none of it may go or be renamed."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

import pytest

import memkit
from memkit import settings
from memkit.encoders.hashing import HashingEncoder
from memkit.models import Hit, Memory, Receipt, Turn

FRONT_DOOR_NAMES = (
    "Bank Hit Item MemkitError Memory MemoryBank MemoryStore Receipt Recollection Settings Turn "
    "connect open repair restore"
)
OPEN_PARAMETERS = "location encoder thinker surprisal clock settings read_only erasure_key"
METHOD_PARAMETERS: dict[type, dict[str, str]] = {
    memkit.MemoryStore: {
        "close": "",
        "bank": "names zone",
        "banks": "prefix",
        "recall": "query banks under k",
        "maintain": "budget_s",
        "background": "every_s budget_s",
        "flush": "timeout_s",
        "doctor": "repair",
        "audit": "prefix fix",
        "stats": "measure",
        "warm": "",
        "reencode": "encoder progress",
        "erase_all": "under confirm requested_by",
        "receipts": "prefix",
        "export_receipts": "path",
        "backup": "path",
        "export": "path prefix",
        "load": "path progress",
        "export_as": "format path prefix",
        "import_from": "format path bank speakers split dry_run progress",
    },
    memkit.MemoryBank: {
        "observe": "turns",
        "think": "batch",
        "reflect": "",
        "recall": "query k kinds where speaker since until context around min_score now valid_at as_of reinforce",
        "reinforce": "ids now",
        "window": "budget session count_tokens",
        "portrait": "",
        "mood": "",
        "beliefs": "",
        "standing": "",
        "upcoming": "now within",
        "insert": "items",
        "merge": "ids text",
        "supersede": "id text",
        "correct": "id text",
        "pin": "id pinned",
        "forget": "ids reason",
        "restore": "ids",
        "undo": "receipt",
        "put": "key value index ttl sources",
        "put_many": "puts delete encoded expected",
        "get_item": "key refresh",
        "delete_item": "key",
        "session": "id",
        "get": "id",
        "list": "kinds where after limit states",
        "history": "id",
        "decay": "now dry_run",
        "prune": "now dry_run",
        "plan_erase": "about speaker session since until ids",
        "erase": "plan ids requested_by",
        "erase_all": "confirm requested_by",
    },
    memkit.Recollection: {
        "use": "",
        "prompt": "max_tokens count_tokens portrait summaries standing upcoming",
        "messages": "max_tokens count_tokens role portrait summaries standing upcoming",
        "documents": "",
    },
    HashingEncoder: {"encode": "texts", "__init__": "dimension"},
}
PROPERTY_NAMES: dict[type, str] = {
    memkit.MemoryStore: "settings",
    memkit.MemoryBank: "aio name zone",
    memkit.Recollection: "best ids",
    HashingEncoder: "name",
}
FIELD_NAMES: dict[Any, str] = {
    Hit: "memory score why bank around thoughts",
    Memory: (
        "id kind text occurred_at recorded_at speaker role session metadata sources author state head "
        "relation tail valid_from valid_until superseded_by echo_of strength recalled_at recall_count "
        "salience key_phrases pinned"
    ),
    Turn: "text speaker role at id session metadata",
    Receipt: "bank change outcomes",
    settings.ObserveSettings: "episode_turns episode_characters session_gap exchange_turns exchange_idle small_talk",
    settings.IndexSettings: "sketch_bits sketch_seed groups passage_from passage_characters tokens",
    settings.RankingSettings: (
        "exact_up_to compact_up_to dense lexical nameless passages neighbour second_neighbour "
        "answered episode session whole_context speaker assistant asks whole_question answers length "
        "date time when superseded cohesive_own cohesive_session cohesive_context cohesive_recency"
    ),
    settings.DecaySettings: (
        "days kinds threshold growth growth_mode spacing salience_weight salience_typical "
        "archive_after sampled ranking_weight"
    ),
    settings.KeepRule: "kinds under days then",
    settings.ThinkSettings: "batch salience calls_per_day tokens_per_day prompts",
    settings.RuntimeSettings: (
        "encode_timeout encode_batch encode_late busy_timeout workers reinforce_after reinforce_count cache_bytes lease"
    ),
    settings.Settings: "observe index ranking decay keep think runtime",
}


def parameter_names(function: Callable[..., Any]) -> Iterator[str]:
    """Names of the parameters, those of a typed dictionary of options included."""
    for parameter in inspect.signature(function).parameters.values():
        yield parameter.name
        if parameter.kind is parameter.VAR_KEYWORD and parameter.annotation is not parameter.empty:
            for options in get_args(get_type_hints(function).get(parameter.name)):
                yield from getattr(options, "__annotations__", ())


def test_the_front_door_shows_the_same_names() -> None:
    assert sorted(memkit.__all__) == FRONT_DOOR_NAMES.split()
    assert set(OPEN_PARAMETERS.split()) <= set(parameter_names(memkit.open))


@pytest.mark.parametrize("owner", METHOD_PARAMETERS, ids=lambda owner: owner.__name__)
def test_methods_keep_their_names_and_parameters(owner: type) -> None:
    for method, parameters in METHOD_PARAMETERS[owner].items():
        missing = set(parameters.split()) - set(parameter_names(getattr(owner, method)))
        assert missing == set(), method


@pytest.mark.parametrize("owner", PROPERTY_NAMES, ids=lambda owner: owner.__name__)
def test_properties_keep_their_names(owner: type) -> None:
    assert set(PROPERTY_NAMES[owner].split()) <= set(dir(owner))


@pytest.mark.parametrize("model", FIELD_NAMES, ids=lambda model: model.__name__)
def test_fields_of_models_and_settings_keep_their_names(model: Any) -> None:
    fields = getattr(model, "model_fields", None) or model.__dataclass_fields__
    assert set(FIELD_NAMES[model].split()) <= set(fields)
