"""A search device that is not there is refused before the server makes or opens anything."""

import pytest

from maxsight.errors import MaxSightError
from maxsight.server.config import ServerSettings
from maxsight.server.service import Service


def test_a_wrong_search_device_leaves_no_library_behind(tmp_path):
    place = tmp_path / "new.library"
    with pytest.raises(MaxSightError):
        Service.open(place, ServerSettings(), encoder="fake", search_device="wrong")
    assert list(tmp_path.iterdir()) == []
