"""Are sections of translated manuals found by their titles, within a language and across languages?

    mkdir manuals; cd manuals
    apt-get download debian-faq{,-de,-ja,-zh-cn} debian-reference-{en,de,ja,zh-cn} installation-guide-amd64 \\
        maint-guide{,-de,-ja,-zh-cn} gimp-help-{en,de,ja,ko,zh-cn}
    for package in *.deb; do dpkg -x $package .; done
    pip install lxml
    python benchmarks/bench_languages.py --manuals manuals/usr/share

A section is what stands below its heading, without nested sections and without its title. What translators left in
English is dropped. Sections with the same id in two languages give questions across languages. No encoder was fitted
on these manuals.
"""

import random
import re
import sys
import time
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
from lxml import html
from measure import arguments, save

from maxsight.documents.cleaning import find_words
from maxsight.encoders import load_encoder
from maxsight.errors import EmptyQueryError
from maxsight.types import Page, TextSource

NAMES = {"en": "en", "de": "de", "ja": "ja", "ko": "ko", "zh": "zh-cn"}
PAIRS = ("en>en", "de>de", "ja>ja", "ko>ko", "zh>zh", "en>ja", "ja>en", "en>de", "en>zh", "en>ko")
SECTIONS, QUESTIONS = 320, 120
LENGTHS = {"en": (160, 900), "de": (160, 900), "ja": (80, 450), "ko": (80, 450), "zh": (70, 450)}
"""Characters of a section: the fewest, and those that are kept."""
SMALL_WORDS = {
    "en": set("the of and to in is that for with as are by this be or from it you can on if".split()),
    "de": set(
        "der die das und ist nicht ein eine einer von den dem zu auf für im des sich wird sie mit".split()
    ),
}
NATIVE = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
NUMBERING = re.compile(
    r"^(第\s*[\dA-Z.]+\s*章|(제\s*)?[\dA-Z.]+\s*장|部 .|[\dA-Z]+(\.\d+)*\."
    r"|(Chapter|Kapitel|附录|付録|Appendix|Anhang|부록) \S+)\.?\s*"
)
TITLES = (
    "//*[contains(@class,'titlepage')]//*[self::h1 or self::h2 or self::h3 or self::h4 or self::h5]"
    "[contains(@class,'title')]"
)


def main():
    given = arguments(__doc__, manuals=Path("manuals/usr/share"))
    encoders = ("multilingual", "minilm")
    sections = {language: collect(given.manuals, language) for language in NAMES}
    if missing := [language for language, found in sections.items() if len(found) < QUESTIONS]:
        sys.exit(f"{given.manuals} lacks manuals in {', '.join(missing)}: see --help")
    chosen = {language: choose(found, sections) for language, found in sections.items()}
    figures = {}
    for name in encoders:
        encoder, started, tokens = load_encoder(name), time.process_time(), 0
        pages = {}
        for language, keys in chosen.items():
            texts = [sections[language][key][1] for key in keys]
            pages[language] = [page.vectors for page in encoder.encode_pages(list(map(page_of, texts)))]
            tokens += sum(map(len, pages[language]))
        figures[f"{name}: vectors/CPU s"] = round(tokens / (time.process_time() - started))
        for pair in PAIRS:
            asked, read = pair.split(">")
            ranks = [
                rank(encoder, question, pages[read], answer)
                for question, answer in questions(sections, chosen, asked, read)
            ]
            gains = [1 / np.log2(place + 2) if place < 5 else 0 for place in ranks]
            figures[f"{name}: {pair} nDCG@5"] = round(float(np.mean(gains)), 3)
            figures[f"{name}: {pair} recall@10"] = round(float(np.mean([place < 10 for place in ranks])), 3)
            figures[f"{pair} questions"] = len(ranks)
            print(name, pair, figures[f"{name}: {pair} nDCG@5"], flush=True)
    save("languages-manuals", figures)


