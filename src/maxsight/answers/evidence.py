"""The quotes and numbers of an answer, found on the pages that it cites.

A quote is what stands between quotation marks, at least two words. A number has at least two digits, and is no part of
a word of a script with spaces. Both are looked for to the letter, across line breaks and hyphens, by the rules of
quoted phrases in a search.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from maxsight.answers.sources import Source
from maxsight.heatmaps.places import locate
from maxsight.results import Region
from maxsight.segmentation import AROUND_WORDS, UNSPACED, word_spans

_CITED = re.compile(r"(?:\[\d+\]\s*)+")
_QUOTE = re.compile(
    '\u201c([^\u201d]+)\u201d|\u201e([^\u201c]+)\u201c|\u00ab([^\u00bb]+)\u00bb|"([^"]+)"'
    "|\u300c([^\u300d]+)\u300d|\u300e([^\u300f]+)\u300f"
)
_SPACED = f"(?!{UNSPACED.pattern})"
_NUMBER = re.compile(f"(?<!{_SPACED}[\\w.,])\\d+(?:[.,]\\d+)*(?![.,]?{_SPACED}\\w)")
MAX_PLACES = 20


@dataclass(frozen=True, slots=True)
class Evidence:
    """A quote or a number of an answer.

    Attributes:
        quote: The quote or the number.
        numbers: The pages that the answer cites for it.
        source: The first of them that has it to the letter; None if none has.
        regions: Where that page has it, with a box for each line; at most 20.
    """

    quote: str
    numbers: tuple[int, ...]
    source: Source | None = None
    regions: tuple[Region, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Describe it for JSON."""
        places = [
            {"text": region.text, "boxes": [] if region.box is None else [region.box, *region.more]}
            for region in self.regions
        ]
        return {
            "quote": self.quote,
            "cited": list(self.numbers),
            "number": self.source and self.source.number,
            "page_id": self.source and self.source.page_id,
            "regions": places,
        }


def find_evidence(answer: str, sources: Sequence[Source]) -> list[Evidence]:
    """Find the quotes and numbers of an answer on the pages that are cited after them.

    A page without text, such as a scan without OCR, can't be searched: what may stand there is left out.
    """
    by_number = {source.number: source for source in sources}
    found: dict[tuple[str, tuple[int, ...]], Evidence] = {}
    for statement, numbers in _statements(answer):
        cited = [by_number[number] for number in numbers if number in by_number]
        for quote in _quotes(statement):
            evidence = _look_for(quote, cited)
            if evidence and cited:
                found.setdefault((quote, evidence.numbers), evidence)
    return list(found.values())


def _statements(answer: str) -> Iterator[tuple[str, list[int]]]:
    """Cut an answer after each group of citations."""
    start = 0
    for cited in _CITED.finditer(answer):
        yield answer[start : cited.start()], [int(number) for number in re.findall(r"\d+", cited[0])]
        start = cited.end()


def _quotes(statement: str) -> Iterator[str]:
    for quote in _QUOTE.finditer(statement):
        text = next(filter(None, quote.groups())).strip(f" {AROUND_WORDS}")
        if len(word_spans(text)) > 1:
            yield text
    for number in _NUMBER.finditer(_QUOTE.sub(" ", statement)):
        if sum(map(str.isdigit, number[0])) > 1:
            yield number[0]


def _look_for(quote: str, cited: Sequence[Source]) -> Evidence | None:
    numbers = tuple(source.number for source in cited)
    for source in cited:
        if source.page and (regions := locate(source.page, quote)):
            return Evidence(quote, numbers, source, tuple(regions[:MAX_PLACES]))
    if all(source.page and source.page.text for source in cited):
        return Evidence(quote, numbers)
    return None
