"""Settings of a file: its encoder and all that shapes stored data, checked at opening."""

from pydantic import TypeAdapter

from memkit.encoders import encoder_named
from memkit.errors import EncoderMismatchError
from memkit.protocols import Encoder, FloatArray, Storage
from memkit.runtime.encoder_slot import EncoderSlot
from memkit.settings import IndexSettings, KeepRule, ObserveSettings, Settings
from memkit.storage.core.checksums import decoding

ENCODER_KEY = "encoder.name"
DIMENSION_KEY = "encoder.dimension"
REENCODING_KEY = "encoder.reencoding"
INDEX_KEY = "settings.index"
OBSERVE_KEY = "settings.observe"
KEEP_KEY = "settings.keep"
FILE_KEYS = (ENCODER_KEY, DIMENSION_KEY, INDEX_KEY, OBSERVE_KEY, KEEP_KEY)
RULES_ADAPTER = TypeAdapter(tuple[KeepRule, ...])


class AbsentEncoder:
    """Stands in for an encoder that only the caller can give; it refuses to encode."""

    def __init__(self, name: str, dimension: int) -> None:
        self.name, self.dimension = name, dimension

    def encode(self, texts: list[str]) -> FloatArray:
        raise EncoderMismatchError(
            f"this file was written with the encoder {self.name!r}, which memkit can't make by itself. "
            "Pass it as memkit.open(..., encoder=...), or change to another with store.reencode(encoder)."
        )


@decoding("a setting of the file")
def stored_settings(storage: Storage, given: Settings | None) -> Settings:
    """The settings to work with: the file's own where they shape its data, else the given ones."""
    index, observe = storage.get_meta(INDEX_KEY), storage.get_meta(OBSERVE_KEY)
    rules = RULES_ADAPTER.validate_json(storage.get_meta(KEEP_KEY) or "[]")
    if given is not None and given.keep is None:
        given = given.model_copy(update={"keep": rules})
    if index is None:
        return given or Settings(keep=())
    file_index = IndexSettings.model_validate_json(index)
    if given is None:
        file_observe = ObserveSettings.model_validate_json(observe or "{}")
        return Settings(index=file_index, observe=file_observe, keep=rules)
    if given.index != file_index:
        raise EncoderMismatchError(
            "settings.index differs from what this file was written with. Leave it out to use the file's, "
            "or export the store and load it into a new file; store.reencode changes only the encoder."
        )
    return given


def chosen_encoder(storage: Storage, given: Encoder | None) -> Encoder | None:
    """The encoder to work with: the given one if it is the file's, else the one of the file's name.

    Raises EncoderMismatchError where the given encoder is another than the file's.
    """
    name, dimension = storage.get_meta(ENCODER_KEY), storage.get_meta(DIMENSION_KEY)
    if name is None or dimension is None:
        return given
    if given is None:
        return encoder_named(name) or AbsentEncoder(name, int(dimension))
    if (given.name, given.dimension) != (name, int(dimension)):
        raise EncoderMismatchError(
            f"this file was written with the encoder {name!r} ({dimension} dimensions), "
            f"not with {given.name!r} ({given.dimension}). Open it without encoder=, "
            "then call store.reencode(encoder)."
        )
    return given


def record_settings(storage: Storage, slot: EncoderSlot, settings: Settings) -> None:
    """Write into a new file what it is written with."""
    if storage.get_meta(ENCODER_KEY) is None:
        storage.set_meta({**encoder_meta(slot.get()), INDEX_KEY: settings.index.model_dump_json()})
    rules = RULES_ADAPTER.dump_json(settings.keep or ()).decode()
    for key, value in ((OBSERVE_KEY, settings.observe.model_dump_json()), (KEEP_KEY, rules)):
        if (storage.get_meta(key) or "[]") != value:
            storage.set_meta({key: value})


def encoder_meta(encoder: Encoder) -> dict[str, str]:
    """An encoder's identity, as kept in the file."""
    return {ENCODER_KEY: encoder.name, DIMENSION_KEY: str(encoder.dimension)}
