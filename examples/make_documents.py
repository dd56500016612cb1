"""Make the sample documents: five PDFs, a poster, a photographed whiteboard and meeting notes, all fictional.

    python examples/make_documents.py                # into examples/documents
    python examples/make_documents.py --out FOLDER

The same versions of fpdf2, Pillow and pypdfium2 give the same bytes on every run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sample_set import annual_report, leaflet, lease_letter, notes, pictures, research_paper, service_manual

PDFS = {
    "annual-report-2024.pdf": annual_report.make,
    "heat-pump-service-manual.pdf": service_manual.make,
    "dark-towers-paper.pdf": research_paper.make,
    "ness-field-lease-scan.pdf": lease_letter.make,
    "strom-vom-balkon.pdf": leaflet.make,
}


def make_documents(folder: Path) -> None:
    """Write every sample document into a folder, made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PDFS.items():
        make().output(str(folder / name))
    pictures.poster().save(folder / "open-day-poster.png", optimize=True)
    pictures.whiteboard().save(folder / "whiteboard.jpg", quality=72)
    (folder / "control-room-notes.md").write_text(notes.TEXT, encoding="utf-8", newline="\n")


def main() -> None:
    """Parse the command line and write the documents."""
    parser = argparse.ArgumentParser(description="Make the sample documents.")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "documents", help="folder to write to"
    )
    folder = parser.parse_args().out
    make_documents(folder)
    for path in sorted(folder.iterdir()):
        print(f"{path}  {path.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
