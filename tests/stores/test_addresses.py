"""Where a library lies, read from what people type."""

from pathlib import Path

import pytest

from maxsight.errors import InputError
from maxsight.stores.addresses import BucketAddress, Layout, MilvusAddress, parse_address


def test_a_name_is_a_folder():
    assert parse_address("papers.library") == Path("papers.library")
    assert parse_address(Path("a") / "b") == Path("a/b")


def test_a_name_with_the_suffix_db_is_a_milvus_lite_database(tmp_path):
    address = parse_address(str(tmp_path / "papers.db"))
    assert isinstance(address, MilvusAddress)
    assert address.lite_path == tmp_path / "papers.db"


def test_a_folder_with_the_suffix_db_stays_a_folder(tmp_path):
    (tmp_path / "papers.db" / "pages.lance").mkdir(parents=True)
    assert parse_address(tmp_path / "papers.db") == tmp_path / "papers.db"


def test_one_milvus_lite_database_may_hold_several_libraries():
    address = parse_address("./papers.db?collection=letters&prefix=anna_")
    assert (address.uri, address.collection) == ("./papers.db", "anna_letters")


def test_a_url_has_all_options_of_a_library_on_a_server():
    address = parse_address(
        "https://host:19530/finance?collection=reports&layout=embedding-list&root=/data&m=32&ef_construction=200"
        "&index=hnsw&strategy=muvera&consistency=bounded&ca_file=/etc/ca.pem"
    )
    assert address == MilvusAddress(
        "https://host:19530",
        collection="reports",
        database="finance",
        layout=Layout.EMBEDDING_LIST,
        root=Path("/data"),
        index="HNSW",
        m=32,
        ef_construction=200,
        strategy="muvera",
        consistency="Bounded",
        ca_file=Path("/etc/ca.pem"),
    )
    assert address.lite_path is None


def test_a_url_without_options_has_the_defaults():
    address = parse_address("http://localhost:19530")
    assert (address.collection, address.database, address.layout) == ("maxsight", "default", None)
    assert str(address) == "http://localhost:19530"
    assert parse_address("http://[::1]:19530/").uri == "http://[::1]:19530"


def test_an_address_is_printed_without_options_and_token():
    address = parse_address("http://h:1/db?collection=c&m=8", token="root:secret")
    assert str(address) == "http://h:1/db?collection=c"
    assert address.token == "root:secret"
    assert "secret" not in repr(address)


def test_a_line_break_is_not_part_of_a_token():
    assert parse_address("http://h:1", token=" key\n").token == "key"
    assert parse_address("http://h:1", token="\n").token is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ftp://bucket/papers", "ftp://"),
        ("s3://bucket", "names no place in a bucket"),
        ("s3://key:secret@bucket/papers", "has a user, options or a fragment: s3://bucket/papers"),
        ("http://", "not the URL of a Milvus server"),
        ("http://h:99999", "[Pp]ort"),
        ("http://h:1/a/b", "one database"),
        ("http://h:1/?colection=x", "no option 'colection'"),
        ("http://h:1/?layout=columns", "layout must be one of rows, embedding-list"),
        ("http://h:1/?m=0", "m must be a whole number from 2"),
        ("http://h:1/?m=1e3", "m must be a whole number"),
        ("http://h:1/?collection=a-b", "'a-b' can't be the name of a collection"),
        ("http://h:1/?root=docs", "root must be an absolute path"),
        ("http://h:1/?consistency=strict", "consistency must be one of"),
        ("http://h:1#part", "not the URL of a Milvus server"),
    ],
)
def test_an_error_says_what_is_wrong_with_an_address(text, message):
    with pytest.raises(InputError, match=message):
        parse_address(text)


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(InputError, match="holds a user or password") as caught:
        parse_address("http://root:secret@host:19530")
    assert "secret" not in f"{caught.value} {caught.value.hint}"
    assert "MAXSIGHT_TOKEN" in caught.value.hint


@pytest.mark.parametrize("name", ["notes.txt", "old.db"])
def test_a_file_is_not_a_library(tmp_path, name):
    (tmp_path / name).write_text("x")
    with pytest.raises(InputError, match="is a file"):
        parse_address(tmp_path / name)


def test_an_sqlite_database_is_named_as_what_it_is(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "old.db") as database:
        database.execute("CREATE TABLE pages (id)")
    database.close()
    with pytest.raises(InputError, match="is an SQLite database and no library"):
        parse_address(tmp_path / "old.db")


def test_a_bucket_is_named_by_its_url_and_its_options_are_never_shown():
    address = parse_address("s3a://bucket//data/papers.library/", storage_options={"aws_secret": "hidden"})
    assert address == BucketAddress("s3://bucket/data/papers.library", {"aws_secret": "hidden"})
    assert (address.scheme, address.bucket, address.prefix) == ("s3", "bucket", "data/papers.library")
    assert "hidden" not in f"{address} {address!r}"
    assert parse_address("file:///data/my%20papers.library") == Path("/data/my papers.library")
