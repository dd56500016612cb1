"""``maxsight embed`` as people and programs use it, with the offline encoder and with a tiny ColPali checkpoint."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pandas
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw

from maxsight.cli import main, output
from pdf_files import write_pdf

TEXT = "Red apples fall from the tree in autumn. The orchard sells cider to those who walk there."


def call(*arguments, code=0, **kwargs):
    result = CliRunner().invoke(main, ["embed", *map(str, arguments)], **kwargs)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pages of a PDF, a picture and a text."""
    made = tmp_path_factory.mktemp("embed")
    docs = made / "docs"
    docs.mkdir()
    write_pdf(docs / "two.pdf", [[(72, 100, "Bridges hang from cables.")], [(72, 100, "Turbines turn.")]])
    picture = Image.new("RGB", (300, 400), "white")
    ImageDraw.Draw(picture).rectangle((40, 60, 200, 150), fill="navy")
    picture.save(docs / "blue.png")
    (docs / "apples.txt").write_text(TEXT)
    return made


@pytest.fixture(autouse=True)
def there(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MAXSIGHT_DEVICE", raising=False)


def arrays_of(file):
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def colpali(folder, tiny_checkpoint):
    """The vectors and the hidden states of every page, as the tiny ColPali gives them."""
    model = ("--model-name", tiny_checkpoint("colpali-2048"), "--batch-size", "2")
    here = os.getcwd()
    os.chdir(folder)
    call("docs", *model, "--out", "colpali.npz")
    call("docs", *model, "--out", "hidden.npz", "--embedding-type", "2048dim")
    os.chdir(here)
    return model


def test_minilm_serves_without_any_extra(folder):
    result = call(
        "docs/apples.txt", "docs/two.pdf", "--model-name", "minilm", "--out", "m.parquet", "--pooling", "mean"
    )
    frame = pandas.read_parquet("m.parquet")
    assert list(frame.columns) == ["file", "page", "vector"]
    assert list(frame["file"]) == ["docs/apples.txt", "docs/two.pdf", "docs/two.pdf"]
    assert list(frame["page"]) == [1, 1, 2]
    assert np.stack(frame["vector"]).shape == (3, 128)
    assert (
        "m.parquet: 3 pages, 128dim of minilm, pooling mean, shape (3, 128), cpu, 0 problems" in result.stdout
    )


def test_the_run_prints_batch_vectors_dims_device_and_shape(colpali):
    told = call("docs", *colpali, "--out", "told.npz", "--device", "cpu").stderr.splitlines()
    assert told[0].startswith("batch 1: ") and "128 dims, cpu, shape (" in told[0]
    pages = [int(line.split(": ")[1].split(" page")[0]) for line in told]
    assert sum(pages) == 4
    assert told[-1].split("; ")[1].startswith("4 pages so far")


def test_a_page_is_1030_vectors_of_128_dims_and_unit_length(colpali):
    arrays = arrays_of("colpali.npz")
    assert arrays["vectors"].shape == (4 * 1030, 128)
    assert arrays["offsets"].tolist() == [0, 1030, 2060, 3090, 4120]
    assert arrays["files"].tolist() == ["docs/apples.txt", "docs/blue.png", "docs/two.pdf", "docs/two.pdf"]
    assert arrays["pages"].tolist() == [1, 1, 1, 2]
    assert np.linalg.norm(arrays["vectors"], axis=1) == pytest.approx(np.ones(4120), abs=1e-5)


def test_hidden_states_projected_are_the_vectors(colpali, tiny_checkpoint):
    torch = pytest.importorskip("torch")
    from transformers import ColPaliForRetrieval

    hidden, vectors = arrays_of("hidden.npz")["vectors"], arrays_of("colpali.npz")["vectors"]
    assert hidden.shape == (4 * 1030, 2048)
    project = ColPaliForRetrieval.from_pretrained(
        tiny_checkpoint("colpali-2048"), dtype=torch.float32
    ).embedding_proj_layer
    with torch.no_grad():
        projected = torch.nn.functional.normalize(project(torch.from_numpy(hidden)), dim=-1).numpy()
    assert np.abs(projected - vectors).max() < 1e-5


@pytest.mark.parametrize(("kind", "source"), [("128dim", "colpali.npz"), ("2048dim", "hidden.npz")])
def test_concat_is_mean_max_and_std_of_every_vector_of_the_page(colpali, kind, source):
    call("docs", *colpali, "--out", "c.npz", "--embedding-type", kind, "--pooling", "concat")
    pooled, every = arrays_of("c.npz")["vectors"], arrays_of(source)["vectors"]
    dim = every.shape[1]
    assert pooled.shape == (4, 3 * dim)
    for page, row in enumerate(pooled):
        vectors = every[page * 1030 : (page + 1) * 1030].astype(np.float64)
        by_hand = np.concatenate([vectors.mean(0), vectors.max(0), vectors.std(0)])
        assert np.abs(row - by_hand).max() < 1e-5 * np.abs(by_hand).max()


def test_every_format_holds_the_same_numbers(colpali):
    safetensors = pytest.importorskip("safetensors", reason="the extra 'colpali' is not installed")
    for suffix in ("parquet", "safetensors"):
        call("docs", *colpali, "--out", f"same.{suffix}")
    arrays, frame = arrays_of("colpali.npz"), pandas.read_parquet("same.parquet")
    with safetensors.safe_open("same.safetensors", framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        files = json.loads(file.metadata()["files"])
    assert (tensors["vectors"] == arrays["vectors"]).all()
    assert (tensors["offsets"] == arrays["offsets"]).all() and (tensors["pages"] == arrays["pages"]).all()
    assert files == arrays["files"].tolist()
    assert (np.stack(frame["vector"]) == arrays["vectors"]).all()
    assert (frame["page"] == np.repeat(arrays["pages"], np.diff(arrays["offsets"]))).all()
    assert (frame["file"] == np.repeat(arrays["files"], np.diff(arrays["offsets"]))).all()
    assert frame["vector_index"].tolist() == 4 * list(range(1030))


def test_the_deviation_can_be_a_samples_as_torch_computes_it(folder):
    options = ("docs/apples.txt", "--model-name", "minilm", "--embedding-type", "vectors")
    call(*options, "--out", "all.npz")
    vectors = arrays_of("all.npz")["vectors"]
    for ddof in (0, 1):
        call(*options, "--pooling", "std", "--ddof", ddof, "--out", f"{ddof}.npz")
        pooled = arrays_of(f"{ddof}.npz")["vectors"][0]
        np.testing.assert_allclose(pooled, vectors.std(axis=0, ddof=ddof, dtype=np.float64), atol=1e-6)


def test_an_image_may_be_an_option(folder):
    options = ("--model-name", "patches", "--embedding-type", "vectors")
    call("--image", "docs/blue.png", *options, "--out", "option.npz")
    call("docs/blue.png", *options, "--out", "argument.npz")
    option, argument = arrays_of("option.npz"), arrays_of("argument.npz")
    assert option["files"].tolist() == argument["files"].tolist() == ["docs/blue.png"]
    np.testing.assert_array_equal(option["vectors"], argument["vectors"])
    assert "Name a file or a folder" in call(*options, "--out", "none.npz", code=2).stderr


def test_json_is_the_result_for_programs(folder):
    report = json.loads(call("docs/apples.txt", "--model-name", "minilm", "--out", "j.npz", "--json").stdout)
    assert (report["file"], report["encoder"], report["devices"]) == ("j.npz", "minilm", ["cpu"])
    assert (report["embedding_type"], report["pooling"], report["pages"]) == ("128dim", "none", 1)
    assert report["shape"] == list(arrays_of("j.npz")["vectors"].shape)


def test_a_log_says_how_far_the_run_is(folder, monkeypatch):
    monkeypatch.setattr(output, "LOG_INTERVAL_S", 0.001)
    said = call("docs", "--model-name", "minilm", "--out", "logged.npz", code=3).stderr
    assert re.search(r"\d pages read, [\d.]+ pages/s", said)


def test_paths_can_come_from_standard_input(folder):
    call("-", "--model-name", "minilm", "--out", "stdin.npz", input="docs/apples.txt\n\n")
    assert arrays_of("stdin.npz")["files"].tolist() == ["docs/apples.txt"]


def test_a_broken_file_is_named_and_the_exit_code_says_so(tmp_path):
    (tmp_path / "broken.pdf").write_bytes(b"nonsense")
    result = call("docs/apples.txt", tmp_path, "--model-name", "minilm", "--out", "b.npz", code=3)
    assert "not embedded" in result.stderr and "broken.pdf" in result.stderr
    assert arrays_of("b.npz")["files"].tolist() == ["docs/apples.txt"]


def test_when_nothing_can_be_embedded_no_file_is_written(tmp_path):
    (tmp_path / "broken.pdf").write_bytes(b"nonsense")
    result = call(tmp_path, "--model-name", "minilm", "--out", tmp_path / "n.npz", code=3)
    assert "nothing was embedded" in result.stdout
    assert [found.name for found in tmp_path.iterdir()] == ["broken.pdf"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("docs", "--model-name", "minilm", "--out", "v.txt"), 2, ".safetensors"),
        (("docs", "--model-name", "minilm", "--out", "nowhere/v.npz"), 2, "nowhere"),
        (("docs", "--model-name", "minilm"), 2, "--out"),
        (("docs", "--model-name", "minilm", "--out", "v.npz", "--embedding-type", "2048dim"), 2, "no hidden"),
        (("docs", "--model-name", "minilm", "--out", "v.npz", "--device", "tpu"), 2, "tpu"),
        (("docs", "--model-name", "minilm", "--out", "v.npz", "--batch-size", "0"), 2, "number of pages"),
        (("docs", "--model-name", "nonsense", "--out", "v.npz"), 4, "--model-name minilm"),
        (("nowhere", "--model-name", "minilm", "--out", "v.npz"), 3, "nowhere"),
    ],
)
def test_what_can_not_be_done_is_said_with_an_exit_code(folder, arguments, code, says):
    assert says in call(*arguments, code=code).stderr
    assert not (folder / "v.npz").exists() and not (folder / "v.npz.part").exists()


