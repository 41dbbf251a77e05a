"""Times to live in LangGraph's stores: fractions of minutes, defaults, renewal on reading, the sweep."""

from collections.abc import Callable
from typing import Any

import pytest
from langgraph.store.base import BaseStore, GetOp, PutOp, TTLConfig
from langgraph_cases import IN_MEMORY, MEMKIT, SQLITE, USERS, fails_on, keys
from langgraph_stores import LetSecondsPass, OpenConfigured, index_of

SHORT_LIFE_MINUTES = 1
MOST_OF_IT_SECONDS = 40
ALL_OF_IT_SECONDS = 80
NO_LIVES = "it takes no times to live"


def sweep(store: Any) -> int:
    """Deletes what has expired; says how many."""
    count: int = store.sweep_ttl()
    return count


def left_after_sweep(store: BaseStore) -> list[str]:
    sweep(store)
    return keys(store.search(USERS, refresh_ttl=False))


@pytest.fixture
def mortal(open_store: OpenConfigured) -> BaseStore:
    return open_store(ttl=TTLConfig(refresh_on_read=True))


def test_an_item_without_a_time_to_live_may_be_put_anywhere(store: BaseStore) -> None:
    store.put(USERS, "k", {}, ttl=None)
    assert keys(store.search(USERS)) == ["k"]


@fails_on(SQLITE, because="it takes times to live")
@fails_on(MEMKIT, because="it always has them")
def test_a_store_without_times_to_live_refuses_one(store: BaseStore) -> None:
    with pytest.raises(NotImplementedError):
        store.put(USERS, "k", {}, ttl=1)


def test_asking_to_renew_what_has_no_time_to_live_is_silent(store: BaseStore) -> None:
    store.put(USERS, "k", {"n": 1})
    assert store.get(USERS, "k", refresh_ttl=True) is not None
    assert len(store.search(USERS, refresh_ttl=False)) == 1


