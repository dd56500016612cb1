"""What a user should know before trusting the results, by the documents it is about."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from maxsight.spelling import listed

SAMPLE_CHARS = 3000


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something a user should know before trusting the results.

    Attributes:
        message: What.
        hint: What to do about it, for whoever runs the commands: not for those who only see it on a server.
    """

    message: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class Notices:
    """What an encoder has to say about documents, found out while they are read.

    Args:
        notice: Says it of a sample of a document's text; None for nothing.
    """

    def __init__(self, notice: Callable[[str], str | None]) -> None:
        self._notice = notice
        self._samples: dict[str, str] = defaultdict(str)
        self._documents: dict[str, list[str]] = defaultdict(list)

    def read(self, document: str, text: str) -> None:
        """Take note of a page's text."""
        if len(self._samples[document]) < SAMPLE_CHARS:
            self._samples[document] += text[:SAMPLE_CHARS] + "\n"

    def end(self, document: str) -> None:
        """Ask about a document that has no more pages."""
        if notice := self._notice(self._samples.pop(document, "")):
            self._documents[notice].append(document)

    def forget(self, document: str) -> None:
        """Leave a document out."""
        self._samples.pop(document, None)

    def events(self) -> Iterator[Noticed]:
        """All that was noticed, each once, with the first of the documents it is about."""
        for notice, documents in self._documents.items():
            yield Noticed(f"{notice} ({listed(documents)})")


def fields_changed(documents: int) -> Noticed:
    """Say how many documents have other fields now, without having been read again."""
    which = "1 indexed document" if documents == 1 else f"{documents:,} indexed documents"
    return Noticed(f"the fields of {which} were changed")


def passed_over(kinds: Counter[str]) -> Iterator[Noticed]:
    """Say how many files were not looked at, as nobody reads their kind.

    Args:
        kinds: Files by what their names end in.
    """
    if count := kinds.total():
        files = "1 file of a kind" if count == 1 else f"{count:,} files of kinds"
        each = [f"{number:,} {kind or 'without an extension'}" for kind, number in kinds.most_common()]
        yield Noticed(f"passed over {files} that maxsight does not read ({listed(each)})")
