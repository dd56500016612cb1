"""What a user should know before trusting the results, and the documents it is about."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from maxsight.spelling import list_names

SAMPLE_CHARS = 3000


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something a user should know before trusting the results.

    Attributes:
        message: What it is.
        hint: What to do about it, for the person who runs the commands. A server does not show it.
    """

    message: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class Notices:
    """Collects notices while documents are read, each with the documents it is about.

    Args:
        notice: Returns an encoder's notice about a sample of a document's text, or None.
    """

    def __init__(self, notice: Callable[[str], str | None]) -> None:
        self._notice = notice
        self._samples: dict[str, str] = defaultdict(str)
        self._documents: dict[Noticed, list[str]] = defaultdict(list)

    def read(self, document: str, text: str) -> None:
        """Add a page's text to its document's sample."""
        if len(self._samples[document]) < SAMPLE_CHARS:
            self._samples[document] += text[:SAMPLE_CHARS] + "\n"

    def add(self, document: str, message: str, hint: str | None = None) -> None:
        """Note something about a document, once."""
        documents = self._documents[Noticed(message, hint)]
        if documents[-1:] != [document]:
            documents.append(document)

    def end(self, document: str) -> None:
        """Ask the encoder about a document that has no more pages."""
        if message := self._notice(self._samples.pop(document, "")):
            self.add(document, message)

    def forget(self, document: str) -> None:
        """Leave out the document that was read last."""
        self._samples.pop(document, None)
        for documents in self._documents.values():
            if documents[-1:] == [document]:
                documents.pop()

    def found(self) -> dict[Noticed, list[str]]:
        """Return the notices and their documents, for ``take`` in another process."""
        return dict(self._documents)

    def take(self, found: dict[Noticed, list[str]]) -> None:
        """Add what another process has found."""
        for notice, documents in found.items():
            self._documents[notice] += documents

    def events(self) -> Iterator[Noticed]:
        """Give every notice once, with the first of its documents."""
        for notice, documents in self._documents.items():
            if documents:
                yield Noticed(f"{notice.message} ({list_names(documents)})", notice.hint)


def fields_changed(documents: int) -> Noticed:
    """Say how many documents got other fields without being read again."""
    which = "1 indexed document" if documents == 1 else f"{documents:,} indexed documents"
    return Noticed(f"the fields of {which} were changed")


def passed_over(kinds: Counter[str]) -> Iterator[Noticed]:
    """Say how many files were skipped because maxsight does not read their kind.

    Args:
        kinds: Files by suffix.
    """
    if count := kinds.total():
        files = "1 file of a kind" if count == 1 else f"{count:,} files of kinds"
        each = [f"{number:,} {kind or 'without an extension'}" for kind, number in kinds.most_common()]
        yield Noticed(f"passed over {files} that maxsight does not read ({list_names(each)})")
