"""Does the heat point at the answer? On generated pages whose answers have known places, and on words asked alone."""

import tempfile
from pathlib import Path

import numpy as np
from fpdf import FPDF
from measure import SAMPLES, arguments, save

from maxsight import Library

PAGES, WORDS = 40, 60
HOTTEST = 0.1
WIDTH_PX = 300
THINGS = "pump valve fan boiler compressor lamp motor sensor filter press mixer dryer kiln crane winch drill".split()
NAMES = (
    "Arden Bexley Corvin Dunmore Elstow Farrow Glenlea Harwick Ilford Jarrow Kelby Lorne Marden Norby".split()
)
ATTRIBUTES = {  # its name: how a text says it, how a question asks for it
    "weight": ("weighs {} kg when it is empty", "How heavy is the {}?"),
    "price": ("costs {} euros without tax", "What does the {} cost?"),
    "noise": ("reaches {} decibels at full load", "How loud is the {}?"),
    "warranty": ("comes with a guarantee of {} months", "For how long is the {} guaranteed?"),
    "power": ("draws {} watts from the mains", "How much electricity does the {} use?"),
}
FILLER = (
    "Dealers receive new stock every spring.", "Spare parts are kept in the central store.",
    "The manual explains how it is installed.", "A technician should check it once a year.",
    "Customers praised its simple controls.", "The housing is made of recycled steel.",
)  # fmt: skip


def prose(pdf, facts, random):
    """Paragraphs of three sentences; one of each states a fact."""
    for name, attribute, value in facts:
        sentences = list(random.choice(FILLER, 2, replace=False))
        sentences.insert(random.integers(3), f"The {name} {ATTRIBUTES[attribute][0].format(value)}.")
        pdf.multi_cell(0, 14, " ".join(sentences), new_x="LMARGIN", new_y="NEXT")
        pdf.ln(8)


def table(pdf, facts, random):
    """A row for each fact: the thing, the attribute and the value."""
    for name, attribute, value in facts:
        for width, text in (
            (150, name),
            (110, attribute),
            (80, str(value)),
            (160, f"see page {value % 90}"),
        ):
            pdf.cell(width, 22, text, border=1)
        pdf.ln()


def make_pages(folder, random):
    """Write a PDF of pages of facts; return per page a question and the answer."""
    pdf, asked = FPDF(unit="pt", format="A4"), []
    for number in range(PAGES):
        things = [
            f"{name} {thing}"
            for name, thing in zip(random.permutation(NAMES), random.choice(THINGS, len(NAMES)), strict=True)
        ]
        values = random.choice(np.arange(101, 999), len(things), replace=False)
        attributes = random.choice(list(ATTRIBUTES), len(things))
        facts = list(zip(things, attributes, map(int, values), strict=True))
        pdf.add_page()
        pdf.set_font("Helvetica", size=11)
        (prose if number % 2 else table)(pdf, facts, random)
        name, attribute, value = facts[random.integers(len(facts))]
        asked.append((ATTRIBUTES[attribute][1].format(name), str(value)))
    pdf.output(str(folder / "facts.pdf"))
    return asked


def place_of(page, word):
    """The box of the first word that is ``word``."""
    for (start, end), box in zip(page.words.spans, page.words.boxes, strict=True):
        if page.text[start:end].strip(".,") == word:
            return box
    raise LookupError(word)


def hottest_holds(explanation, row, box):
    """The share of the answer's box that the hottest tenth of the page holds; ties count by chance."""
    size = WIDTH_PX, round(WIDTH_PX * row.page.height_pt / row.page.width_pt)
    heat = np.asarray(explanation.heat_layer(row.embedding.regions.boxes, size))[:, :, 3].astype(float)
    edge = np.sort(heat, axis=None)[-round(HOTTEST * heat.size)]
    above, level = heat > edge, heat == edge
    share = above + level * (HOTTEST * heat.size - above.sum()) / level.sum()
    x0, y0, x1, y1 = (box * [*size, *size]).round().astype(int)
    return float(share[y0 : y1 + 1, x0 : x1 + 1].mean())


def coloured(explanation, row):
    """The share of the page that has any heat that can be seen."""
    size = WIDTH_PX, round(WIDTH_PX * row.page.height_pt / row.page.width_pt)
    return float((np.asarray(explanation.heat_layer(row.embedding.regions.boxes, size))[:, :, 3] > 25).mean())


def answers(random):
    """How often the hottest tenth holds the answer."""
    with tempfile.TemporaryDirectory() as folder:
        asked = make_pages(Path(folder), random)
        with Library.create(Path(folder) / "facts.library") as library:
            library.index([folder])
            held, shown = [], []
            for number, (question, answer) in enumerate(asked):
                row = library.find_page("facts.pdf", number + 1)
                explanation = library.explain_page(question, row)
                held.append(hottest_holds(explanation, row, place_of(row.page, answer)) >= 0.5)
                shown.append(coloured(explanation, row))
    return {
        "answers in the hottest tenth, tables": round(float(np.mean(held[::2])), 3),
        "answers in the hottest tenth, texts": round(float(np.mean(held[1::2])), 3),
        "share of the page with heat": round(float(np.mean(shown)), 3),
    }


def is_word(text):
    return text.isalpha() and len(text) > 3


def is_number(text):
    return len(text) > 2 and any(map(str.isdigit, text))


def words_alone(library, random):
    """Of random words and numbers that stand once on their page, how many are marked at their own place."""
    ids = library.listing.page_ids()
    right = {}
    for kind, fits in (("words", is_word), ("numbers", is_number)):
        name = f"{kind} marked at their place, of {WORDS}"
        right[name] = asked = 0
        while asked < WORDS:
            row = library.page(ids[random.integers(len(ids))])
            texts = [row.page.text[start:end].strip(".,;:()$%") for start, end in row.page.words.spans]
            fitting = [at for at, text in enumerate(texts) if texts.count(text) == 1 and fits(text)]
            if fitting and row.page.words.boxes is not None:
                at = fitting[random.integers(len(fitting))]
                (match, *_) = library.explain_page(texts[at], row).matches
                asked += 1
                right[name] += int(np.allclose(match.region.box, row.page.words.boxes[at], atol=1e-4))
    return right


def main():
    """Measure on the samples, or on a library."""
    given = arguments(__doc__, documents=SAMPLES, library=None)
    figures = answers(np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        path = given.library or Path(folder) / "samples.library"
        if not Library.exists(path):
            with Library.create(path) as made:
                made.index(given.documents)
        with Library.open(path, read_only=True) as library:
            figures |= words_alone(library, np.random.default_rng(0))
    save(f"pointing-{given.set}", figures)


if __name__ == "__main__":
    main()
