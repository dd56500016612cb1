"""A real Ray cluster of two nodes on this machine. Its workers write; this process commits."""

import os
from dataclasses import replace

import psutil
import pytest

from maxsight import Library
from maxsight.errors import InputError, ModelNotAvailableError
from maxsight.indexing import Cluster, Indexed

ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
on_ray = pytest.importorskip("maxsight.indexing.on_ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of ray itself, and of Lance about its threads
]


@pytest.fixture(scope="module")
def nodes():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster as Nodes

    nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    nodes.add_node(num_cpus=2)
    ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
    yield nodes
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture
def documents(tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}.txt").write_text(f"Turbine number {number} stands on hill {number}\n" * 20)
    return folder


CLUSTER = Cluster(workers=2)


def contents(library):
    return [
        (entry.document.file, entry.page_indices, entry.document.content_hash)
        for entry in library.documents()
    ]


def test_a_run_on_ray_stores_what_a_run_here_stores_and_no_page_goes_through_ray(nodes, documents, tmp_path):
    (documents / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    with Library.open(tmp_path / "here.library", create=True) as here:
        expected = here.index(documents)
        with Library.open(tmp_path / "ray.library", create=True) as library:
            report = library.index(documents, cluster=CLUSTER)
            stored = (
                ray.cluster_resources()["object_store_memory"]
                - ray.available_resources()["object_store_memory"]
            )
            assert stored == 0
            assert {event.path for event in report.indexed} == {event.path for event in expected.indexed}
            assert (report.pages, report.vectors) == (expected.pages, expected.vectors)
            assert [event.path for event in report.not_indexed] == [
                event.path for event in expected.not_indexed
            ]
            assert contents(library) == contents(here)
            assert library.verify().faults == ()
            for question in ("turbine number 7", "hill 31"):
                ours, theirs = library.search(question), here.search(question)
                assert [hit.path for hit in ours] == [hit.path for hit in theirs]
            again = library.index(documents, cluster=CLUSTER)
            assert (again.skipped, again.pages) == (40, 0)
            (documents / "3.txt").write_text("Nothing stands on hill 3 any more")
            over = library.index(documents, cluster=CLUSTER, again=True)
            assert {event.action for event in over.indexed} == {"replaced"}
            assert len(over.indexed) == 40
            assert library.search("Nothing stands")[0].file == "3.txt"
            assert library.verify().faults == ()
            assert library.status().pages == 40


def test_workers_that_are_killed_lose_no_page_and_store_none_twice(nodes, documents, tmp_path, monkeypatch):
    monkeypatch.setattr(on_ray, "SECONDS_PER_COMMIT", 0)
    killed = []

    def kill(event):
        if isinstance(event, Indexed) and event.path.endswith("/20.txt"):
            killed.extend(_pids_of_workers())
            for pid in killed:
                os.kill(pid, 9)

    with Library.open(tmp_path / "ray.library", create=True) as library:
        library.index([documents / f"{number}.txt" for number in range(4)])
        report = library.index(documents, cluster=CLUSTER, on_event=kill)
        assert killed
        assert report.not_indexed == ()
        assert library.status().pages == 40
        assert library.verify().faults == ()


def _pids_of_workers():
    """The workers of this test's own nodes."""
    children = psutil.Process().children(recursive=True)
    return [child.pid for child in children if "ray::_Worker" in " ".join(child.cmdline())]


def test_what_a_cluster_lacks_is_said(nodes, documents, tmp_path):
    with Library.open(tmp_path / "ray.library", create=True) as library:
        library.index(documents / "0.txt")
        assert library.encoder
        with pytest.raises(InputError, match="no room for a worker with 1 and 1"):
            library.index(documents, cluster=Cluster(gpus_per_worker=1))
        library.store.store_manifest(
            replace(library.store.manifest, space=replace(library.space, encoder="absent"))
        )
        with pytest.raises(ModelNotAvailableError, match=r"a worker can't start: .*absent"):
            library.index(documents, cluster=CLUSTER)
    with pytest.raises(InputError, match="more than 0 CPUs"):
        Cluster(cpus_per_worker=0)
