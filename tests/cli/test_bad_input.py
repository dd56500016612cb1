"""Bad input, end to end: each is named with what, where and what next; everything else is indexed."""

import json
import os
import shutil
import struct
import subprocess
import sys
import zlib

import fpdf
import pytest
from click.testing import CliRunner
from PIL import Image

from maxsight.cli import main

ENCODER = ("--encoder", "fake")


def maxsight(*arguments, cwd, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "maxsight", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def good_pdf(path, pages=3, password=None):
    document = fpdf.FPDF()
    document.set_font("helvetica", size=12)
    for number in range(pages):
        document.add_page()
        document.cell(text=f"Page {number + 1} tells of harbours and lighthouses.")
    if password:
        document.set_encryption(owner_password=password, user_password=password)
    document.output(str(path))
    return path


def bomb_png(path):
    """A PNG whose header promises 100,000 x 100,000 pixels."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = b""
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")):
        chunks += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def no_pages_pdf(path):
    content = b"%PDF-1.4\n"
    offsets = []
    for entry in (b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"):
        offsets.append(len(content))
        content += b"%d 0 obj%bendobj\n" % (len(offsets), entry)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer<</Root 1 0 R/Size 3>>\nstartxref\n%d\n%%%%EOF\n" % len(content)
    path.write_bytes(content + b"xref\n0 3\n0000000000 65535 f \n" + table + trailer)


def truncated_pdf(path):
    whole = good_pdf(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


BROKEN = {
    "encrypted.pdf": (lambda path: good_pdf(path, password="secret"), "encrypted", "--password"),
    "truncated.pdf": (truncated_pdf, "cut short", None),
    "empty.pdf": (lambda path: path.write_bytes(b""), "empty", None),
    "text.pdf": (lambda path: path.write_text("This is no PDF."), "not a PDF", None),
    "bomb.png": (bomb_png, "100,000 x 100,000 pixels", "--max-pixels"),
    "no-pages.pdf": (no_pages_pdf, "no pages", None),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "docs").mkdir()
    good_pdf(tmp_path / "docs" / "good.pdf")
    Image.new("RGB", (1, 1)).save(tmp_path / "docs" / "dot.png")
    return tmp_path


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    made = tmp_path_factory.mktemp("made")
    (made / "docs").mkdir()
    good_pdf(made / "docs" / "good.pdf")
    maxsight("index", "docs", *ENCODER, cwd=made)
    return made


@pytest.fixture
def indexed(made_once, tmp_path):
    return shutil.copytree(made_once, tmp_path / "folder")


def test_every_broken_file_is_named_with_the_next_step_and_the_rest_is_indexed(folder):
    for name, (make, _, _) in BROKEN.items():
        make(folder / "docs" / name)
    done = maxsight("index", "docs", "missing.pdf", *ENCODER, "--json", cwd=folder, code=3)
    report = json.loads(done.stdout)
    problems = {os.path.basename(problem["path"]): problem for problem in report["not_indexed"]}
    assert set(problems) == {*BROKEN, "missing.pdf"}
    for name, (_, reason, hint) in BROKEN.items():
        assert reason.casefold() in problems[name]["reason"].casefold(), name
        assert hint is None or hint in problems[name]["hint"], name
        assert name in done.stderr
    assert sorted(document["path"] for document in report["indexed"]) == ["docs/dot.png", "docs/good.pdf"]
    assert report["pages"] == 4


def test_the_password_opens_an_encrypted_pdf_and_is_stored_nowhere(folder):
    good_pdf(folder / "docs" / "encrypted.pdf", password="pass-word-42")
    maxsight("index", "docs", *ENCODER, "--password", "pass-word-42", cwd=folder)
    kept = b"".join(file.read_bytes() for file in (folder / "maxsight.library").rglob("*") if file.is_file())
    assert b"pass-word-42" not in kept


def test_a_library_of_another_encoder_is_refused_with_both_named(indexed):
    told = maxsight("index", "docs", "--encoder", "minilm", cwd=indexed, code=5).stderr
    assert "indexed with fake" in told and "not with minilm" in told and "--library" in told


def test_a_question_that_is_not_text_is_refused(indexed):
    for command in (("search",), ("explain", "good.pdf", "1")):
        told = maxsight(command[0], b"net \xff", *command[1:], cwd=indexed, code=2).stderr
        assert "not valid UTF-8" in told


def newest(folder, pattern):
    return max((folder / "maxsight.library").rglob(pattern), key=lambda file: file.stat().st_mtime_ns)


def test_damaged_metadata_is_named_and_nothing_is_written(indexed):
    for manifest in (indexed / "maxsight.library").rglob("*.manifest"):
        manifest.write_bytes(b"nonsense")
    for command in (("search", "harbours"), ("index", "docs"), ("status",)):
        told = maxsight(*command, cwd=indexed, code=5).stderr
        assert "maxsight.library" in told and "backup" in told.casefold()


def test_a_newest_commit_cut_short_is_completed_by_index(indexed):
    manifest = newest(indexed, "*.manifest")
    os.truncate(manifest, manifest.stat().st_size // 2)
    maxsight("index", "docs", cwd=indexed)
    assert "3 pages" in maxsight("list", cwd=indexed).stdout
    maxsight("verify", cwd=indexed)


def test_a_data_file_cut_short_is_named_and_index_brings_its_pages_back(indexed):
    data = max((indexed / "maxsight.library").rglob("data/*.lance"), key=lambda file: file.stat().st_size)
    os.truncate(data, data.stat().st_size // 2)
    told = maxsight("verify", cwd=indexed, code=5)
    assert data.name in told.stderr and "--repair" in told.stdout
    told = maxsight("index", "docs", cwd=indexed).stderr
    assert data.name in told
    assert "3 pages" in maxsight("list", cwd=indexed).stdout
    assert "everything is as it was written" in maxsight("verify", cwd=indexed).stdout


def test_a_newest_commit_cut_short_is_told_by_whoever_looks_or_writes(indexed):
    manifest = newest(indexed, "*.manifest")
    os.truncate(manifest, manifest.stat().st_size // 2)
    assert f"damaged: _versions/{manifest.name}" in maxsight("status", cwd=indexed).stderr
    assert f"damaged: _versions/{manifest.name}" in maxsight("compact", cwd=indexed).stderr
    assert "damaged" not in maxsight("status", cwd=indexed).stderr


def test_verify_repairs_what_is_damaged(indexed):
    data = max((indexed / "maxsight.library").rglob("data/*.lance"), key=lambda file: file.stat().st_size)
    os.truncate(data, data.stat().st_size // 2)
    maxsight("verify", "--repair", cwd=indexed)
    assert json.loads(maxsight("verify", "--json", cwd=indexed).stdout)["clean"] is True
    maxsight("index", "docs", cwd=indexed)
    assert "3 pages" in maxsight("list", cwd=indexed).stdout


def test_a_backup_is_a_library_and_never_overwrites(indexed):
    maxsight("backup", "copy.library", cwd=indexed)
    found = maxsight("search", "harbours", "--library", "copy.library", cwd=indexed).stdout
    assert found == maxsight("search", "harbours", cwd=indexed).stdout
    assert "not empty" in maxsight("backup", "copy.library", cwd=indexed, code=2).stderr


def test_compact_and_export_say_what_they_did(indexed):
    assert "now" in maxsight("compact", cwd=indexed).stdout
    assert "3 pages" in maxsight("export", "pages.parquet", cwd=indexed).stdout
    maxsight("verify", cwd=indexed)


def mounted(mount, command, folder):
    """Run a command after a mount that it alone sees."""
    namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    trial = (
        subprocess.run([*namespace, f"mount -t tmpfs none {folder}"], capture_output=True)
        if shutil.which("unshare")
        else None
    )
    if trial is None or trial.returncode:
        pytest.skip("needs a user namespace that may mount (Linux)")
    shell = f"{mount} && cd {folder} && {sys.executable} -m maxsight {command}"
    return subprocess.run([*namespace, shell], capture_output=True, text=True, timeout=120)


def test_a_full_disk_is_named_and_what_was_stored_stays(indexed):
    for number in range(40):
        good_pdf(indexed / "docs" / f"more-{number}.pdf", pages=8)
    size_kb = sum(file.stat().st_size for file in indexed.rglob("*") if file.is_file()) // 1024
    mount = (
        f"mkdir {indexed}.full && mount -t tmpfs -o size={size_kb + 90}k none {indexed}.full "
        f"&& cp -a {indexed}/. {indexed}.full && mount --bind {indexed}.full {indexed}"
    )
    done = mounted(mount, "index docs; code=$?; " + f"{sys.executable} -m maxsight list; exit $code", indexed)
    assert done.returncode == 5, done.stderr
    assert "space" in done.stderr and "Traceback" not in done.stderr
    assert "docs/good.pdf  3 pages" in done.stdout


def test_a_read_only_disk_is_searched_and_not_written(indexed):
    read_only = f"mount --bind {indexed} {indexed} && mount -o remount,bind,ro {indexed}"
    found = mounted(read_only, "search harbours", indexed)
    assert found.returncode == 0 and "good.pdf" in found.stdout, found.stderr
    good_pdf(indexed / "docs" / "new.pdf")
    refused = mounted(read_only, "index docs", indexed)
    assert refused.returncode == 5 and "Traceback" not in refused.stderr
    assert "written" in refused.stderr or "read-only" in refused.stderr.casefold()


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_folder_that_can_not_be_written_to_is_named(folder):
    target = "/proc/maxsight.library" if os.path.isdir("/proc") else "/maxsight.library"
    told = maxsight("index", "docs", *ENCODER, "--library", target, cwd=folder, code=5).stderr
    assert target in told


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_output_that_finds_no_room_is_named_and_blames_no_library(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "maxsight", "encoders"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        "error: the output can't be written: No space left on device\n",
    )


@pytest.mark.parametrize(
    "listed",
    [
        b"a.txt\0b c.txt\0",
        "a.txt\r\nb c.txt\r\n".encode("utf-16"),
        b"\xef\xbb\xbfa.txt\n\nb c.txt",
    ],
)
def test_a_list_of_paths_is_read_as_find_and_powershell_write_it(listed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "b c.txt"):
        (tmp_path / name).write_text(f"About {name}")
    arguments = ["index", "-", "--encoder", "fake", "--json"]
    result = CliRunner().invoke(main, arguments, input=listed)
    assert [each["path"] for each in json.loads(result.stdout)["indexed"]] == ["a.txt", "b c.txt"]
