"""A full disk and a read-only disk, mounted in a namespace of this process."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maxsight.errors import LibraryReadOnlyError
from maxsight.stores.local.store import LocalStore
from store_pages import CODEC, MANIFEST, make_page

HERE = Path(__file__).parent
IN_A_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]


def can_mount(tmp_path):
    if shutil.which("unshare") is None:
        return False
    trial = [*IN_A_NAMESPACE, "mount", "-t", "tmpfs", "none", str(tmp_path)]
    return subprocess.run(trial, capture_output=True).returncode == 0


def run_on(mount, script, folder):
    """Run Python after a mount that only this process sees."""
    preamble = (
        f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent)!r}]\n"
        "from pathlib import Path\nfrom writer import *\nfrom maxsight.errors import *\n"
        f"path = Path({str(folder / 'test.library')!r})\n"
    )
    command = f"{mount} && exec {sys.executable} -c {shell_quoted(preamble + script)}"
    done = subprocess.run([*IN_A_NAMESPACE, "sh", "-c", command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def shell_quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


@pytest.fixture
def folder(tmp_path):
    if not can_mount(tmp_path):
        pytest.skip("needs a user namespace that may mount (Linux)")
    place = tmp_path / "disk"
    place.mkdir()
    return place


def test_a_library_on_a_read_only_disk_is_read_and_refuses_to_be_written(folder):
    with LocalStore.create(folder / "test.library", MANIFEST, codec=CODEC) as store:
        store.put([make_page("a.pdf", 0, "some words to find")])
    script = """
with LocalStore(path, codec=PageCodec) as store:
    print(len(store.documents()), store.find_phrase("words", 5), store.verify().clean)
    print(list(store.nearest([store.read(["a.pdf@1#0"])[0].embedding.vectors], 1)[0].page_ids))
    try:
        store.put([make_page("b.pdf", 0, "more")])
    except LibraryReadOnlyError as error:
        print("refused:", error)
"""
    mount = f"mount --bind -o ro {folder} {folder} && mount -o remount,bind,ro {folder}"
    lines = run_on(mount, script, folder)
    assert lines[:2] == ["1 ['a.pdf@1#0'] True", "['a.pdf@1#0']"]
    assert lines[2].startswith(f"refused: {folder / 'test.library'} can't be written to")


def test_a_full_disk_is_named_and_costs_nothing_that_was_reported(folder):
    script = """
store = LocalStore.create(path, MANIFEST, codec=CODEC)
reported = 0
try:
    for number in range(1000):
        store.put([make_page(f"{number}.pdf", 0, f"word{number} " * 2000, boxed=False)])
        reported += 1
except StorageFullError as error:
    print("full:", error)
store.close()
with LocalStore(path, codec=PageCodec) as store:
    print(len(store.documents()) - reported, store.verify().clean)
    (path.parent / "filler").unlink()
    store.put([make_page("after.pdf", 0, "there is room again")])
    print(len(store.documents()) - reported, store.verify(repair=True).clean, store.dropped)
"""
    mount = f"mount -t tmpfs -o size=6m none {folder} && head -c 2000000 /dev/zero > {folder}/filler"
    lines = run_on(mount, script, folder)
    assert lines[0].startswith(f"full: {folder / 'test.library'}: no space is left")
    assert lines[1:] == ["0 True", "1 True []"]


def test_a_folder_without_permission_to_write_is_named(tmp_path):
    if os.name == "nt" or os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(LibraryReadOnlyError, match="can't be written to"):
        LocalStore.create(tmp_path / "test.library", MANIFEST, codec=CODEC)