@fails_on(IN_MEMORY, because=NO_LIVES)
class TestTimesToLive:
    """What holds where times to live are taken."""

    def test_the_sweep_deletes_what_has_expired_and_counts_it(
        self, mortal: BaseStore, let_seconds_pass: LetSecondsPass
    ) -> None:
        mortal.put(USERS, "short", {"n": 1}, ttl=SHORT_LIFE_MINUTES)
        mortal.put(USERS, "long", {"n": 1}, ttl=60)
        mortal.put(USERS, "endless", {"n": 1})
        let_seconds_pass(mortal, ALL_OF_IT_SECONDS)
        assert sweep(mortal) == 1
        assert keys(mortal.search(USERS)) == ["endless", "long"]

    @pytest.mark.parametrize(("minutes", "is_left"), [(0.5, False), (0.75, True)])
    def test_a_time_to_live_may_be_a_fraction_of_a_minute(
        self, mortal: BaseStore, let_seconds_pass: LetSecondsPass, minutes: float, is_left: bool
    ) -> None:
        mortal.put(USERS, "k", {"n": 1}, ttl=minutes)
        let_seconds_pass(mortal, MOST_OF_IT_SECONDS)
        assert left_after_sweep(mortal) == (["k"] if is_left else [])

    def test_renewal_keeps_the_fraction_of_a_minute(self, mortal: BaseStore, let_seconds_pass: LetSecondsPass) -> None:
        mortal.put(USERS, "k", {"n": 1}, ttl=0.75)
        mortal.get(USERS, "k")
        let_seconds_pass(mortal, MOST_OF_IT_SECONDS)
        assert left_after_sweep(mortal) == ["k"]
        let_seconds_pass(mortal, MOST_OF_IT_SECONDS)
        assert left_after_sweep(mortal) == []

    def test_the_stores_default_holds_where_nothing_is_said(
        self, open_store: OpenConfigured, let_seconds_pass: LetSecondsPass
    ) -> None:
        store = open_store(ttl=TTLConfig(default_ttl=SHORT_LIFE_MINUTES))
        store.put(USERS, "short", {"n": 1})
        store.put(USERS, "endless", {"n": 1}, ttl=None)
        let_seconds_pass(store, ALL_OF_IT_SECONDS)
        assert left_after_sweep(store) == ["endless"]

    def test_the_default_does_not_reach_operations_in_a_batch(
        self, open_store: OpenConfigured, let_seconds_pass: LetSecondsPass
    ) -> None:
        store = open_store(ttl=TTLConfig(default_ttl=SHORT_LIFE_MINUTES))
        store.batch([PutOp(USERS, "k", {"n": 1})])
        let_seconds_pass(store, ALL_OF_IT_SECONDS)
        assert left_after_sweep(store) == ["k"]

    def test_putting_again_begins_the_time_anew(self, mortal: BaseStore, let_seconds_pass: LetSecondsPass) -> None:
        mortal.put(USERS, "k", {"n": 1}, ttl=SHORT_LIFE_MINUTES)
        let_seconds_pass(mortal, ALL_OF_IT_SECONDS)
        mortal.put(USERS, "k", {"n": 2}, ttl=60)
        assert left_after_sweep(mortal) == ["k"]

    def test_putting_again_without_a_time_to_live_makes_it_endless(
        self, mortal: BaseStore, let_seconds_pass: LetSecondsPass
    ) -> None:
        mortal.put(USERS, "k", {"n": 1}, ttl=SHORT_LIFE_MINUTES)
        mortal.put(USERS, "k", {"n": 2})
        let_seconds_pass(mortal, ALL_OF_IT_SECONDS)
        assert left_after_sweep(mortal) == ["k"]

    def test_an_expired_item_is_no_more_after_the_sweep_for_get_and_namespaces(
        self, mortal: BaseStore, let_seconds_pass: LetSecondsPass
    ) -> None:
        mortal.put(USERS, "k", {"n": 1}, ttl=SHORT_LIFE_MINUTES)
        let_seconds_pass(mortal, ALL_OF_IT_SECONDS)
        sweep(mortal)
        assert mortal.get(USERS, "k") is None
        assert mortal.list_namespaces() == []

    @fails_on(MEMKIT, because="what has expired is gone at once")
    def test_an_expired_item_is_read_until_the_sweep(self, mortal: BaseStore, let_seconds_pass: LetSecondsPass) -> None:
        mortal.put(USERS, "k", {"n": 1}, ttl=SHORT_LIFE_MINUTES)
        let_seconds_pass(mortal, ALL_OF_IT_SECONDS)
        assert mortal.get(USERS, "k", refresh_ttl=False) is not None

    @fails_on(IN_MEMORY, SQLITE, because="the option is not read")
    def test_an_expired_item_is_left_out_where_that_is_asked(
        self, open_store: OpenConfigured, let_seconds_pass: LetSecondsPass
    ) -> None:
        store = open_store(ttl=TTLConfig(omit_expired=True))
        store.put(USERS, "k", {"n": 1}, ttl=SHORT_LIFE_MINUTES)
        let_seconds_pass(store, ALL_OF_IT_SECONDS)
        assert store.get(USERS, "k", refresh_ttl=False) is None
        assert store.search(USERS, refresh_ttl=False) == []
        assert store.list_namespaces() == []

    def test_sweeping_an_empty_store_counts_nothing(self, mortal: BaseStore) -> None:
        assert sweep(mortal) == 0


READ_WITHOUT_RENEWAL = [
    pytest.param(lambda store: store.get(USERS, "k", refresh_ttl=False), id="get"),
    pytest.param(lambda store: store.search(USERS, refresh_ttl=False), id="search"),
]
READ_WITH_RENEWAL = [
    pytest.param(lambda store: store.get(USERS, "k"), id="get"),
    pytest.param(lambda store: store.get(USERS, "k", refresh_ttl=True), id="get that asks for it"),
    pytest.param(lambda store: store.search(USERS), id="search"),
    pytest.param(lambda store: store.search(USERS, refresh_ttl=True), id="search that asks for it"),
    pytest.param(lambda store: store.search((), filter={"n": 1}), id="search from above with a filter"),
]


