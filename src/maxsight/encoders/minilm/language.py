"""Noticing text that is not English, by two rules that stay silent when in doubt.

Most letters of another script settle it. In Latin script the small words do: every sentence has them, no two
languages share many, and numbers, names and table cells have none. Words that are also English ("die", "on",
"come") are in no list, so that English is never taken for something else.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_ENGLISH = (
    "the of and to in is that for with as are by this be or from at which not an it was on have has what how"
)

_SMALL_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "English": _ENGLISH,
        "Czech": "je se že jsou jako ale podle při nebo byl byla které který může tak pro není jeho",
        "Danish or Norwegian": "og det til på er ikke som av af med den har ble blev fra eller kan skal hvad hva hvor",
        "Dutch": "het een van de niet zijn op voor met dat wordt worden ook aan werd door deze naar hoe wat welke",
        "Finnish": "ja että ovat oli myös sekä mutta tai joka kuin ei mikä kuinka paljon vuonna",
        "French": "le la les des est une et du dans que qui pour sur avec par pas ce cette sont aux été quel quelle",
        "German": "der das und ist nicht ein eine mit von den dem zu auf für im des sich wird werden wurde wie hoch welche",
        "Hungarian": "az és hogy nem egy is volt meg csak mint vagy amely szerint voltak mennyi milyen",
        "Indonesian": "yang dan untuk dengan dari pada adalah ini itu dalam tidak akan oleh telah atau apa berapa",
        "Italian": "il di che della per non sono dei gli una del nel alla anche delle come più è quale qual nella",
        "Polish": "w nie się na jest że oraz przez jak dla który która są został lub ile jaki jakie",
        "Portuguese": "o os uma que não da em um para com por mais dos das foi são ao pela qual quais no na",
        "Romanian": "și este în care pentru din cu sunt mai prin fost ale nu sau acest această cât",
        "Spanish": "el los las una que del por con para es en un su fue más como según y cuál cuáles qué",
        "Swedish": "och att det som är på av inte med till för den har var ett från eller vad hur",
        "Turkish": "ve bir bu için ile da olarak olan daha çok gibi değil sonra kadar nedir ne",
        "Vietnamese": "và của là các có cho được trong không một những với này người đã năm",
    }.items()
}

_LEAST_LETTERS = 2
_LEAST_SMALL_WORDS = 3
_LEAST_SHARE = 0.15


def language_notice(text: str) -> str | None:
    """Say so when a text is mostly in another language than English, else None."""
    found = foreign_script(text) or foreign_language(text)
    if found is None:
        return None
    return (
        f"The text looks {found}, but minilm has learned English only: "
        "expect it to find little beyond words spelt alike."
    )


def foreign_script(text: str) -> str | None:
    """Name the script of most letters, unless it is Latin."""
    letters = [letter for letter in unicodedata.normalize("NFKC", text) if letter.isalpha()]
    if len(letters) < _LEAST_LETTERS:
        return None
    # Latin letters end where the block of Greek ones begins; later blocks of Latin letters are rare.
    foreign = [letter for letter in letters if letter > "\u036f" and "LATIN" not in _name(letter)]
    if len(foreign) * 2 <= len(letters):
        return None
    script = Counter(_name(letter).split()[0] for letter in foreign).most_common(1)[0][0]
    return "Chinese or Japanese" if script == "CJK" else f"written in {script.capitalize()} script"


def foreign_language(text: str) -> str | None:
    """Name the language most small words of a text in Latin script are from, unless it is English."""
    words = Counter(re.findall(r"[^\W\d_]+", text.lower()))
    counts = {
        language: sum(words[word] for word in small if word in words)
        for language, small in _SMALL_WORDS.items()
    }
    language = max(counts, key=lambda language: counts[language])
    enough = max(_LEAST_SMALL_WORDS, _LEAST_SHARE * words.total())
    if language == "English" or counts[language] < enough or counts[language] < 2 * counts["English"]:
        return None
    return f"{language}"


def _name(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN")
