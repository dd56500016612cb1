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

A message says what happened, with expected and actual values. ``hint`` says what to do next.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import ClassVar


class MaxSightError(Exception):
    """Base of all errors raised on purpose.

    Attributes:
        hint: What to do next. Shown under the message.
        retryable: Whether the same call may succeed later without a change.
        exit_code: The exit code of the command line.
        http_status: The status of the HTTP API's answer.
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
        """Name the error for the HTTP API, the same in every version: ``unknown-page``."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", cls.__name__.removesuffix("Error")).lower()


class InputError(MaxSightError, ValueError):
    """The input can't be used."""

    exit_code = 2
    http_status = 400


class UnreadableDocumentError(InputError):
    """A file, or one page of it, could not be read.

    Attributes:
        path: The file.
        page_number: The page, counted from 1; None for the whole file.
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
    """maxsight does not read files of this kind."""

    http_status = 415


class EmptyQueryError(InputError):
    """Nothing in the query can be searched for."""


class FilterError(InputError):
    """The filter is not valid, or names an unknown field."""


class UnknownDocumentError(InputError):
    """The library has no such document."""

    http_status = 404


class UnknownPageError(InputError):
    """The library has no such page."""

    http_status = 404


class UnknownParameterError(InputError):
    """A request, or an assistant's call of a tool, has an unknown parameter."""

    http_status = 422


class DimensionMismatchError(InputError):
    """Vectors have different dimensions."""


class EncoderError(MaxSightError):
    """The encoder failed."""

    exit_code = 4


class ModelNotAvailableError(EncoderError):
    """The encoder can't be loaded here."""

    http_status = 503


class UnknownEncoderError(ModelNotAvailableError):
    """There is no encoder of this name."""


class EncoderOutOfMemoryError(EncoderError):
    """The device's memory is too small for a single page."""

    http_status = 507


class EndpointError(MaxSightError):
    """A service on the network did not do what it was asked for."""

    exit_code = 7
    http_status = 502


class EndpointNotConfiguredError(EndpointError):
    """No service is configured."""

    http_status = 501


class EndpointUnavailableError(EndpointError):
    """The service can't be reached, is busy or took too long."""

    http_status = 503
    retryable = True


class MissingExtraError(MaxSightError, ImportError):
    """An optional part of the installation is missing.

    Attributes:
        extra: Its name.
    """

    exit_code = 4
    http_status = 501

    def __init__(self, extra: str, packages: Sequence[str], *, hint: str) -> None:
        super().__init__(f"this needs {', '.join(packages)}, which the extra {extra!r} installs", hint=hint)
        self.extra = extra


class StoreError(MaxSightError):
    """The library could not be read or written."""

    exit_code = 5


class LibraryNotFoundError(StoreError):
    """There is no library at this place."""

    http_status = 404


class LibraryExistsError(StoreError):
    """There already is a library at this place."""

    http_status = 409


class LibraryBusyError(StoreError):
    """Another process is writing to the library."""

    exit_code = 6
    http_status = 409
    retryable = True


class LibraryDamagedError(StoreError):
    """Stored data differs from what was written."""


class LibraryReadOnlyError(StoreError):
    """The library's place can't be written to."""

    http_status = 403


class StoreUnavailableError(StoreError):
    """The server that holds the library does not answer, or refuses."""

    http_status = 503
    retryable = True


class StorageFullError(StoreError):
    """No space is left for the library."""

    http_status = 507
    retryable = True


class FormatError(StoreError):
    """Another version of maxsight wrote the library, in a format that this one can't read."""


class EncoderMismatchError(StoreError):
    """The encoder is not of the library's embedding space."""

    http_status = 409

    def __init__(self, indexed_with: str, asked_for: str, *, hint: str | None = None) -> None:
        super().__init__(f"the library was indexed with {indexed_with}, not with {asked_for}", hint=hint)
        self.indexed_with = indexed_with
        self.asked_for = asked_for
