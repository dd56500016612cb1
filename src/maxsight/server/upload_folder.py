"""The folder of uploaded files, and a journal of the jobs that index them.

::

    uploads/
      3fa85f6457171b62/report.pdf   a stored file: the folder is named by the content, the file by the user, made safe
      .incoming/8d1c.../0           files that still come, or are being deleted; deleted when a server starts
      .jobs/8d1c....json            files of jobs that have not ended; resumed when a server starts
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from maxsight.server.config import RequestLimits
from maxsight.server.upload_form import Incoming, Received

_INCOMING, _JOURNALS = ".incoming", ".jobs"
_HASH_DIGITS = 16
_STORED_FOLDER = re.compile(f"[0-9a-f]{{{_HASH_DIGITS}}}")


class UploadFolder:
    """The folder of a library's uploaded files. It changes nothing outside the folders it has made."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def sweep(self) -> None:
        """Delete the incomplete files of a server that was killed."""
        shutil.rmtree(self.root / _INCOMING, ignore_errors=True)

    def new_incoming(self, limits: RequestLimits, form_field: str) -> Incoming:
        """Prepare to receive the files of a request; see ``Incoming``."""
        return Incoming(self.root / _INCOMING / secrets.token_hex(8), limits, form_field)

    def place_of(self, received: Received) -> Path:
        """The place of a file in this folder. The same content under the same name is the same file."""
        return self.root / self.key_of(received.digest) / received.name

    @staticmethod
    def key_of(digest: str) -> str:
        """Name the folder of files with this content."""
        return digest[:_HASH_DIGITS]

    def store(self, received: Received) -> None:
        """Move a file to its place."""
        assert received.path is not None
        place = self.place_of(received)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            received.path.unlink()  # the file has not changed, so it keeps its time
        else:
            os.replace(received.path, place)

    def owns(self, file: Path) -> bool:
        """Whether a file is stored here."""
        folder = file.parent
        return folder.parent.resolve() == self.root.resolve() and bool(_STORED_FOLDER.fullmatch(folder.name))

    @contextmanager
    def removing(self, file: Path) -> Iterator[None]:
        """Delete a stored file if the block succeeds. After a kill in between, the next server deletes it.

        The file waits among incomplete ones, which a server deletes when it starts.
        """
        if not (self.owns(file) and file.exists()):
            yield
            return
        waiting = self.root / _INCOMING / secrets.token_hex(8)
        waiting.mkdir(parents=True)
        os.replace(file, waiting / file.name)
        try:
            yield
        except BaseException:
            os.replace(waiting / file.name, file)
            raise
        finally:
            shutil.rmtree(waiting, ignore_errors=True)
        with suppress(OSError):  # it holds the same content under another name
            file.parent.rmdir()

    def remove(self, file: Path) -> None:
        """Delete a stored file, and its folder if nothing else is in it."""
        if self.owns(file):
            file.unlink(missing_ok=True)
            with suppress(OSError):  # it holds the same content under another name
                file.parent.rmdir()

    # Journal ----------------------------------------------------------------------------------------------

    def begin(self, job_id: str, library: str, files: Sequence[Path]) -> None:
        """Write down the files of a job before it is done."""
        folder = self.root / _JOURNALS
        folder.mkdir(parents=True, exist_ok=True)
        entry = {"library": library, "files": [file.relative_to(self.root).as_posix() for file in files]}
        fresh = folder / f"{job_id}.new"
        fresh.write_text(json.dumps(entry), encoding="utf-8")
        os.replace(fresh, folder / f"{job_id}.json")

    def end(self, job_id: str) -> None:
        """Forget a job."""
        (self.root / _JOURNALS / f"{job_id}.json").unlink(missing_ok=True)

    def unfinished(self, library: str) -> dict[str, list[Path]]:
        """Files of the library's jobs that have not ended, by job id."""
        found = {}
        for journal in sorted((self.root / _JOURNALS).glob("*.json")):
            try:
                entry = json.loads(journal.read_text(encoding="utf-8"))
                files = [self.root / name for name in entry["files"]]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if entry.get("library") == library:
                found[journal.stem] = [file for file in files if self.owns(file) and file.is_file()]
        return found
