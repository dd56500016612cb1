"""Words that stand on nearly every page and tell none from another: articles, prepositions, question words."""

from __future__ import annotations

from functools import lru_cache

from maxsight.language import SMALL_WORDS, foreign_language

ENGLISH = frozenset(
    "a about above after again against all also am among an and any are as at be because been before being below "
    "between both but by can could did do does doing down during each either ever few for from further give given had "
    "has have having he her here hers him his how i if in into is it its itself just let may me might more most must "
    "my no nor not of off on once only or other our out over own please same shall she should show so some such tell "
    "than that the their them then there these they this those through to too under until up upon us very was we were "
    "what whats what's when where whether which while who whom whose why will with within would you your".split()
)


OTHER_SCRIPTS = frozenset(
    "の は が を に で と も か へ や な から まで より です ます でし まし だ た て し する した "  # Japanese
    "して ある あり いる い こと もの これ それ あれ この その あの どの 何 なに どこ どう いつ だれ "
    "誰 なぜ どれ どんな ください について における として "
    "的 了 是 在 和 与 及 或 也 都 就 而 我 你 他 她 它 这 那 这个 那个 什么 甚麼 什麼 哪 哪里 哪個 "  # Chinese
    "怎么 怎麼 如何 吗 嗎 呢 吧 把 被 对 對 為 为 有 不 要 請 请 多少 几 幾 "
    "이 그 저 것 수 및 또는 그리고 등 무엇 무엇입니까 무엇인가요 어디 어디서 어디에서 언제 누가 왜 "  # Korean
    "어떻게 어떤 얼마 얼마나 얼마입니까 합니까 있는 있습니까 있나요 하나요 대한 위한 "
    "ที่ และ ของ ใน เป็น มี การ ได้ จะ ไม่ ให้ กับ หรือ นี้ อะไร ไหน อย่างไร เมื่อไร เท่าไร "  # Thai
    "في من على إلى عن مع هذا هذه ذلك التي الذي ما ماذا متى أين كيف هل كم لماذا أو ثم كان يكون "  # Arabic
    "и в во на с со по к ко у о об за из от до для не что как это или но а где когда кто какой какая "  # noqa: RUF001
    "какие сколько почему чем ли быть есть при".split()
)
"""They are common whatever the language of a question, since no two of these languages share a word."""


@lru_cache(maxsize=256)  # each hit of a query asks
def common_words(words: tuple[str, ...]) -> list[bool]:
    """Say of each word of a query whether it is common, in the query's language. If all are, none counts as common."""
    language = foreign_language(" ".join(words))
    known = ENGLISH if language is None else SMALL_WORDS[language]
    common = [word.lower() in known or word.lower() in OTHER_SCRIPTS for word in words]
    return [False] * len(words) if all(common) else common