def test_a_folder_without_documents_is_said(tmp_path):
    told = call(tmp_path, "--model-name", "minilm", "--out", tmp_path / "v.npz", code=2).stderr
    assert "there is no file" in told and ".pdf" in told


def test_hidden_states_of_another_length_are_refused_with_their_length(tiny_checkpoint):
    model = ("--model-name", tiny_checkpoint("colpali"))
    told = call("docs", *model, "--out", "h.npz", "--embedding-type", "2048dim", code=2).stderr
    assert "have 64 dims, not 2,048" in told and "--embedding-type hidden" in told
    call("docs/blue.png", *model, "--out", "h.npz", "--embedding-type", "hidden")
    assert arrays_of("h.npz")["vectors"].shape == (1030, 64)


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_ctrl_c_keeps_what_is_embedded_and_the_same_command_goes_on(tmp_path):
    (tmp_path / "docs").mkdir()
    for number in range(1000):
        (tmp_path / "docs" / f"{number:03}.txt").write_text(f"Document number{number}.")
    fake = ("--model-name", "fake", "--embedding-type", "vectors")
    command = [sys.executable, "-m", "maxsight", "embed", "docs", *fake, "--out", "v.npz"]
    running = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    kept = tmp_path / "v.npz.part" / "pages.jsonl"
    deadline = time.monotonic() + 60
    while not (kept.exists() and kept.read_bytes().count(b"\n") > 1) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert "goes on from here" in told and "Traceback" not in told
    assert not (tmp_path / "v.npz").exists()
    earlier = kept.read_bytes().count(b"\n") - 1
    done = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert (report["pages"], report["earlier_pages"]) == (1000, earlier)
    assert 0 < earlier < 1000
    assert [found.name for found in tmp_path.iterdir() if found.name.startswith("v.npz")] == ["v.npz"]


def test_without_the_extra_the_offline_encoder_is_offered(monkeypatch):
    monkeypatch.setattr("maxsight.extras.EXTRAS", {"colpali": ("not-there",)})
    told = call("docs", "--out", "v.npz", code=4).stderr
    assert "pip install 'maxsight[colpali]'" in told and "--model-name minilm" in told


@pytest.mark.skipif(os.name == "nt", reason="limits the size of files as POSIX does")
def test_a_full_disk_is_reported_and_the_same_command_continues(folder, tmp_path):
    command = [
        "embed",
        "docs/two.pdf",
        "docs/apples.txt",
        "--model-name",
        "fake",
        "--embedding-type",
        "vectors",
        "--json",
    ]
    command += ["--out", str(tmp_path / "v.npz")]
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400, resource.RLIM_INFINITY))\n"
        "from maxsight.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    full = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert full.returncode == 2, full.stderr
    assert "v.npz can't be written: File too large" in full.stderr and "Traceback" not in full.stderr
    done = subprocess.run(
        [sys.executable, "-m", "maxsight", *command], cwd=folder, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["pages"] == 3
