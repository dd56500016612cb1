"""Which language a text is in, by rules that stay silent when in doubt.

The first rule is the script of most letters. In Latin script small words decide: every sentence has some,
no two languages share many, and numbers, names and table cells have none. A question is too short for that, but starts
with a question word. Words that English has too ("die", "per", "par", "non") are in no other language's list.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter


def _word_sets(texts: dict[str, str]) -> dict[str, frozenset[str]]:
    return {language: frozenset(words.split()) for language, words in texts.items()}


SMALL_WORDS = _word_sets(
    {
        "English": "the of and to in is that for with as are by this be or from at which not an it was on have "
        "has what how its",
        "Czech": "je se že jsou jako ale podle při nebo byl byla bylo které která který může není jeho na ve za "
        "kolik jaký jaká jak",
        "Danish or Norwegian": "og det til på er ikke som af med den har ble blev fra eller skal hvad hva hvor "
        "et en ved om også",
        "Dutch": "het een van de niet zijn op voor dat wordt worden ook aan werd door deze naar wat welke en "
        "heeft hoeveel uit bij",
        "Finnish": "ja että ovat oli myös sekä mutta tai joka kuin ei mikä kuinka paljon vuonna ole jos sen",
        "French": "le la les des une et du dans que qui avec pas ce cette sont aux été était quel quelle en de "
        "il elle au ou comment combien",
        "German": "der das und ist nicht ein eine einer von den dem zu auf für im des sich wird werden wurde wie "
        "hoch welche sind oder bei",
        "Hungarian": "az és hogy nem egy volt csak mint vagy amely szerint voltak mennyi milyen ez el ha",
        "Indonesian": "yang dan untuk dengan dari pada adalah ini itu dalam tidak akan oleh telah atau apa "
        "berapa di ke",
        "Italian": "il di che della sono dei gli una del nel alla anche delle più è quale qual nella la le si un "
        "da quanto",
        "Polish": "nie się na jest że oraz przez jak dla który która są został lub ile jaki jakie był była z do",
        "Portuguese": "uma que não da em um para por mais dos das foi são ao pela pelo qual quais na de e se foram "
        "também mas quanto como",
        "Romanian": "și este în pentru din cu sunt mai prin fost ale nu sau acest această cât la de un să pe",
        "Spanish": "el los las una que del por para es en un su fue más como según y la de cuál cuáles qué se "
        "cuánto",
        "Swedish": "och att det som är av inte med för den har var ett en från eller vad hur på om under",
        "Turkish": "ve bir bu için ile da de olarak olan daha çok gibi değil sonra kadar nedir ne kaç",
        "Vietnamese": "và của là các có cho được trong không một những với này người đã năm bao nhiêu",
    }
)

_LAST_LATIN = "\u024f"
"""The last letter of the Latin blocks before Greek. Unicode names tell later Latin letters."""
_EAST_ASIAN = {
    "CJK": "Chinese or Japanese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
}

_QUESTION_WORDS = _word_sets(
    {
        "Czech": "kdo kde kdy proč jak jaký jaká jaké kolik který která které",
        "Danish or Norwegian": "hvad hva hvem hvor hvornår når hvilken hvilket hvilke hvorfor hvordan",
        "Dutch": "wat wie waar wanneer waarom hoe hoeveel welke welk",
        "Finnish": "mikä mitä missä milloin miksi kuka kuinka miten montako paljonko",
        "French": "quel quelle quels quelles comment combien où quand pourquoi qui que",
        "German": "was wer wie wo wann warum wieso welche welcher welches wieviel woher wohin",
        "Hungarian": "mikor miért hogyan mennyi milyen melyik hány hol",
        "Indonesian": "apa siapa kapan mengapa kenapa bagaimana berapa",
        "Italian": "quanto quanta quanti quante quale quali qual cosa chi dove quando perché",
        "Polish": "kto gdzie kiedy dlaczego jak jaki jaka jakie ile który która które",
        "Portuguese": "qual quais quanto quanta quantos quantas quem onde quando como",
        "Romanian": "cine unde când cât câtă câți câte",
        "Spanish": "qué quién cuál cuáles cuánto cuánta cuántos cuántas cómo dónde cuándo cual cuanto cuanta donde "
        "cuando como",
        "Swedish": "vad vem när varför hur vilken vilket vilka",
    }
)
"""First words of questions."""
_ALSO_ENGLISH = frozenset(
    "was wer wie wo comment qui que como donde cosa chi qual wat hoe hur ile vem".split()
)
"""Question words that English text or a name may begin with."""

_IN_NAMES = frozenset("da das de del den der des di dos du el en la las le los van von".split())
"""Small words of names: alone they prove nothing."""

_CODES = {
    "Chinese or Japanese": "zh", "Japanese": "ja", "Korean": "ko", "Czech": "cs", "Dutch": "nl", "Finnish": "fi",
    "French": "fr", "German": "de", "Hungarian": "hu", "Indonesian": "id", "Italian": "it", "Polish": "pl",
    "Portuguese": "pt", "Romanian": "ro", "Spanish": "es", "Swedish": "sv", "Turkish": "tr", "Vietnamese": "vi",
}  # fmt: skip
"""Codes of ISO 639-1. Text of Chinese characters without kana is Chinese."""
_SCRIPT_CODES = {
    "Arabic": "ar", "Armenian": "hy", "Bengali": "bn", "Cyrillic": "ru", "Devanagari": "hi", "Georgian": "ka",
    "Greek": "el", "Gujarati": "gu", "Hebrew": "he", "Kannada": "kn", "Khmer": "km", "Lao": "lo", "Malayalam": "ml",
    "Myanmar": "my", "Sinhala": "si", "Tamil": "ta", "Telugu": "te", "Thai": "th",
}  # fmt: skip
"""The language that most text of a script is in."""
_VARIANTS = {
    "Arabic": {"ur": set("\u0679\u0688\u0691\u06ba\u06d2"), "fa": set("\u067e\u0686\u0698\u06af")},
    "Cyrillic": {"uk": set("\u0456\u0457\u0454\u0491"), "sr": set("\u0452\u045b\u045f\u0459\u045a")},
}
"""Letters that only another language of the script has."""

_MIN_LETTERS = 2
_MIN_SMALL_WORDS = 3
"""Different ones: a name like "Los Angeles" has one, most sentences have three."""
_MIN_SHARE = 0.15
"""The share of small words among all words. Prose has about twice as many."""
_MAX_QUESTION_WORDS = 12
"""The most words of a question. Small words decide the language of longer text."""
_MIN_KANA = 0.05
"""The share of kana in Japanese text, which has Chinese characters as well. Names in Chinese text have less."""
_LETTERS_PER_SYLLABLE = 3
"""One character of East Asian writing counts as so many Latin letters."""


def language_of(text: str) -> str | None:
    """Name the language of a text by its code of ISO 639-1, or return None when in doubt."""
    letters = unicodedata.normalize("NFKC", text)
    if script := foreign_script(text):
        if script in _CODES:
            return _CODES[script]
        kind = script.split()[0]
        variants = _VARIANTS.get(kind, {})
        return next((code for code, own in variants.items() if own & set(letters)), _SCRIPT_CODES.get(kind))
    words = re.findall(r"[^\W\d_]+", letters.lower())
    if language := _language_of_prose(Counter(words)) or _language_of_question(words):
        return (
            _CODES[language] if language in _CODES else "da" if {"af", "hvad", "blev"} & set(words) else "no"
        )
    return "en" if len(set(words) & SMALL_WORDS["English"]) >= _MIN_SMALL_WORDS else None


def foreign_script(text: str) -> str | None:
    """Name the script of most letters, unless it is Latin."""
    letters = [letter for letter in unicodedata.normalize("NFKC", text) if letter.isalpha()]
    weights: Counter[str] = Counter()
    for letter, count in Counter(letter for letter in letters if letter > _LAST_LATIN).items():
        script = unicodedata.name(letter, "unnamed").split()[0]
        if script != "LATIN":
            weights[script] += count * (_LETTERS_PER_SYLLABLE if script in _EAST_ASIAN else 1)
    foreign = weights.total()
    latin = sum(letter <= _LAST_LATIN for letter in letters)
    if foreign < _MIN_LETTERS or foreign <= latin:
        return None
    if weights["CJK"] and weights["HIRAGANA"] + weights["KATAKANA"] > _MIN_KANA * foreign:
        return _EAST_ASIAN["HIRAGANA"]
    script = max(weights, key=lambda script: weights[script])
    return _EAST_ASIAN.get(script, f"{script.capitalize()} script")


def foreign_language(text: str) -> str | None:
    """Name the language of a text in Latin script by its small words or its question word, unless it is English."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    return _language_of_prose(Counter(words)) or _language_of_question(words)


def _language_of_question(words: list[str]) -> str | None:
    """Name the language whose question word comes first, if a small word of the same language follows.

    If the first word may be English, small words of names are no proof.
    """
    beside = set(words[1:])
    no_proof = _IN_NAMES if words and words[0] in _ALSO_ENGLISH else frozenset()
    if not 1 < len(words) <= _MAX_QUESTION_WORDS or beside & SMALL_WORDS["English"]:
        return None
    found = {
        language: len(beside & SMALL_WORDS[language])
        for language, first in _QUESTION_WORDS.items()
        if words[0] in first and beside & SMALL_WORDS[language] - no_proof
    }
    return max(found, key=lambda language: found[language], default=None)


def _language_of_prose(words: Counter[str]) -> str | None:
    """Name the language of most small words."""
    counts = {
        language: sum(words[word] for word in small & words.keys()) for language, small in SMALL_WORDS.items()
    }
    language = max(counts, key=lambda language: counts[language])
    different = SMALL_WORDS[language] & words.keys()
    if (
        language == "English"
        or len(different) < _MIN_SMALL_WORDS
        or different <= _IN_NAMES
        or counts[language] < _MIN_SHARE * words.total()
        or counts[language] < 2 * counts["English"]
    ):
        return None
    return language
