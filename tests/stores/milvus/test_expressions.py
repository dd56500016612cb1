"""Filters written for Milvus keep the pages that they keep here.

Milvus Lite and a real 2.3.5 server run the expressions, and a newer server where one is given; each has a parser of its
own.
"""

import json
import time
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maxsight.stores.addresses import Layout
from maxsight.stores.conditions import AllOf, AnyOf, Compare, Filter, IsMissing, Like, Not, OneOf, match_path
from maxsight.stores.fields import INT64_MAX
from maxsight.stores.milvus.capabilities import Capabilities
from maxsight.stores.milvus.expressions import (
    Expression,
    match_values,
    name_key,
    to_milvus,
    write_literal,
)

LITE = Capabilities((3, 2, 2), lite=True)
SERVER = Capabilities((2, 6, 4), lite=False)
SERVER_2_3 = Capabilities((2, 3, 5), lite=False)

TEXTS = ["", "a", "ab", "abc", "A", "O'Hara", 'say "hi"', "back\\slash", "50%", "a_b", "line\nbreak", "tab\there",
         "naïve", "NAÏVE", "İ", "日本", "日", "\U0001f600", "%", "_", "\\", "bell\a", "cr\r", "${x}", "{x}",
         "\\n", "\u2603" * 50]  # fmt: skip
INTEGERS = [0, 1, -1, 2019, 2020, 2**53, 2**53 + 1, INT64_MAX, -INT64_MAX]
NUMBERS = [0.0, 0.5, -0.5, 1.0, 2.0, 1e300, 5e-324, 0.1, 1 / 3, 123456789.125, -1e-9]
KINDS = {"author": TEXTS, "Fiscal year": INTEGERS, "a.b~c/d": NUMBERS, 'dra"ft': [True, False]}
OWN = {"path": TEXTS, "file": TEXTS, "page_number": [1, 2, 3, 17]}


def make_row(number):
    """A page's fields: each of the user's is missing on every third page or so."""
    own = {
        "path": TEXTS[number % len(TEXTS)],
        "file": TEXTS[number * 7 % len(TEXTS)],
        "page_number": 1 + number % 4,
    }
    user = {
        name: values[(number * 5 + shift) % len(values)]
        for shift, (name, values) in enumerate(KINDS.items())
        if (number + shift) % 3
    }
    return own | user


ROWS = [make_row(number) for number in range(72)]


@pytest.fixture(scope="module")
def lite(tmp_path_factory):
    pymilvus = pytest.importorskip("pymilvus", reason="the extra 'milvus' is not installed")
    pytest.importorskip("milvus_lite", reason="the extra 'milvus' is not installed")
    yield from client_with_rows(pymilvus, str(tmp_path_factory.mktemp("lite") / "filters.db"))


@pytest.fixture(scope="module")
def server_2_3(milvus_server):
    import pymilvus

    yield from client_with_rows(pymilvus, milvus_server.uri, token="root:Milvus")


@pytest.fixture(scope="module")
def given_server(given_milvus):
    import pymilvus

    address = given_milvus(Layout.ROWS)
    yield from client_with_rows(pymilvus, address.uri, token=address.token or "")


def client_with_rows(pymilvus, uri, **options):
    client = pymilvus.MilvusClient(uri, **options)
    keep_rows(client, pymilvus)
    yield client
    client.drop_collection("maxsight_test_filters")
    client.close()


