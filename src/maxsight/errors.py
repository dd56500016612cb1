"""Everything maxsight raises on purpose.

::

    MaxSightError                                exit code  HTTP status
    ├─ InputError (ValueError)                       2          400
    │  ├─ UnreadableDocumentError                    3          422
    │  ├─ UnsupportedFormatError                     3          415
    │  ├─ EmptyQueryError                            2          400
    │  ├─ FilterError                                2          400
    │  ├─ UnknownDocumentError                       2          404
    │  ├─ UnknownPageError                           2          404
    │  ├─ UnknownParameterError                      2          422
    │  └─ DimensionMismatchError                     2          400
    ├─ EncoderError                                  4          500
    │  ├─ ModelNotAvailableError                     4          503
    │  │  └─ UnknownEncoderError                     4          503
    │  └─ EncoderOutOfMemoryError                    4          507
    ├─ EndpointError                                 7          502
    │  ├─ EndpointNotConfiguredError                 7          501
    │  └─ EndpointUnavailableError (retryable)       7          503
    ├─ MissingExtraError (ImportError)               4          501
    └─ StoreError                                    5          500
       ├─ LibraryNotFoundError                       5          404
       ├─ LibraryExistsError                         5          409
       ├─ LibraryBusyError (retryable)               6          409
       ├─ LibraryDamagedError                        5          500
       ├─ LibraryReadOnlyError                       5          403
       ├─ StoreUnavailableError (retryable)          5          503
       ├─ StorageFullError (retryable)               5          507
       ├─ FormatError                                5          500
       └─ EncoderMismatchError                       5          409

A message says what happened, with expected and actual; ``hint`` says what to do next.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import ClassVar


class MaxSightError(Exception):
    """Base of all errors raised on purpose.

    Attributes:
        hint: What to do next, one sentence. Shown under the message.
        retryable: Whether the same call may succeed later without a change.
        exit_code: What the command line exits with.
        http_status: What the HTTP API answers with.
    """

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(hint)

    @classmethod
    def slug(cls) -> str:
        """The kind of error as the HTTP API names it, the same in every version: ``unknown-page``."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", cls.__name__.removesuffix("Error")).lower()


class InputError(MaxSightError, ValueError):
    """What was given can't be used as it is."""

    exit_code = 2
    http_status = 400


class UnreadableDocumentError(InputError):
    """A file, or one page of it, could not be read.

    Attributes:
        path: The file.
        page_number: The page, counted from 1; None when the whole file is meant.
        reason: Why, without the path.
    """

    exit_code = 3
    http_status = 422

    def __init__(
        self, path: str | PurePath, reason: str, *, page_number: int | None = None, hint: str | None = None
    ) -> None:
        where = f"{path}" if page_number is None else f"{path}, page {page_number}"
        super().__init__(f"{where}: {reason}", hint=hint)
        self.path = str(path)
        self.page_number = page_number
        self.reason = reason


class UnsupportedFormatError(UnreadableDocumentError):
    """The file is of a kind maxsight does not read."""

    http_status = 415


class EmptyQueryError(InputError):
    """The query has nothing to search for."""


class FilterError(InputError):
    """The filter expression is not valid, or names an unknown column."""


class UnknownDocumentError(InputError):
    """There is no such document in the library."""

    http_status = 404


class UnknownPageError(InputError):
    """There is no such page in the library."""

    http_status = 404


class UnknownParameterError(InputError):
    """A request, or an assistant's call of a tool, has a parameter that it does not take."""

    http_status = 422


class DimensionMismatchError(InputError):
    """Vectors of different dimensions met."""


class EncoderError(MaxSightError):
    """The encoder failed."""

    exit_code = 4


class ModelNotAvailableError(EncoderError):
    """No encoder of this name can be loaded here."""

    http_status = 503


class UnknownEncoderError(ModelNotAvailableError):
    """No encoder goes by this name, here or elsewhere."""


class EncoderOutOfMemoryError(EncoderError):
    """A single page is more than the device's memory holds."""

    http_status = 507


class EndpointError(MaxSightError):
    """A service that was asked over the network did not give what it was asked for."""

    exit_code = 7
    http_status = 502


class EndpointNotConfiguredError(EndpointError):
    """Nobody has said which service to ask."""

    http_status = 501


class EndpointUnavailableError(EndpointError):
    """The service can't be reached, is busy or took too long."""

    http_status = 503
    retryable = True


class MissingExtraError(MaxSightError, ImportError):
    """An optional part of the installation is needed and not there.

    Attributes:
        extra: Its name.
    """

    exit_code = 4
    http_status = 501

    def __init__(self, extra: str, packages: Sequence[str]) -> None:
        super().__init__(
            f"this needs {', '.join(packages)}, which the extra {extra!r} brings",
            hint=f"Install it: pip install 'maxsight[{extra}]'",
        )
        self.extra = extra


class StoreError(MaxSightError):
    """The library could not be read or written."""

    exit_code = 5


class LibraryNotFoundError(StoreError):
    """There is no library at this place."""

    http_status = 404


class LibraryExistsError(StoreError):
    """There is a library at this place already."""

    http_status = 409


class LibraryBusyError(StoreError):
    """Another process is writing to the library."""

    exit_code = 6
    http_status = 409
    retryable = True


class LibraryDamagedError(StoreError):
    """Stored data is not what was written."""


class LibraryReadOnlyError(StoreError):
    """The library's place can't be written to."""

    http_status = 403


class StoreUnavailableError(StoreError):
    """The server that holds the library does not answer, or refuses."""

    http_status = 503
    retryable = True


class StorageFullError(StoreError):
    """No space is left where the library lies."""

    http_status = 507
    retryable = True


class FormatError(StoreError):
    """The library was written by a version of maxsight that this one can't read."""


class EncoderMismatchError(StoreError):
    """The library's vectors and the encoder's are of different embedding spaces."""

    http_status = 409

    def __init__(self, indexed_with: str, asked_for: str, *, hint: str | None = None) -> None:
        super().__init__(f"the library was indexed with {indexed_with}, not with {asked_for}", hint=hint)
        self.indexed_with = indexed_with
        self.asked_for = asked_for
