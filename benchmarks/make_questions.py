"""Make questions with known answers, and exact probes, from the text of any library.

::

    python benchmarks/make_questions.py LIBRARY FOLDER

It writes three files into FOLDER. ``questions-open.jsonl`` and ``questions-kept.jsonl`` are the halves of one set:
choose on the first, and check once on the second. ``probes.jsonl`` has numbers, codes and phrases of three words that
stand on one page only. The same library gives the same files. They hold text of the documents, so publish them only
with documents that are yours.

A question is a title, a sentence with words left out, a row of a table, a number or a rare phrase, made a question by
a rule. What was taken from a page stands on no other page, except on copies of it. Half of the questions name the
document by the words of its file name.
"""

import argparse
import json
import random
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from maxsight import Library

STOP_WORDS = frozenset(
    "a about after all also an and any are as at be been but by can did do does for from had has have how if in into "
    "is it its may more no not of on or other our such than that the their there these they this to under was we were "
    "what when where which who will with would you your".split()
)
EQUAL = {
    "increase": "rise", "increased": "rose", "decrease": "fall", "decreased": "fell", "company": "firm",
    "employees": "staff", "purchase": "buy", "sales": "revenue", "customers": "clients", "largest": "biggest",
    "approximately": "about", "obtain": "get", "provide": "give", "require": "need", "requires": "needs",
    "agreement": "contract", "additional": "more",
}  # fmt: skip
"""Words that a paraphrase exchanges."""

ASKED = {
    "title": ("What is said about {}?", "{}"),
    "sentence": ("Is it true that {}?", "Where does it say that {}?"),
    "paraphrase": ("{}?", "Explain: {}"),
    "row": ("What was {}?", "How much is {}?"),
    "number": ("What does the figure {} stand for?", "Which item amounts to {}?"),
    "phrase": ("What does {} mean here?", "Which page deals with {}?"),
}
PER_KIND = 120
PROBES_PER_KIND = 100
SEED = 20


@dataclass(frozen=True)
class PageText:
    file: str
    page_index: int
    text: str
    words: tuple[str, ...]
    folded: str


def read_pages(library):
    """Yield every page's text, a document at a time."""
    for entry in library.documents():
        for page_index in entry.page_indices:
            text = library.find_page(entry.document.path, page_index + 1).page.text
            words = tuple(words_of(text))
            yield PageText(entry.document.file, page_index, text, words, f" {' '.join(words)} ")


def words_of(text):
    """Words and whole numbers, in lower case: 77,300 and E18 are one word each."""
    return [word.lower() for word in re.findall(r"\w+(?:[.,'\u2019-]\w+)*", text)]


def pages_by(pages, units):
    """For each unit (anything that ``units`` finds on a page), the pages that have it."""
    found = defaultdict(set)
    for number, page in enumerate(pages):
        for unit in set(units(page)):
            found[unit].add(number)
    return found


def titles(page):
    """Short lines that read like headings."""
    for line in lines(page):
        words = line.split()
        if (
            2 <= len(words) <= 9
            and len(line) < 70
            and line[0].isupper()
            and line[-1] not in ".,;:"
            and letters(line) > 0.8
        ):
            yield line


def sentences(page):
    """Sentences of 9 to 30 words."""
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])", " ".join(page.text.split())):
        if (
            9 <= len(sentence.split()) <= 30
            and sentence[0].isupper()
            and sentence[-1] == "."
            and letters(sentence) > 0.85
        ):
            yield sentence


def rows(page):
    """Labels of table rows: text before at least two numbers."""
    for line in lines(page):
        match = re.match(
            r"([A-Z][A-Za-z ,&/()'\u2019-]{8,70}?)\s*[$(]*\s*(?:[$(]*\d[\d,.]*\d[)%]*\s*[$(]*\s*){2,}$", line
        )
        if match and len(match[1].split()) >= 2:
            yield match[1].strip(" ,(-")


def numbers(page):
    return [word for word in page.words if re.fullmatch(r"\d{1,3}(,\d{3})+|\d{4,}|\d+\.\d{2,}", word)]


def codes(page):
    return [
        word
        for word in page.words
        if re.fullmatch(r"(?=[^\d]*\d)(?=[^a-z]*[a-z])[a-z0-9]+(-[a-z0-9]+)*", word)
    ]


