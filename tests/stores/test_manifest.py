import json

import pytest

from maxsight.documents.base import OcrChoice
from maxsight.errors import FormatError, LibraryDamagedError
from maxsight.stores.manifest import OCR_CHOICES, Manifest
from store_pages import MANIFEST

FIELDS = json.loads(MANIFEST.to_json())


def test_a_manifest_comes_back_as_it_was_written():
    assert Manifest.from_json(MANIFEST.to_json(), where="here") == MANIFEST


def test_a_library_keeps_all_vectors_where_nothing_else_is_said():
    assert MANIFEST.pool_factor == 1


@pytest.mark.parametrize(
    ("version", "hint"),
    [
        (
            6,
            "Install a newer maxsight (pip install --upgrade maxsight), or index the files again into a new library.",
        ),
        (4, "Index the files again into a new library."),
    ],
    ids=["newer", "older"],
)
def test_another_format_is_refused_with_what_to_do(monkeypatch, version, hint):
    monkeypatch.setattr("maxsight.stores.manifest.FORMAT_VERSION", 5)
    other = FIELDS | {"format_version": version, "unheard_of": 1}
    with pytest.raises(
        FormatError, match=f"^here has format {version}; this version of maxsight reads format 5"
    ) as error:
        Manifest.from_json(json.dumps(other), where="here")
    assert error.value.hint == hint


def test_a_manifest_knows_the_ocr_choices_there_are():
    assert OCR_CHOICES == tuple(OcrChoice)


@pytest.mark.parametrize("ocr", OcrChoice)
def test_every_ocr_choice_can_be_kept(ocr):
    assert Manifest.from_json(Manifest(MANIFEST.space, 200, ocr).to_json(), where="here").ocr == ocr


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ocr": "nonsense"}, "ocr must be one of auto, always, never, tesseract, rapidocr, got 'nonsense'"),
        ({"ocr": None}, "ocr must be one of"),
        ({"ocr": ["auto"]}, "ocr must be one of"),
        ({"dpi": "200"}, "dpi must be a whole number from 1, got '200'"),
        ({"dpi": 0}, "dpi must be"),
        ({"dpi": True}, "dpi must be"),
        ({"pool_factor": 0}, "pool_factor must be a whole number from 1, got 0"),
        ({"format_version": 0}, "format_version must be"),
        ({"format_version": 1.5}, "format_version must be"),
        ({"created_by": 3}, "created_by must be text, got 3"),
        ({"space": FIELDS["space"] | {"dim": "x"}}, "dim must be a whole number from 1, got 'x'"),
        ({"space": FIELDS["space"] | {"dim": -4}}, "dim must be"),
        ({"space": FIELDS["space"] | {"encoder": None}}, "encoder must be text"),
        ({"space": FIELDS["space"] | {"revision": 7}}, "revision must be text"),
        ({"space": FIELDS["space"] | {"query_format": {}}}, "query_format must be text"),
        ({"space": "minilm"}, ""),
        ({"space": {}}, ""),
        ({"unheard_of": 1}, "unheard_of"),
    ],
    ids=str,
)
def test_a_manifest_with_a_wrong_value_is_damaged_and_says_which(change, reason):
    with pytest.raises(LibraryDamagedError, match="here has a damaged manifest") as error:
        Manifest.from_json(json.dumps(FIELDS | change), where="here")
    assert reason in str(error.value)
