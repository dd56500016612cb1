"""Which encoding a text file has. Few programs write it down, so the bytes have to tell."""

from __future__ import annotations

import codecs
import re
import unicodedata

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Western text is judged here: the package takes Spanish in Windows-1252 for Polish in Windows-1250.
_LATIN = ("cp1252", "cp1250", "mac_roman", "cp437")
_OTHERS = [
    *("cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256", "cp874"),
    *("gb18030", "big5", "cp949"),
]
_JAPANESE = ("cp932", "euc_jp")  # the package takes it for Korean
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
SAMPLE_BYTES = 200_000
MAX_BAD_SHARE = 0.1
"""A text is UTF-8 if so few of its characters beyond ASCII are not."""
MAX_LATIN_SHARE = 0.5
"""Text in Latin letters has at most this share of letters beyond ASCII."""
MIN_KANA_SHARE = 0.2

# What Latin text does not have: a capital within a word, a sign between letters, an opening sign or a frame after one.
_IMPLAUSIBLE = re.compile(
    r"(?<=[a-z])[\u00c0-\u00d6\u00d8-\u00de\u0152\u0160\u0178\u017d\u0370-\u03ff]"
    r"|(?<=[A-Z])[\u00c0-\u00d6\u00d8-\u00de\u0152\u0160\u0178\u017d](?=[a-z])"
    r"|(?<=[^\W\d_])[^\w\s\x00-\x7f\u00ad\u00b0\u00b7\u2010-\u2019\u2026](?=[^\W\d_])"
    r"|(?<=[^\W\d_])[\u201a\u201e\u00a1\u00bf\u2500-\u25ff]"
    r"|[\u2500-\u25ff](?=[^\W\d_])"
    r"|(?<!\w)\u2026(?=[a-z])"
)
_CENTRAL_EUROPEAN = re.compile("[\u0160\u0161\u017d\u017e]|(?<=[^\\W\\d_])[\u00b9\u00b3]")
"""Letters that are frequent in Windows-1250, and signs that its letters become if they are read as Windows-1252."""


def find_encoding(content: bytes) -> str:
    """Find the encoding of a text: by its byte order mark, else UTF-8 or UTF-16 if it is valid, else the likeliest."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    if b"\0" in content:
        return _utf_16_order(content)
    if _is_utf_8(content):
        return "utf-8"
    sample = content[:SAMPLE_BYTES]
    shares = {name: _implausible_share(sample, name) for name in _LATIN}
    if shares["cp1252"] <= MAX_BAD_SHARE:
        return "cp1252"
    found = min(shares, key=shares.__getitem__)
    if shares[found] > MAX_BAD_SHARE:
        if japanese := next(filter(lambda name: _has_kana(sample, name), _JAPANESE), None):
            return japanese
        from charset_normalizer import from_bytes  # it takes a moment to load

        if likely := from_bytes(sample, cp_isolation=_OTHERS).best():
            return likely.encoding
    return found


def _has_kana(sample: bytes, encoding: str) -> bool:
    text = sample.decode(encoding, "replace")
    return len(_KANA.findall(text)) > MIN_KANA_SHARE * _count_beyond_ascii(text)


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
        return text.count("\ufffd") <= MAX_BAD_SHARE * _count_beyond_ascii(text)
    return True


def _count_beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def _utf_16_order(content: bytes) -> str:
    """Tell little from big endian by the commonest signs; UTF-8 where neither gives a text."""
    found, most = "utf-8", 0
    for encoding in ("utf-16-le", "utf-16-be"):
        text = content[: SAMPLE_BYTES // 2 * 2].decode(encoding, "replace")
        odd = sum(unicodedata.category(character) in ("Cn", "Co", "Cs", "Cc") for character in text)
        odd -= sum(map(text.count, "\n\r\t\v\f\x85"))
        signs = sum(map(text.count, " \n\r\t,.\u3000\u3001\u3002"))
        if signs > most and odd <= MAX_BAD_SHARE * len(text):
            found, most = encoding, signs
    return found


def _implausible_share(sample: bytes, encoding: str) -> float:
    """Return the share of the characters beyond ASCII that Latin text does not have where they are."""
    text = sample.decode(encoding, "replace")
    beyond = _count_beyond_ascii(text)
    if beyond > MAX_LATIN_SHARE * (beyond + sum(map(str.isalpha, sample.decode("ascii", "ignore")))):
        return 1.0
    odd = len(_IMPLAUSIBLE.findall(text)) + text.count("\ufffd")
    odd += len(_CENTRAL_EUROPEAN.findall(text)) if encoding == "cp1252" else 0
    return odd / max(1, beyond)
