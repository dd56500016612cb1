"""Files with bytes flipped, cut off or doubled: none ends a run, and each is named or indexed.

``MAXSIGHT_DAMAGED_FILES=2000`` tries more files than a test run does.
"""

import json
import os
import random
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fpdf import FPDF
from PIL import Image, ImageDraw

from maxsight import Library
from maxsight.documents import Limits, OcrChoice, ReadSettings
from maxsight.documents.pdf import PdfSource
from maxsight.documents.records.fields import RecordFields
from maxsight.errors import InputError
from maxsight.indexing.metadata import MetadataTable
from pdf_files import raw_pdf, stream, write_pdf

COUNT = int(os.environ.get("MAXSIGHT_DAMAGED_FILES", "36"))
SETTINGS = ReadSettings(
    ocr=OcrChoice.NEVER, dpi=72, limits=Limits(max_pixels=4_000_000, max_pages=50, page_timeout_s=60)
)
DOCUMENTS = ("a.pdf", "b.pdf", "a.png", "a.jpg", "a.tif", "a.webp", "a.gif", "a.txt", "b.txt", "a.md")
RECORDS = ("a.jsonl", "a.csv", "a.parquet", "a.arrow")
TABLES = ("m.csv", "m.jsonl")
LOST = re.compile("crashed|processor time|seconds|memory")
"""What is said of a file that ended the process that read it."""
FIELDS = RecordFields("title", "text", metadata=("year",))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The files before they are damaged."""
    folder = tmp_path_factory.mktemp("whole")
    write_pdf(folder / "a.pdf", [[(72, 100, "Herons stand in shallow water.")], [(72, 100, "Otters swim.")]])
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=12)
    pdf.multi_cell(0, 8, "A page with a link, a picture and more text. " * 20, link="https://example.org")
    picture = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(picture).text((20, 80), "Kingfishers dive.", fill="black")
    pdf.image(picture, w=80)
    pdf.output(str(folder / "b.pdf"))
    for name in ("a.png", "a.jpg", "a.webp", "a.gif"):
        picture.save(folder / name)
    picture.save(folder / "a.tif", save_all=True, append_images=[picture.rotate(90)], compression="tiff_lzw")
    text = "Die Fähre fährt täglich.\n\nSie trägt Räder.\n" * 20
    (folder / "a.txt").write_text(text, encoding="utf-8")
    (folder / "b.txt").write_text(text, encoding="utf-16")
    (folder / "a.md").write_text(f"# Fähre\n\n{text}", encoding="utf-8")
    rows = [{"title": f"t{n % 3}", "text": f"Record {n} about ferries.", "year": 2000 + n} for n in range(20)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "a.csv").write_text(
        "title,text,year\n" + "".join(f'{row["title"]},"{row["text"]}",{row["year"]}\n' for row in rows)
    )
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, folder / "a.parquet")
    with pa.ipc.new_file(folder / "a.arrow", table.schema) as writer:
        writer.write_table(table)
    (folder / "m.csv").write_text("file,year,note\na.txt,2020,x\nb.txt,2021,y\n" * 4)
    (folder / "m.jsonl").write_text('{"file": "a.txt", "year": 2020}\n{"file": "b.txt", "year": 2021}\n')
    return folder


def damaged(content, seed):
    """Flip some bytes, cut the end off, or write a part twice; or several of these."""
    chance = random.Random(seed)
    content = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(max(1, len(content)))
        match chance.randrange(3):
            case 0:
                for _ in range(chance.choice((1, 4, 64))):
                    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            case 1 if place:
                del content[place:]
            case 2:
                part = content[place : place + chance.choice((1, 16, 1000))]
                content[place:place] = part
    return bytes(content)


def test_damaged_documents_are_named_or_indexed(whole, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for seed in range(COUNT):
        name = DOCUMENTS[seed % len(DOCUMENTS)]
        (folder / f"{seed:05}-{name}").write_bytes(damaged((whole / name).read_bytes(), seed))
    with Library.create(tmp_path / "l.library", encoder="fake", settings=SETTINGS) as library:
        report = library.index(folder)
        told = {outcome.path.rpartition("/")[2] for outcome in (*report.indexed, *report.not_indexed)}
        assert told == {file.name for file in folder.iterdir()}
        assert [problem for problem in report.not_indexed if LOST.search(problem.reason)] == []
        again = library.index(folder)
        assert (len(again.indexed), again.skipped) == (0, len(report.indexed))


def test_damaged_records_are_named_or_indexed(whole, tmp_path):
    with Library.create(tmp_path / "l.library", encoder="fake") as library:
        for seed in range(COUNT // 3):
            name = RECORDS[seed % len(RECORDS)]
            file = tmp_path / f"{seed:05}-{name}"
            file.write_bytes(damaged((whole / name).read_bytes(), seed))
            report = library.index(file, records=FIELDS)
            assert report.indexed or report.not_indexed or not file.stat().st_size


def test_damaged_tables_of_fields_are_read_or_refused(whole, tmp_path):
    for seed in range(COUNT // 3):
        name = TABLES[seed % len(TABLES)]
        file = tmp_path / f"{seed:05}-{name}"
        file.write_bytes(damaged((whole / name).read_bytes(), seed))
        try:
            MetadataTable.load(file)
        except InputError as error:
            assert str(file) in str(error)


@pytest.mark.parametrize(("content", "is_damaged"), [(b"\xff" * 300, False), (b"\xff\xd8 cut off", True)])
def test_a_page_that_is_blank_because_its_picture_is_damaged_says_so(tmp_path, content, is_damaged):
    fields = b"/Type /XObject /Subtype /Image /Width 10 /Height 10 /BitsPerComponent 8 /ColorSpace /DeviceRGB"
    (tmp_path / "a.pdf").write_bytes(
        raw_pdf(
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 700] /Contents 4 0 R"
            b" /Resources << /XObject << /I 5 0 R >> >> >>",
            stream(b"q 600 0 0 700 0 0 cm /I Do Q"),
            stream(content, fields + (b" /Filter /DCTDecode" if is_damaged else b"")),
        )
    )
    source = PdfSource(tmp_path / "a.pdf", SETTINGS)
    said = ("a page shows nothing, because its picture is damaged",) if is_damaged else ()
    assert source.read_page(0).unread == said
    source.close()