def phrases(page):
    """Three words in a row on one line, the outer two of them telling."""
    for line in lines(page):
        words = line.split()
        for three in zip(words, words[1:], words[2:], strict=False):
            outer = (three[0].lower(), three[2].lower())
            if all(re.fullmatch(r"[A-Za-z]{2,}", word) for word in three) and not STOP_WORDS & set(outer):
                yield " ".join(three)


def lines(page):
    return filter(None, map(str.strip, page.text.split("\n")))


def letters(text):
    return sum(character.isalpha() or character == " " for character in text) / len(text)


def shorten(sentence, chance):
    """Leave out every third telling word or so."""
    words = sentence.rstrip(".").split()
    return " ".join(word for word in words if word.lower() in STOP_WORDS or chance.random() > 0.3)


def paraphrase(sentence, chance):
    """Keep the telling words, half of them exchanged where another is known, and put the second half first."""
    words = [word.strip(".,;:()") for word in sentence.split()]
    told = [EQUAL.get(word.lower(), word.lower()) for word in words if word.lower() not in STOP_WORDS]
    told = [word for word in told if word and chance.random() > 0.2]
    return " ".join(told[len(told) // 2 :] + told[: len(told) // 2])


def name_of(file):
    """The words of a file's name: AMAZON_2017_10K.pdf is Amazon 2017 10K."""
    return " ".join(
        word.title() if word.isalpha() else word for word in re.findall(r"[A-Za-z0-9]+", Path(file).stem)
    )


def make_questions(pages, chance):
    """Yield questions of all kinds, and for each whether it is of the half that is kept for the last check."""
    for kind, units, change in (
        ("title", titles, lambda title, _: title),
        ("sentence", sentences, shorten),
        ("paraphrase", sentences, paraphrase),
        ("row", rows, lambda row, _: row[0].lower() + row[1:]),
        ("number", numbers, lambda number, _: number),
        ("phrase", phrases, lambda phrase, _: phrase.lower()),
    ):
        for number, (unit, holding) in enumerate(choose(pages, units, PER_KIND, chance)):
            query = ASKED[kind][number % 2].format(change(unit, chance))
            if number % 4 >= 2:
                query = f"{name_of(pages[holding[0]].file)}: {query}"
            yield question(f"{kind}-{number}", query, pages, holding), crc32(query.encode()) % 2 == 1


def make_probes(pages, chance):
    for kind, units in (("number", numbers), ("code", codes), ("phrase", phrases)):
        for number, (unit, holding) in enumerate(choose(pages, units, PROBES_PER_KIND, chance)):
            yield question(f"{kind}-{number}", unit, pages, holding)


def choose(pages, units, most, chance):
    """Choose units whose words stand on one page, or on copies of it."""
    single = [
        (unit, sorted(holding))
        for unit, holding in sorted(pages_by(pages, units).items())
        if len({pages[number].words for number in holding}) == 1
    ]
    chance.shuffle(single)
    chosen = []
    for unit, holding in single:
        words = " ".join(words_of(unit))
        sought = re.compile(rf"(?<!\w)(?<!\d[.,]){re.escape(words)}(?!\w)(?![.,]\d)")
        if sum(words in page.folded and bool(sought.search(page.folded)) for page in pages) == len(holding):
            chosen.append((unit, holding))
            if len(chosen) == most:
                break
    return chosen


def question(query_id, query, pages, holding):
    first = pages[holding[0]]
    return {"query_id": query_id, "query": query, "file": first.file, "page_indices": [first.page_index]}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("library", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    with Library.open(given.library, read_only=True) as library:
        pages = list(read_pages(library))
    given.folder.mkdir(parents=True, exist_ok=True)
    questions = list(make_questions(pages, random.Random(SEED)))
    for name, chosen in (
        ("questions-open", [made for made, kept in questions if not kept]),
        ("questions-kept", [made for made, kept in questions if kept]),
        ("probes", list(make_probes(pages, random.Random(SEED)))),
    ):
        text = "".join(json.dumps(made, ensure_ascii=False) + "\n" for made in chosen)
        (given.folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
        print(f"{name}: {len(chosen)}")


if __name__ == "__main__":
    main()
