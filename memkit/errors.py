"""Everything memkit raises.

    MemkitError
    |-- InputError                 a value given by the caller breaks a rule
    |   |-- NaiveDatetimeError     a time without a zone
    |   |-- InvalidTextError       a text that can't be stored (too long, NUL, lone surrogate)
    |   |-- InvalidTurnError       something that is no turn, or an unknown role
    |   |-- InvalidNameError       a bank's name that breaks the rules
    |   |-- UnknownOptionError     an option, filter or setting that doesn't exist
    |   |-- UnknownMemoryError     an id that isn't in this bank
    |   `-- ConflictError          the same id again, with other content
    |-- StalePlanError             the bank changed since the plan was made
    |-- UndoError                  a receipt's changes can't be undone: changed again since, or erased
    |-- StorageError               the database can't do what was asked
    |   |-- UnwritablePathError    the path can't be opened or written
    |   |   `-- NetworkPathError   it lies on a network file system, where processes can't share a database
    |   |-- ReplacedFileError      the database's file was deleted or replaced while it was open
    |   |-- NotADatabaseError      the file is no memkit database
    |   |-- NewerVersionError      the file was written by a newer memkit
    |   |-- OtherDraftError        the file was written in another draft of the file format
    |   |-- ReadOnlyError          a write to a store that was opened read-only
    |   |-- DiskFullError          no room left; nothing of this call was stored
    |   |-- BusyError              another process held the write lock for too long
    |   |-- UnreachableServerError the database server can't be reached
    |   |-- UnsettledError         an answer was lost: whether the change was stored can't be told
    |   |-- UnsuitableServerError  the database server can't keep what memkit promises
    |   |-- PermissionDeniedError  the database server lets this role not do that
    |   |-- CorruptError           the file is damaged
    |   |-- BankGoneError          the bank was erased while a call was at work on it
    |   |-- BankMovedError         the bank was moved to another database
    |   `-- ClosedError            the store was closed
    |-- EncoderError               text could not be turned into vectors
    |   `-- EncoderMismatchError   the file was written with another encoder
    |-- SurprisalError             a text's surprisal can't be had; its turn is stored without salience
    |   `-- SurprisalUnavailableError  no text's surprisal can be had now: the model or its server is out of reach
    |-- ThinkerError               the thinker failed; its exchange stays queued
    |   `-- ThinkerOutputError     a model's answer that can't be read as operations
    |-- AccessError                a server doesn't let the caller do that
    |   |-- UnauthenticatedError   the token is missing, unknown, expired or revoked
    |   `-- ForbiddenError         the token doesn't give the right in this bank
    |-- RequestError               a server doesn't take a request, or can't answer it now
    |   |-- RequestTooLargeError   its body is larger than the server takes
    |   |-- RateLimitError         too many came in a short time
    |   |-- OverloadedError        as many are at work as the server takes
    |   |-- TimeLimitError         it took longer than the server waits; what it began goes on
    |   |-- RequestInProgressError the same request, by its Idempotency-Key, is at work
    |   |-- IdempotencyKeyError    its Idempotency-Key was sent before, with another request
    |   |-- UnsettledRequestError  it was begun under its Idempotency-Key and cut off: whether it was done can't be told
    |   `-- AnswerGoneError        it was done under its Idempotency-Key; its answer isn't stored, or no longer
    `-- MissingExtraError          an optional package isn't installed

Messages say what, where, which rule and the remedy. They never hold memory text.
"""


class MemkitError(Exception):
    """Base of every error that memkit raises."""


class InputError(MemkitError):
    """A value given by the caller breaks a rule."""


class NaiveDatetimeError(InputError):
    """A datetime without a time zone: memkit can't know which moment is meant."""


class InvalidTextError(InputError):
    """A text that can't be stored."""


class InvalidTurnError(InputError):
    """Something that is no turn."""


class InvalidNameError(InputError):
    """A bank's name that breaks the rules."""


class UnknownOptionError(InputError):
    """An option, filter or setting that doesn't exist."""


class UnknownMemoryError(InputError):
    """An id that isn't in this bank."""


class ConflictError(InputError):
    """The same id was given again with other content; the stored memory was left as it is."""