def collect(root, language):
    """Sections by manual and id: title and text, of those that are in the language."""
    name, found = NAMES[language], {}
    least, most = LENGTHS[language]
    patterns = {
        "gimp": f"gimp/2.0/help/{name.replace('-cn', '_CN')}/*.html",
        "installation": f"doc/installation-guide-amd64/{name}/*.html",
        "faq": f"doc/debian/FAQ/**/*.{name}.html",
        "reference": f"debian-reference/*.{name}.html",
        "maintenance": f"doc/maint-guide*/**/*.{name}.html",
    }
    for manual, pattern in patterns.items():
        for file in sorted(root.glob(pattern)):
            for anchor, title, text in read(file):
                if len(text) >= least and is_in(text[:most], language):
                    found.setdefault((manual, anchor), (title, text[:most]))
    return found


def read(file):
    """The sections of a page that DocBook made."""
    tree = html.parse(file, html.HTMLParser(encoding="utf-8")).getroot()
    for bad in tree.xpath("//div[@class='toc' or @class='navheader' or @class='navfooter']|//script|//style"):
        bad.drop_tree()
    for title in tree.xpath(TITLES):
        head = next(above for above in title.iterancestors() if "titlepage" in (above.get("class") or ""))
        anchor = (title.xpath(".//a/@id | .//a/@name") or [None])[0] or head.getparent().get("id")
        if anchor and not re.match(r"id.*\d{3}", anchor):  # numbers differ between languages
            own = [
                item.text_content()
                for item in head.itersiblings()
                if isinstance(item.tag, str) and not item.xpath(".//div[contains(@class,'titlepage')]")
            ]
            yield anchor, NUMBERING.sub("", squeeze(title.text_content())).strip(), squeeze(" ".join(own))


def squeeze(text):
    return re.sub(
        r"(?<=[\u3000-\u9fff\uff00-\uffef]) (?=[\u3000-\u9fff\uff00-\uffef])", "", " ".join(text.split())
    )


def is_in(text, language):
    """Whether a text is in a language: by its script, or by its small words."""
    scripts = Counter(unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha())
    share = {script: count / max(1, scripts.total()) for script, count in scripts.items()}
    kana = share.get("HIRAGANA", 0) + share.get("KATAKANA", 0)
    if language == "ja":
        return kana > 0.15 and kana + share.get("CJK", 0) > 0.45
    if language in ("zh", "ko"):
        return share.get("CJK" if language == "zh" else "HANGUL", 0) > 0.45 and kana < 0.02
    words = re.findall(r"[a-zäöüß]+", text.lower())
    own, other = (
        sum(word in SMALL_WORDS[name] for word in words)
        for name in (language, {"en": "de", "de": "en"}[language])
    )
    return own > max(other, 0.1 * len(words))


def choose(found, sections):
    """The sections that most languages share come first, so that questions across languages have answers."""
    order = random.Random(1)
    return sorted(found, key=lambda key: (-sum(key in other for other in sections.values()), order.random()))[
        :SECTIONS
    ]


def questions(sections, chosen, asked, read):
    """Titles in a language that name one section each, with the places of their answers in another."""
    places = {key: place for place, key in enumerate(chosen[read])}
    titles = {key: sections[asked][key][0] for key in chosen[asked]}
    count = Counter(titles.values())
    good = [key for key, title in titles.items() if count[title] == 1 and is_question(title, asked)]
    return [(titles[key], places[key]) for key in good if key in places][:QUESTIONS]


def is_question(title, language):
    if language in SMALL_WORDS:
        return len(title) >= 10 and len(title.split()) >= 2
    letters = [letter for letter in title if letter.isalpha()]
    native = sum(unicodedata.name(letter, "?").split()[0] in NATIVE for letter in letters)
    return len(letters) >= 4 and native >= 0.5 * len(letters)


def page_of(text):
    return Page(0, text, find_words(text), TextSource.FILE)


def rank(encoder, question, pages, answer):
    """The place of the answer among all pages, by exact MaxSim; the last one if the encoder can't read the question."""
    try:
        query = encoder.encode_query(question).vectors
    except EmptyQueryError:
        return len(pages)
    scores = [(query @ page.T).max(axis=1).sum() if len(page) else -1e9 for page in pages]
    return int(sum(score > scores[answer] for score in scores))


if __name__ == "__main__":
    main()