@fails_on(IN_MEMORY, because=NO_LIVES)
class TestRenewal:
    """What reading does to a time to live."""

    @pytest.fixture
    def mostly_gone(self, mortal: BaseStore, let_seconds_pass: LetSecondsPass) -> BaseStore:
        mortal.put(USERS, "k", {"n": 1}, ttl=SHORT_LIFE_MINUTES)
        let_seconds_pass(mortal, MOST_OF_IT_SECONDS)
        return mortal

    @pytest.mark.parametrize("read", READ_WITH_RENEWAL)
    def test_reading_begins_the_time_anew(
        self, mostly_gone: BaseStore, read: Callable[[BaseStore], object], let_seconds_pass: LetSecondsPass
    ) -> None:
        read(mostly_gone)
        let_seconds_pass(mostly_gone, MOST_OF_IT_SECONDS)
        assert left_after_sweep(mostly_gone) == ["k"]

    @pytest.mark.parametrize("read", READ_WITHOUT_RENEWAL)
    def test_reading_without_renewal_leaves_the_time(
        self, mostly_gone: BaseStore, read: Callable[[BaseStore], object], let_seconds_pass: LetSecondsPass
    ) -> None:
        read(mostly_gone)
        let_seconds_pass(mostly_gone, MOST_OF_IT_SECONDS)
        assert left_after_sweep(mostly_gone) == []

    def test_listing_namespaces_leaves_the_time(self, mostly_gone: BaseStore, let_seconds_pass: LetSecondsPass) -> None:
        mostly_gone.list_namespaces()
        let_seconds_pass(mostly_gone, MOST_OF_IT_SECONDS)
        assert left_after_sweep(mostly_gone) == []

    @fails_on(MEMKIT, because="what has expired is gone at once")
    def test_reading_renews_what_has_expired_but_was_not_swept(
        self, mostly_gone: BaseStore, let_seconds_pass: LetSecondsPass
    ) -> None:
        let_seconds_pass(mostly_gone, ALL_OF_IT_SECONDS)
        mostly_gone.get(USERS, "k")
        assert left_after_sweep(mostly_gone) == ["k"]

    def test_the_store_may_say_that_reading_renews_nothing(
        self, open_store: OpenConfigured, let_seconds_pass: LetSecondsPass
    ) -> None:
        store = open_store(ttl=TTLConfig(refresh_on_read=False))
        store.put(USERS, "k", {"n": 1}, ttl=SHORT_LIFE_MINUTES)
        let_seconds_pass(store, MOST_OF_IT_SECONDS)
        store.get(USERS, "k")
        let_seconds_pass(store, MOST_OF_IT_SECONDS)
        assert left_after_sweep(store) == []

    @fails_on(IN_MEMORY, SQLITE, because="it reads the option as off where nothing is said, documented as on")
    def test_reading_renews_where_nothing_is_said(
        self, open_store: OpenConfigured, let_seconds_pass: LetSecondsPass
    ) -> None:
        store = open_store(ttl=TTLConfig(default_ttl=SHORT_LIFE_MINUTES))
        store.put(USERS, "k", {"n": 1})
        let_seconds_pass(store, MOST_OF_IT_SECONDS)
        store.get(USERS, "k")
        let_seconds_pass(store, MOST_OF_IT_SECONDS)
        assert left_after_sweep(store) == ["k"]

    @fails_on(IN_MEMORY, SQLITE, because="one get that asks renews all gets of its namespace in the batch")
    def test_a_get_that_asks_for_no_renewal_is_heard_beside_one_that_asks(
        self, mostly_gone: BaseStore, let_seconds_pass: LetSecondsPass
    ) -> None:
        mostly_gone.batch([GetOp(USERS, "k", False), GetOp(USERS, "other", True)])
        let_seconds_pass(mostly_gone, MOST_OF_IT_SECONDS)
        assert left_after_sweep(mostly_gone) == []


@fails_on(IN_MEMORY, because=NO_LIVES)
def test_a_vector_goes_with_its_item(open_store: OpenConfigured, let_seconds_pass: LetSecondsPass) -> None:
    store = open_store(index=index_of("text"), ttl=TTLConfig(refresh_on_read=False))
    store.put(USERS, "k", {"text": "sun"}, ttl=SHORT_LIFE_MINUTES)
    let_seconds_pass(store, ALL_OF_IT_SECONDS)
    sweep(store)
    assert store.search(USERS, query="sun") == []
