import pytest

from maxsight.errors import EmptyQueryError, InputError
from maxsight.library.quoting import Quoted, read_quoted


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ('"net sales of" growth', Quoted("net sales of growth", ("net sales of",))),
        ("what is \u201ca b\u201d?", Quoted("what is a b?", ("a b",))),
        ("\u00abLe mot\u00bb ici", Quoted("Le mot ici", ("Le mot",))),
        ('"77,300"', Quoted("77,300", ("77,300",))),
        ("growth -kraken", Quoted("growth", (), ("kraken",))),
        ('growth -"net sales" -kraken', Quoted("growth", (), ("net sales", "kraken"))),
        ("pre- and post-war -5 - item --flag", Quoted("pre- and post-war -5 - item --flag")),
        ('a 5" pipe and a 6" pipe', Quoted('a 5" pipe and a 6" pipe')),
        ("the company's  net", Quoted("the company's  net")),
        ('who said "?!"', Quoted('who said "?!"')),
    ],
)
def test_quotation_marks_and_minus_are_read_where_they_are_meant(question, read):
    assert read_quoted(question) == read


def test_given_phrases_join_the_quoted_ones():
    assert read_quoted('a "b c"', ["d", "b c"]).phrases == ("d", "b c")


def test_a_question_that_only_excludes_is_refused():
    with pytest.raises(EmptyQueryError, match="only excludes"):
        read_quoted("-kraken")


def test_phrases_and_excluded_words_have_a_limit_since_each_is_looked_for_on_every_page():
    assert len(read_quoted("a " + " ".join(f"-b{n}" for n in range(20))).excluded) == 20
    with pytest.raises(InputError, match="has 3,000 quoted phrases and excluded words; the limit is 20"):
        read_quoted('"a" ' + " ".join(f"-b{n}" for n in range(2999)))
