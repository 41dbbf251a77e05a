"""Contract of storages: records of callers: their tokens, and requests under idempotency keys."""

from dataclasses import replace
from datetime import timedelta

from memkit.access import AccessToken
from memkit.idempotency import KeyedRequest, RequestState, RequestTicket
from memkit.identifiers import uuid7
from memkit.operations import Discard, Erase, Insert, Put
from memkit.protocols import Storage
from memkit.storage.core.banks import name_hash, name_key
from memkit.testing.contract.cases import AT_NOON, ContractSteps, entry, memory

ANSWER_TEXT = '{"change": 1}'


def token(name: str = "agent", **fields: object) -> AccessToken:
    """A token for two prefixes, for tests."""
    prefixes = (("acme",), ("a/b", "é"))
    values = {"id": uuid7(AT_NOON), "name": name, "prefixes": prefixes, "rights": ("read",), "created_at": AT_NOON}
    return AccessToken.model_validate({**values, **fields})


def request(number: int = 1, **fields: object) -> KeyedRequest:
    """A request under a key, about the bank ("acme", "ana"), for tests."""
    begun = KeyedRequest(
        digest=bytes([number]) * 32,
        request=b"\0" * 32,
        ticket=2**62 + number,
        name_hash=name_hash(name_key(("acme", "ana"))),
        leased_until=AT_NOON + timedelta(minutes=1),
        expires_at=AT_NOON + timedelta(days=1),
    )
    return replace(begun, **fields)  # type: ignore[arg-type]


def ticket(begun: KeyedRequest) -> RequestTicket:
    """The right to settle a request."""
    return RequestTicket(begun.digest, begun.ticket)


class CallerContract(ContractSteps):
    """Records of callers: their tokens, and requests under idempotency keys."""

    def after(self, storage: Storage, begun: KeyedRequest) -> KeyedRequest:
        """The request that is stored under a key."""
        return storage.callers.begin(replace(begun, ticket=1), AT_NOON)

    def test_a_token_is_read_as_it_was_added_by_the_digest_of_its_secret(self, storage: Storage) -> None:
        first, second = token(expires_at=AT_NOON + timedelta(days=1)), token("other", prefixes=((),))
        storage.callers.add_token(first, b"1" * 32)
        storage.callers.add_token(second, b"2" * 32)
        assert storage.callers.tokens() == [first, second]
        assert [storage.callers.token(digit * 32) for digit in (b"2", b"1", b"3")] == [second, first, None]

    def test_a_revoked_token_stays_with_the_time_at_which_it_was_revoked_first(self, storage: Storage) -> None:
        added = token()
        storage.callers.add_token(added, b"1" * 32)
        revoked = added.model_copy(update={"revoked_at": AT_NOON})
        for hours in (0, 1):
            assert storage.callers.revoke_token(added.id, AT_NOON + timedelta(hours=hours)) == revoked
        assert storage.callers.token(b"1" * 32) == revoked
        assert storage.callers.revoke_token("another", AT_NOON) is None

    def test_the_request_that_came_first_under_a_key_stays_until_it_expires(self, storage: Storage) -> None:
        first, second, third = request(), request(ticket=5), request(ticket=6, expires_at=AT_NOON + timedelta(days=2))
        assert storage.callers.begin(first, AT_NOON) == first
        assert storage.callers.begin(second, first.expires_at - timedelta(microseconds=1)) == first
        assert storage.callers.begin(third, first.expires_at) == third

    def test_a_request_is_settled_by_its_ticket_alone_and_once(self, storage: Storage) -> None:
        first = storage.callers.begin(request(), AT_NOON)
        storage.callers.settle(RequestTicket(first.digest, 7), "another's")
        assert self.after(storage, first) == first
        storage.callers.settle(ticket(first), ANSWER_TEXT)
        storage.callers.settle(ticket(first), "again")
        storage.callers.release(ticket(first))
        assert self.after(storage, first) == replace(first, state=RequestState.CARRIED_OUT, answer=ANSWER_TEXT)

    def test_a_released_request_leaves_its_key_free(self, storage: Storage) -> None:
        first = storage.callers.begin(request(), AT_NOON)
        storage.callers.release(RequestTicket(first.digest, 7))
        assert self.after(storage, first) == first
        storage.callers.release(ticket(first))
        second = request(ticket=8)
        assert storage.callers.begin(second, AT_NOON) == second

    def test_requests_are_swept_once_they_have_expired(self, storage: Storage) -> None:
        first, second = request(1), request(2, expires_at=AT_NOON + timedelta(days=2))
        for each in (first, second):
            storage.callers.begin(each, AT_NOON)
        storage.callers.sweep(first.expires_at)
        assert [self.after(storage, each).ticket for each in (first, second)] == [1, second.ticket]

    def test_an_erasure_takes_the_answers_about_its_bank_and_leaves_their_keys(self, storage: Storage) -> None:
        self.put(storage, Insert(memory("yes", id="t1"), entry()))
        other_bank = request(3, name_hash=name_hash(name_key(("acme", "bob"))))
        settled, open, other, of_no_bank = request(1), request(2), other_bank, request(4, name_hash=None)
        for each in (settled, open, other, of_no_bank):
            storage.callers.begin(each, AT_NOON)
        for each in (settled, other, of_no_bank):
            storage.callers.settle(ticket(each), ANSWER_TEXT)
        self.put(storage, Erase(("t1",)))
        storage.callers.settle(ticket(open), ANSWER_TEXT)
        answers = [self.after(storage, each).answer for each in (settled, open, other, of_no_bank)]
        assert answers == [None, None, ANSWER_TEXT, ANSWER_TEXT]
        assert {self.after(storage, each).state for each in (settled, open)} == {RequestState.CARRIED_OUT}

    def test_a_bank_that_is_dropped_or_withdrawn_takes_its_answers_along(self, storage: Storage) -> None:
        for number in (1, 2):
            bank = storage.open_bank(("acme", "ana")).number
            storage.callers.settle(ticket(storage.callers.begin(request(number), AT_NOON)), ANSWER_TEXT)
            assert self.after(storage, request(number)).answer == ANSWER_TEXT
            if number == 1:
                storage.drop_bank(bank, at=AT_NOON)
            else:
                assert storage.withdraw(("acme", "ana"), storage.version(("acme", "ana")))
            assert self.after(storage, request(number)).answer is None

    def test_an_item_that_goes_takes_the_answers_and_one_that_is_put_anew_none(self, storage: Storage) -> None:
        item = memory("", id="key", kind="item")
        self.put(storage, Put(item, entry()))
        storage.callers.settle(ticket(storage.callers.begin(request(), AT_NOON)), ANSWER_TEXT)
        self.put(storage, Put(item, entry()))
        assert self.after(storage, request()).answer == ANSWER_TEXT
        self.put(storage, Discard(("key",)))
        assert self.after(storage, request()).answer is None
