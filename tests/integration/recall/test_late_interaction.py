"""Words of texts as sign bits: written with the texts, compared at recall, carried along, and erased with them."""

from pathlib import Path

import pytest
from canaries import Dense, left
from word_encoder import WordEncoder

import memkit
from memkit.models import IndexEntry
from memkit.protocols import Encoder
from memkit.settings import IndexSettings, RankingSettings, RuntimeSettings, Settings

ON = Settings(index=IndexSettings(tokens=True))
LONG = "The boat left late from the northern harbour. " * 6 + "The captain was called Ines Okonkwo. " * 6
SAID = [("ana", "My sister keeps three zebrafinches."), ("bob", "I bought a cello."), ("ana", LONG), ("bob", "ok!")]


def opened(path: Path | str, settings: Settings = ON, encoder: Encoder | None = None) -> memkit.MemoryStore:
    return memkit.open(path, encoder=encoder or WordEncoder(), settings=settings)


def entries(bank: memkit.MemoryBank) -> dict[int, IndexEntry]:
    state = bank._context.state()
    assert state is not None
    with bank._context.storage.view(state.number) as view:
        return view.entries(range(1, 20))


def stored(bank: memkit.MemoryBank) -> dict[int, bytes]:
    return {seq: entry.tokens for seq, entry in entries(bank).items() if entry.tokens}


@pytest.mark.parametrize("location", [":memory:", "words.db"])
def test_a_question_is_compared_with_the_words_of_the_best_and_the_hit_says_so(tmp_path: Path, location: str) -> None:
    with opened(location if location == ":memory:" else tmp_path / location) as store:
        bank = store.bank("ana")
        bank.observe(SAID)
        hit = bank.recall("Who keeps zebrafinches?", k=1)[0]
        assert hit.memory.text == SAID[0][1]
        assert hit.why["tokens"] > 0
        assert store.stats()["bytes"]["tokens"] == sum(map(len, stored(bank).values()))


def test_a_text_has_a_row_of_bits_for_each_word_and_a_long_one_by_its_passages(tmp_path: Path) -> None:
    with opened(tmp_path / "words.db") as store:
        bank = store.bank("ana")
        bank.observe(SAID)
        words = stored(bank)
        assert words[1][:2] == bytes([1, 4])  # sister, keeps, three, zebrafinches
        assert len(words[1]) == 2 + 4 * 256 // 8
        assert words[3][0] == len(entries(bank)[3].passages or b"") // 512 > 1


def test_a_store_without_the_setting_keeps_no_words_and_compares_none(tmp_path: Path) -> None:
    with opened(tmp_path / "words.db", Settings()) as store:
        bank = store.bank("ana")
        bank.observe(SAID)
        assert stored(bank) == {}
        assert "tokens" not in bank.recall("Who keeps zebrafinches?", k=1)[0].why


def test_an_encoder_that_gives_no_tokens_may_be_used_with_the_setting(tmp_path: Path) -> None:
    with opened(tmp_path / "words.db", encoder=Dense()) as store:
        bank = store.bank("ana")
        bank.observe(SAID)
        assert stored(bank) == {}
        assert bank.recall("Who keeps zebrafinches?", k=1)[0].memory.text == SAID[0][1]


def test_without_the_weight_words_are_kept_and_count_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "words.db", ON.model_copy(update={"ranking": RankingSettings(tokens=0)})) as store:
        bank = store.bank("ana")
        bank.observe(SAID)
        assert stored(bank)
        assert "tokens" not in bank.recall("Who keeps zebrafinches?", k=1)[0].why


def test_what_is_encoded_late_has_its_words_then(tmp_path: Path) -> None:
    late = ON.model_copy(update={"runtime": RuntimeSettings(encode_late=True)})
    with opened(tmp_path / "late.db", late) as store, opened(tmp_path / "words.db") as other:
        for each in (store, other):
            each.bank("ana").observe(SAID)
        store.flush()
        assert stored(store.bank("ana")) == stored(other.bank("ana"))


def test_another_encoder_makes_the_words_anew(tmp_path: Path) -> None:
    with opened(tmp_path / "words.db") as store:
        bank = store.bank("ana")
        bank.observe(SAID)
        store.reencode(WordEncoder(64))
        assert len(stored(bank)[1]) == 2 + 4 * 64 // 8
        store.reencode(Dense(64))
        assert stored(bank) == {}


@pytest.mark.parametrize("wanted", [True, False])
def test_an_export_carries_the_words_to_a_store_that_wants_them(tmp_path: Path, wanted: bool) -> None:
    with opened(tmp_path / "words.db") as store:
        store.bank("ana").observe(SAID)
        words = stored(store.bank("ana"))
        store.export(tmp_path / "ana.jsonl")
    with opened(tmp_path / "other.db", ON if wanted else Settings()) as other:
        other.load(tmp_path / "ana.jsonl")
        assert stored(other.bank("ana")) == (words if wanted else {})
        assert other.doctor() == []


def test_nothing_is_left_of_the_words_of_an_erased_text(tmp_path: Path) -> None:
    with opened(tmp_path / "words.db") as store:
        bank = store.bank("ana")
        ids = bank.observe(SAID).ids
        words = stored(bank)
        pieces = {words[seq][at : at + 32] for seq in (1, 3) for at in range(8, len(words[seq]) - 32, 32)}
        kept = words[2] + words[4]
        assert left(tmp_path, pieces) != []
        assert not bank.erase(ids=[ids[0], ids[2]]).bytes_pending
        assert left(tmp_path, {piece for piece in pieces if piece not in kept}) == []
        assert stored(bank) == {seq: words[seq] for seq in (2, 4)}


def test_a_changed_bit_of_a_word_is_damage(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "words.db"
    with opened(path) as store:
        store.bank("ana").observe(SAID)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE content SET tokens = zeroblob(length(tokens)) WHERE tokens IS NOT NULL")
    connection.close()
    with opened(path) as store:
        assert any("vectors are not what was written" in problem for problem in store.doctor())
