"""Who judges pages: the protocol, the model that comes with maxsight, and which judge a run takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from maxsight.pictures import PictureFit
from maxsight.stores.base import DocumentEntry
from maxsight.types import Scalar

MODEL = "quality_model"
"""The page field that names the judge of a page, set even if no rate could be predicted."""


class PageJudge(Protocol):
    """Turns a page's picture into fields that are stored with the page."""

    @property
    def revision(self) -> str:
        """Identifies the judge; changes whenever its results may change. Stored as the field `MODEL`."""

    @property
    def dpi(self) -> int:
        """The resolution that PDF pages are drawn at."""

    @property
    def picture(self) -> PictureFit:
        """The size of picture it takes.

        Raises:
            InputError: It needs more than a picture.
        """

    def page_fields(self, picture: NDArray[np.uint8]) -> Mapping[str, Scalar]:
        """Judge one page; return fields named in `stores.fields.PAGE_FIELDS`.

        Args:
            picture: RGB. Shape ``(height, width, 3)``, uint8.
        """


def load_judge(model: Path | None = None) -> PageJudge:
    """Load a `QualityPredictor`.

    Args:
        model: The model's file. By default the one that comes with maxsight.

    Raises:
        InputError: The file is not a model.
    """
    from maxsight.quality.model_file import load_predictor

    return load_predictor(model)


def judges_of(entries: Iterable[DocumentEntry]) -> frozenset[Scalar]:
    """Collect the revisions of the judges that have judged pages of these documents."""
    return frozenset(fields[MODEL] for entry in entries for fields in entry.page_fields if MODEL in fields)


class Judges:
    """Chooses the judge of each run and keeps the loaded model. For one thread at a time."""

    def __init__(self, named: PageJudge | None = None) -> None:
        """Store the judge of every run; None to choose by the library's pages."""
        self._named = named
        self._own: PageJudge | None = None

    def choose_judge(self, seen: Set[Scalar]) -> PageJudge | None:
        """Choose a judge for new pages of a library; None if they are not judged.

        Without a named judge, the model that comes with maxsight judges if it judged all others: error rates of two
        models do not compare.

        Args:
            seen: The revisions that judged the library's pages.
        """
        if self._named is not None or not seen:
            return self._named
        own = self._own = self._own or load_judge()
        return own if seen == {own.revision} else None