def keep_rows(client, pymilvus):
    kinds = pymilvus.DataType
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("page_id", kinds.VARCHAR, max_length=100, is_primary=True)
    for name in ("path", "file"):
        schema.add_field(name, kinds.VARCHAR, max_length=1000)
    schema.add_field("page_number", kinds.INT64)
    schema.add_field("metadata", kinds.JSON)
    schema.add_field("nothing", kinds.FLOAT_VECTOR, dim=2)
    index = client.prepare_index_params()
    index.add_index("nothing", index_type="FLAT", metric_type="IP")
    client.create_collection(
        "maxsight_test_filters", schema=schema, index_params=index, consistency_level="Session"
    )
    entities = []
    for number, row in enumerate(ROWS):
        own = {name: row[name] for name in OWN}
        user = {name_key(name): row[name] for name in KINDS if name in row}
        entities.append({"page_id": str(number), **own, "metadata": user, "nothing": [1.0, 0.0]})
    client.insert("maxsight_test_filters", entities)
    client.load_collection("maxsight_test_filters")


def values_of(field):
    return {**KINDS, **OWN}[field]


def leaves():
    fields = st.sampled_from([*KINDS, *OWN])
    text_fields = st.sampled_from(["author", "path", "file"])
    pieces = st.sampled_from(
        ["%", "_", "\\%", "\\_", "\\\\", "a", "b", "'", '"', "日", "\n", "5", "O", "ab", "%b%"]
    )
    return st.one_of(
        fields.map(IsMissing),
        fields.flatmap(
            lambda name: st.builds(
                Compare,
                st.just(name),
                st.sampled_from(["=", "<>", "<", "<=", ">", ">="]),
                st.sampled_from(values_of(name)),
            )
        ),
        fields.flatmap(
            lambda name: st.builds(
                OneOf,
                st.just(name),
                st.lists(st.sampled_from(values_of(name)), min_size=1, max_size=4).map(tuple),
            )
        ),
        st.builds(
            Like,
            text_fields,
            st.one_of(st.sampled_from(TEXTS), st.lists(pieces, max_size=5).map("".join)),
            st.booleans(),
        ),
    )


def joined(conditions):
    several = st.lists(conditions, min_size=1, max_size=3).map(tuple)
    return st.one_of(conditions.map(Not), several.map(AllOf), several.map(AnyOf))


CONDITIONS = st.recursive(leaves(), joined, max_leaves=8)


def kept_by_milvus(client, expression):
    found = client.query(
        "maxsight_test_filters", filter=expression, output_fields=["page_id"], limit=len(ROWS)
    )
    return {int(row["page_id"]) for row in found}


def kept_here(where):
    return {number for number, row in enumerate(ROWS) if where.matches(row)}


def check(client, condition, server):
    where = Filter(condition)
    expression = to_milvus(where, server)
    found = kept_by_milvus(client, expression.text)
    assert found >= kept_here(where)
    if expression.exact:
        assert found == kept_here(where)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(CONDITIONS)
def test_milvus_lite_keeps_the_pages_that_the_filter_keeps(lite, condition):
    check(lite, condition, LITE)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(CONDITIONS)
def test_milvus_2_3_keeps_the_pages_that_the_filter_keeps(server_2_3, condition):
    check(server_2_3, condition, SERVER_2_3)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(CONDITIONS)
def test_a_newer_milvus_keeps_the_pages_that_the_filter_keeps(given_server, condition):
    check(given_server, condition, SERVER)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1))