class StalePlanError(MemkitError):
    """The bank changed since the plan was made; make it again and look at it again."""


class UndoError(MemkitError):
    """A receipt's changes can't be undone: they were changed again since, or erased; nothing was done."""


class StorageError(MemkitError):
    """The database can't do what was asked."""


class UnwritablePathError(StorageError):
    """The path can't be opened or written."""


class NetworkPathError(UnwritablePathError):
    """The path lies on a network file system, where processes can't share a database."""


class ReplacedFileError(StorageError):
    """The database's file was deleted or replaced while it was open."""


class NotADatabaseError(StorageError):
    """The file is no memkit database."""


class NewerVersionError(StorageError):
    """The file was written by a newer memkit."""


class OtherDraftError(StorageError):
    """The file was written in another draft of the file format: export it with the memkit that wrote it."""


class ReadOnlyError(StorageError):
    """The store was opened read-only."""


class DiskFullError(StorageError):
    """No room left on the disk; nothing of this call was stored."""


class BusyError(StorageError):
    """Another process held the write lock for too long."""


class UnreachableServerError(StorageError):
    """The database server can't be reached; nothing of the call was stored."""


class UnsettledError(StorageError):
    """The connection was lost while a change was stored, and whether it was can't be told now."""


class UnsuitableServerError(StorageError):
    """The database server can't keep what memkit promises: too old, or set so that it loses or changes data."""


class UnsafeServerWarning(UserWarning):
    """The database server is set so that it may lose what it was given."""


class PermissionDeniedError(StorageError):
    """The database server doesn't let this role in, or not do what was asked."""


class CorruptError(StorageError):
    """The file is damaged."""


class BankGoneError(StorageError):
    """The bank was erased while a call was at work on it; nothing of the call was stored."""


class BankMovedError(StorageError):
    """The bank was moved to another database; here it is neither read nor made anew."""


class ClosedError(StorageError):
    """The store was closed."""


class EncoderError(MemkitError):
    """Text could not be turned into vectors."""


class EncoderMismatchError(EncoderError):
    """The file was written with another encoder."""


class SurprisalError(MemkitError):
    """A text's surprisal can't be had; its turn is stored without salience."""


class SurprisalUnavailableError(SurprisalError):
    """No text's surprisal can be had now: the model or its server is out of reach."""


class ThinkerError(MemkitError):
    """The thinker failed; the exchange stays in the queue. `raised`: the class of what its code raised, if another."""

    def __init__(self, *args: object, raised: str | None = None) -> None:
        super().__init__(*args)
        self.raised = raised or type(self).__name__


class ThinkerOutputError(ThinkerError):
    """A model's answer that can't be read as operations."""


class AccessError(MemkitError):
    """A server doesn't let the caller do that."""


class UnauthenticatedError(AccessError):
    """The access token is missing, unknown, expired or revoked."""


class ForbiddenError(AccessError):
    """The caller may not do that: the access token doesn't give the right there, or there is none."""


class RequestError(MemkitError):
    """A server doesn't take a request, or can't answer it now. `retry_after`: seconds after which to send it again."""

    def __init__(self, *args: object, retry_after: float | None = None) -> None:
        super().__init__(*args)
        self.retry_after = retry_after


class RequestTooLargeError(RequestError):
    """A request's body is larger than the server takes."""


class RateLimitError(RequestError):
    """More requests came in a short time than the server takes from one caller; this one was not begun."""


class OverloadedError(RequestError):
    """The server has as many requests at work as it takes; this one was not begun."""


class TimeLimitError(RequestError):
    """A request took longer than the server waits; what it began goes on, and may yet be stored."""


class RequestInProgressError(RequestError):
    """The same request, by its Idempotency-Key, is at work; its answer comes when it is done."""


class IdempotencyKeyError(RequestError):
    """An Idempotency-Key was sent before, with another request; nothing was done."""


class UnsettledRequestError(RequestError):
    """A request was begun under its Idempotency-Key and cut off, and whether it was carried out can't be told."""


class AnswerGoneError(RequestError):
    """A request was carried out under its Idempotency-Key before; its answer isn't stored, or no longer."""


class MissingExtraError(MemkitError):
    """An optional package isn't installed."""
