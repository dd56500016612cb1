"""What all retrievers share: where they search, and what they give of a hit."""

from __future__ import annotations

import base64
import weakref
from os import PathLike
from threading import Lock
from typing import Any, Literal

from maxsight import Library
from maxsight.answers.crops import as_jpeg, cropped, strong_boxes
from maxsight.errors import MaxSightError
from maxsight.extras import require
from maxsight.results import Hit, Hits, telling_matches
from maxsight.settings import api_token
from maxsight.stores.filters import Where

Pictures = Literal["none", "page", "crop"]
"""Of each hit no picture, its page, or the part of the page with the strongest matches."""
MEDIA_TYPE = "image/jpeg"
_OPENING = Lock()
"""Frameworks search on several threads. It is no part of a retriever, since a lock can't be copied."""


class Source:
    """A library on this machine, or on a server, opened when it is first needed.

    Args:
        place: A library that is open, or where it is: a folder, a place in Milvus, or the address of a server
            (``http://...``), which gets the token in ``MAXSIGHT_API_TOKEN``.
    """

    def __init__(self, place: Any) -> None:
        self._place = place
        self._opened: Any = None

    @property
    def name(self) -> str:
        """Where it is, as text."""
        place = self._place
        return str(getattr(place, "url", None) or getattr(place, "place", place))

    def search(self, query: str, top_k: int, where: Where) -> Hits:
        """Find pages; see ``Library.search``."""
        found = self._library.search(query, top_k=top_k, where=where or None)
        return found if isinstance(found, Hits) else found.hits

    @property
    def _library(self) -> Any:
        if not isinstance(self._place, str | PathLike):
            return self._place
        with _OPENING:
            if self._opened is None:
                self._opened = _open(self._place)
                weakref.finalize(self, self._opened.close)  # frameworks don't close retrievers
            return self._opened


def _open(place: str | PathLike[str]) -> Any:
    if not isinstance(place, str) or not place.startswith(("http://", "https://")):
        return Library.open(place, read_only=True)
    require("client")
    from maxsight.client import RemoteLibrary

    return RemoteLibrary(place, token=api_token())


def describe(hit: Hit) -> dict[str, Any]:
    """Describe a hit without its text, in values that JSON has. The user's fields are beside it, under their names."""
    return {
        **hit.metadata,
        "file": hit.file,
        "path": hit.path,
        "page_number": hit.page_number,
        "page_id": hit.page_id,
        "rank": hit.rank,
        "score": hit.score,
        "snippet": hit.snippet,
        "regions": [
            {"word": match.word, "text": place.text, "box": box}
            for match in telling_matches(hit.matches)
            for place in match.places or (match.region,)
            for box in ([] if place.box is None else [place.box, *place.more])
        ],
    }


def draw(hit: Hit, pictures: Pictures) -> bytes | None:
    """Draw a hit as JPEG; None if no picture is wanted, or its file is gone."""
    if pictures == "none":
        return None
    try:
        picture = hit.image()
    except MaxSightError:
        return None
    if pictures == "crop" and (boxes := strong_boxes(hit)):
        picture = cropped(picture, boxes)
    return as_jpeg(picture)


def as_text(picture: bytes) -> str:
    """Write a picture in base64."""
    return base64.b64encode(picture).decode()