def test_every_field_has_a_key_of_its_own(name):
    assert unquote(name_key(name)) == name
    assert set(name_key(name)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-%")


@pytest.mark.parametrize(
    ("condition", "written"),
    [
        (Compare("year", ">=", 2020), 'metadata["year"] >= 2020'),
        (Not(Compare("year", ">=", 2020)), 'metadata["year"] < 2020'),
        (Compare("year", "<>", 2020), '(exists metadata["year"]) and metadata["year"] != 2020'),
        (OneOf("path", ("a", "b")), 'path in ["a", "b"]'),
        (OneOf("year", (1, 2)), 'metadata["year"] in [1, 2]'),
        (Not(OneOf("year", (1,))), '(exists metadata["year"]) and not (metadata["year"] in [1])'),
        (IsMissing("year"), 'not (exists metadata["year"])'),
        (IsMissing("path"), "page_number < 1"),
        (Compare("draft", "<", True), 'metadata["draft"] == false'),
        (Like("file", "a%b"), 'file like "a%b"'),
        (Like("file", "2024%", any_case=True), 'file like "2024%"'),
        (Not(Like("author", "O'%")), '(exists metadata["author"]) and not (metadata["author"] like "O\'%")'),
        (AllOf((IsMissing("a"), Like("path", "b%"))), '(not (exists metadata["a"])) and (path like "b%")'),
        (Not(AnyOf((Compare("a", ">", 1), IsMissing("b c")))), '(metadata["a"] <= 1) and (exists metadata["b%20c"])'),
    ],
    ids=str,
)  # fmt: skip
def test_conditions_are_written_as_a_server_reads_them(condition, written):
    assert to_milvus(Filter(condition), SERVER) == Expression(written)


@pytest.mark.parametrize(
    ("pattern", "now", "before"),
    [
        ("report%", Expression('file like "report%"'), Expression('file like "report%"')),
        ("report", Expression('file == "report"'), Expression('file == "report"')),
        ("%.pdf", Expression('file like "%.pdf"'), Expression('file like "%"', exact=False)),
        ("a%b", Expression('file like "a%b"'), Expression('file like "a%"', exact=False)),
        ("a_b", Expression('file like "a%b"', exact=False), Expression('file like "a%"', exact=False)),
        ("%a%%b%", Expression('file like "%a%b%"'), Expression('file like "%"', exact=False)),
        (
            "a%b%c%d%e",
            Expression('file like "a%b%c%"', exact=False),
            Expression('file like "a%"', exact=False),
        ),
        (r"50\%", Expression('file like "50%"', exact=False), Expression('file like "50%"', exact=False)),
    ],
)
def test_a_pattern_that_servers_read_differently_is_sent_in_a_wider_form(pattern, now, before):
    assert to_milvus(Filter(Like("file", pattern)), SERVER) == now
    assert to_milvus(Filter(Like("file", pattern)), SERVER_2_3) == before


@pytest.mark.parametrize(
    ("pattern", "now", "before"),
    [
        ("%report%", 'file like "%"', 'file like "%"'),
        ("10-K%.pdf", 'file like "10-%.%"', 'file like "10-%"'),
        (r"50\%É1", 'file like "50%1"', 'file like "50%"'),
    ],
)
def test_of_an_ilike_pattern_the_parts_without_letters_are_sent(pattern, now, before):
    where = Filter(Like("file", pattern, any_case=True))
    assert to_milvus(where, SERVER) == Expression(now, exact=False)
    assert to_milvus(where, SERVER_2_3) == Expression(before, exact=False)
    assert to_milvus(Filter(Not(where.condition)), SERVER) == Expression("page_number >= 1", exact=False)


def test_a_pattern_of_many_parts_is_quick_on_milvus_lite(lite):
    """Milvus Lite alone would try every way to place 40 letters in the 50 of a field: some 10^10."""
    condition = Like("author", "%\u2603" * 40 + "%!")
    start = time.process_time()
    check(lite, condition, LITE)
    check(lite, Not(condition), LITE)
    assert time.process_time() - start < 5


def test_text_can_not_escape_its_quotes(lite):
    for text in TEXTS:
        expression = to_milvus(match_path(text), LITE)
        assert kept_by_milvus(lite, expression.text) == kept_here(match_path(text))
    assert write_literal('" or page_number >= 1 or path == "') == r'"\" or page_number >= 1 or path == \""'
    assert json.loads(write_literal('tab\t"\\')) == 'tab\t"\\'


@pytest.mark.parametrize("server", ["lite", "server_2_3", "given_server"])
def test_rows_are_found_by_a_list_of_names_which_may_be_empty(request, server):
    client = request.getfixturevalue(server)
    assert kept_by_milvus(client, match_values("page_id", ["3", "71", "none"])) == {3, 71}
    assert kept_by_milvus(client, match_values("page_id", [])) == set()
