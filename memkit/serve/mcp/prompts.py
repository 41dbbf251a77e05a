"""Prompts that a person chooses: what is remembered about something, and keeping what was said."""

from collections.abc import Mapping

from mcp_types import GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

from memkit.errors import InputError, UnknownOptionError
from memkit.identifiers import bank_path
from memkit.serve.guard import Caller
from memkit.serve.mcp.served_banks import ServedBanks
from memkit.serve.mcp.tools.reading import NOTHING_TEXT

MAX_RECALLED = 20  # results
MAX_TOKENS = 4_000  # of their block
BANK_ARGUMENT = PromptArgument(name="bank", description="bank's name, as acme/ana", required=True)
KNOWING_PROMPT = Prompt(
    name="what_do_you_know",
    title="What do you know about ...?",
    arguments=[PromptArgument(name="about", description="person, thing or topic", required=True)],
)
REMEMBERING_PROMPT = Prompt(name="remember_conversation", title="Remember this conversation", arguments=[])
REMEMBERING_TEXT = (
    "Remember what will matter later of this conversation{where}: call remember with facts, each a sentence that "
    "stands alone, with names and dates. Recall first, and correct what is outdated instead of adding to it. Then "
    "call think, and say in a line what you stored."
)


class MemoryPrompts:
    """Prompts of the served banks; a bank is one of their arguments where there may be several."""

    def __init__(self, served: ServedBanks) -> None:
        self._served = served
        kinds = [KNOWING_PROMPT] if served.read_only else [KNOWING_PROMPT, REMEMBERING_PROMPT]
        bank = [BANK_ARGUMENT] if served.only is None else []
        self.listed = [kind.model_copy(update={"arguments": [*(kind.arguments or ()), *bank]}) for kind in kinds]

    def get(self, caller: Caller, name: str, values: Mapping[str, str]) -> GetPromptResult:
        """A prompt's messages. Raises UnknownOptionError, InputError, and what a bank raises."""
        prompt = next((prompt for prompt in self.listed if prompt.name == name), None)
        if prompt is None:
            raise UnknownOptionError("name: there is no such prompt; prompts/list names them.")
        names = [argument.name for argument in prompt.arguments or ()]
        if set(values) != set(names) or not all(values.values()):
            raise InputError(f"{name}: takes {' and '.join(names) or 'no arguments'}.")
        texts = self._knowing(caller, **values) if name == KNOWING_PROMPT.name else self._to_remember(caller, **values)
        messages = [PromptMessage(role="user", content=TextContent(type="text", text=text)) for text in texts]
        return GetPromptResult(description=prompt.title, messages=messages)

    def _knowing(self, caller: Caller, about: str, bank: str | None = None) -> list[str]:
        hits = self._served.bank(caller, bank, "read").recall(about, k=MAX_RECALLED)
        ask = f"What do you know about {about}? Answer from the memories above, and say what they don't tell."
        return [hits.prompt(MAX_TOKENS) or NOTHING_TEXT, ask]

    def _to_remember(self, caller: Caller, bank: str | None = None) -> list[str]:
        name = self._served.bank(caller, bank, "write").name
        return [REMEMBERING_TEXT.format(where="" if bank is None else f" in bank {bank_path(name)}")]
