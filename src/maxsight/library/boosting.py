"""What moves pages up, apart from their scores: rare words that they have to the letter, and names of their documents.

Each boost is on the scale of the score, and grows with the number of the query's tokens, as the score does. The shares
were chosen on questions made by ``benchmarks/make_questions.py`` and checked on the filings.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

import numpy as np

from maxsight.errors import InputError
from maxsight.heatmaps.common_words import ENGLISH
from maxsight.identity import page_ids
from maxsight.results import Boost, BoostKind
from maxsight.retrieval.search import Boosts
from maxsight.stores.base import AnyStore, DocumentEntry
from maxsight.stores.conditions import Filter, match_paths
from maxsight.stores.fields import PAGE_FIELDS
from maxsight.stores.phrases import BEGINS_ANYWHERE, MAX_PHRASE_LENGTH, words_of
from maxsight.types import QueryEmbedding

NUMBER_SHARE, WORD_SHARE, QUESTION_SHARE, NAME_SHARE = 0.5, 0.1, 0.3, 0.15
"""What a number or code, a rare word, the whole of a short question, and a name add, per token of the query."""
MAX_PAGES, MAX_PAGES_OF_WORD = 12, 6
"""On more pages than these, a number or a word is not rare, and boosts none of them."""
_HANGUL = re.compile("[\uac00-\ud7af]")
MAX_QUESTION_WORDS = 6
MAX_TERMS = 12
MIN_CODE_LENGTH, MIN_NAME_LENGTH = 3, 4
MAX_NAMED = 16
"""So many documents are named at most. Words that name more tell too little."""
MAX_VALUE_LENGTH = 80
"""Longer fields are descriptions, not names."""
MAX_CACHED_TERMS = 256

_LETTERS = re.compile(r"[^\W\d_]+")
_POSSESSIVE = re.compile(r"['\u2019]s\b")
_COMMON = ENGLISH.union("das der des die ein eine les los new one per two und une use used using".split())
"""Words of questions, which name no document."""


@dataclass(frozen=True, slots=True)
class Found:
    """The boosts of one query.

    Attributes:
        boosts: By page id.
        search: The same as a ranking needs it.
        absent: Words, numbers and names of the query that no page has.
    """

    boosts: Mapping[str, tuple[Boost, ...]]
    search: Boosts
    absent: tuple[str, ...] = ()


NOTHING = Found({}, Boosts())


class Booster:
    """Finds the boosts of queries in one store."""

    def __init__(self, store: AnyStore, documents: Callable[[], Sequence[DocumentEntry]]) -> None:
        """Look nothing up yet.

        Args:
            store: Its pages are boosted.
            documents: Lists its documents.
        """
        self._store = store
        self._names = lru_cache(1)(lambda version: DocumentNames(documents()))
        self._find_phrase = lru_cache(MAX_CACHED_TERMS)(
            lambda version, term, where: tuple(store.find_phrase(term.text, term.max_pages + 1, where=where))
        )

    def find(self, query: QueryEmbedding, where: Filter | None = None, *, names: bool = True) -> Found:
        """Find the pages that a query boosts.

        Args:
            query: The query; one of vectors alone boosts nothing.
            where: Only pages that this filter keeps.
            names: Whether documents that the query names are boosted.
        """
        if not query.text:
            return NOTHING
        version, size = self._store.version, len(query.vectors)
        boosts: dict[str, list[Boost]] = defaultdict(list)
        absent = []
        for term in rare_terms(query):
            try:
                found = self._find_phrase(version, term, where)
            except InputError:  # the store can't search text
                break
            if not found and term.is_word:
                absent.append(term.text)
            elif 0 < len(found) <= term.max_pages:
                rarity = 1 - math.log(len(found)) / math.log(term.max_pages + 1)
                for page in found:
                    boosts[page].append(Boost(BoostKind.LETTER, term.text, term.share * rarity * size))
        scored, near = frozenset(boosts), None
        if names and (named := self._names(version).named_by(query.text)):
            near = match_paths([name.entry.document.path for name in named])
            for name in named:
                boost = Boost(BoostKind.NAME, name.words, NAME_SHARE * name.weight * size)
                for page in page_ids(name.entry.document, name.entry.page_indices):
                    boosts[page].append(boost)
        totals = {page: sum(boost.value for boost in some) for page, some in boosts.items()}
        listed = {page: tuple(some) for page, some in boosts.items()}
        return Found(listed, Boosts(totals, scored, near), tuple(absent))


@dataclass(frozen=True, slots=True)
class Term:
    """What is looked up in the text of pages.

    Attributes:
        text: A word, number or code, or a whole question.
        share: What it adds, per token of the query.
        max_pages: On more pages it is not rare. 0: it is only looked up.
        is_word: It is a single word, number or code: users are told if no page has it. Words of Korean questions do
            not count, as their particles and endings are seldom those of the page.
    """

    text: str
    share: float
    max_pages: int
    is_word: bool = True


def rare_terms(query: QueryEmbedding) -> list[Term]:
    """Choose what of a query may be rare: numbers, codes, words of several tokens, and the whole of a short question.

    A word that the encoder has as one token is common, or its vector tells it from others. Names are looked up too, as
    a library without them seldom answers; they boost nothing.
    """
    tokens = Counter(query.word_index.tolist())
    terms = {name: Term(name, 0.0, 0) for name in _names_in(query.text)}
    for index, word in enumerate(query.words):
        if any(map(str.isdigit, word)) and len(word) >= MIN_CODE_LENGTH:
            terms[word] = Term(word, NUMBER_SHARE, MAX_PAGES)
        elif tokens[index] > 1 and word.isalpha() and len(word) >= _min_length(word):
            terms[word] = Term(word, WORD_SHARE, MAX_PAGES_OF_WORD, is_word=not _HANGUL.match(word))
    words = max(len(words_of(query.text)), len(query.words))
    if 1 <= words <= MAX_QUESTION_WORDS and words_of(query.text):
        whole = Term(query.text, QUESTION_SHARE, MAX_PAGES, is_word=words == 1)
        same = terms.pop(query.words[0], whole) if len(query.words) == 1 else whole
        terms[query.text] = max(whole, same, key=lambda term: term.share)
    return [term for term in terms.values() if len(term.text) <= MAX_PHRASE_LENGTH][-MAX_TERMS:]


def _min_length(word: str) -> int:
    """The fewest letters of a word that may be rare: a syllable of East Asian writing says as much as two letters."""
    return MIN_NAME_LENGTH // 2 if BEGINS_ANYWHERE.match(word) else MIN_NAME_LENGTH


def _names_in(text: str) -> list[str]:
    """List the words with a capital letter that may be names."""
    words = dict.fromkeys(_LETTERS.findall(_POSSESSIVE.sub("", text)))
    return [
        word
        for word in words
        if word[0].isupper() and len(word) >= MIN_CODE_LENGTH and word.lower() not in _COMMON
    ]


@dataclass(frozen=True, slots=True, eq=False)
class NamedDocument:
    """A document that a query names.

    Attributes:
        entry: The document.
        words: The query's words that name it.
        weight: The fewer documents have a word in their names, the more it weighs; at most 1 for each word.
    """

    entry: DocumentEntry
    words: str
    weight: float


class DocumentNames:
    """The words that name documents: of file names, and of short texts in the user's fields."""

    def __init__(self, entries: Sequence[DocumentEntry]) -> None:
        """Read the names of documents."""
        self._entries = entries
        holding: dict[str, list[int]] = defaultdict(list)
        for number, entry in enumerate(entries):
            for word in name_words(entry):
                holding[word].append(number)
        self._holding = {word: np.array(numbers, np.intp) for word, numbers in holding.items()}

    def named_by(self, text: str) -> list[NamedDocument]:
        """Find the documents that a text names, those with most weight first."""
        total = math.log(len(self._entries) + 1)
        words = {word: self._holding[word] for word in _runs(text) if word in self._holding}
        weights = np.zeros(len(self._entries))
        for holding in words.values():
            weights[holding] += 1 - math.log(len(holding)) / total
        named = np.flatnonzero(weights)
        if len(named) == len(self._entries):
            return []
        best = named[np.argsort(-weights[named], kind="stable")].tolist()
        if len(best) > MAX_NAMED:
            best = [number for number in best[:MAX_NAMED] if weights[number] > weights[best[MAX_NAMED]]]
        return [
            NamedDocument(
                self._entries[number],
                " ".join(word for word, holding in words.items() if number in holding),
                float(weights[number]),
            )
            for number in best
        ]


def name_words(entry: DocumentEntry) -> set[str]:
    """List the words that name a document: of its file name, and of short texts in its fields."""
    fields = [value for name, value in entry.metadata.items() if name not in PAGE_FIELDS]
    texts = [value for value in fields if isinstance(value, str) and len(value) <= MAX_VALUE_LENGTH]
    words = _LETTERS.findall(" ".join([PurePosixPath(entry.document.file).stem, *texts]).lower())
    return {word for word in words if len(word) >= MIN_CODE_LENGTH} - _COMMON


def _runs(text: str) -> list[str]:
    """Words of a text, and up to three neighbours written as one: names are often joined, as in ``BESTBUY``."""
    words = _LETTERS.findall(_POSSESSIVE.sub("", text.lower()))
    runs = (
        "".join(words[start : start + count])
        for count in (1, 2, 3)
        for start in range(len(words) - count + 1)
    )
    return list(dict.fromkeys(runs))
