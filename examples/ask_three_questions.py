"""Ask a library three questions and draw why the first answer was found. Part of `make demo`."""

import sys
from pathlib import Path

from maxsight import Library

QUESTIONS = (
    "How tight should the bolts that hold the compressor be?",
    "How loud may the turbines be at the farmhouse at night?",
    "What should I do when the heat pump reports a gas leak in its housing?",
)


def main(library_path: str, out: str) -> None:
    with Library.open(library_path, read_only=True) as library:
        for question in QUESTIONS:
            print(f"\n{question}")
            for hit in library.search(question, top_k=2):
                print(f"  {hit.rank}. {hit.file}, page {hit.page_number}  (score {hit.score:.2f})")
                print(f"     {hit.snippet}")
        best = library.search(QUESTIONS[0], top_k=1)[0]
        explanation = library.explain(QUESTIONS[0], best.path, best.page_number)
        picture = Path(out) / "heat.png"
        library.draw(explanation).save(picture)
    command = f"--library {library_path}"
    print(f"""
Why the first page was found is drawn in {picture}

Try next:
  .venv/bin/maxsight search "your own question" {command}
  .venv/bin/maxsight explain "{QUESTIONS[1]}" ness-field-lease-scan.pdf 2 --out night.png {command}
  .venv/bin/maxsight index ~/Documents
  .venv/bin/maxsight --help""")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/ask_three_questions.py LIBRARY FOLDER-FOR-THE-PICTURE\n"
                 "First make a library of the sample documents: maxsight index examples/documents")  # fmt: skip
    main(*sys.argv[1:])
