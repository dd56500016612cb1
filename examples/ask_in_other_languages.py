"""Ask a Japanese and a Korean document in their languages and in English. Part of `make demo`."""

import sys
from pathlib import Path

from maxsight import Library
from maxsight.errors import MissingExtraError

DOCUMENTS = Path(__file__).parent / "languages"
QUESTIONS = (
    "騒音が大きいときは何を確認しますか",
    "방문자는 어디에서 안전모를 받나요?",
    "What should I do when the screen shows E7?",
    "How many people can visit the wind farm at once?",
)


def main(folder: str) -> None:
    try:
        library = Library.open(Path(folder) / "languages.library", encoder="multilingual", create=True)
    except MissingExtraError:
        print("\nDocuments in other languages, such as those in examples/languages: make multilingual demo")
        return
    with library:
        library.index(DOCUMENTS)
        for question in QUESTIONS:
            (hit,) = library.search(question, top_k=1)
            words = ", ".join(match.region.text for match in hit.matches if not match.common)
            print(f"\n{question}\n  {hit.file}: {words}\n     {hit.snippet}")


if __name__ == "__main__":
    main(*sys.argv[1:])
