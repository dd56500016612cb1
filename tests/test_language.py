# ruff: noqa: RUF001  letters of other scripts are the point here
import pytest

from maxsight.encoders.minilm.model import language_notice
from maxsight.language import language_of

PARAGRAPHS = {
    "German": "Der Umsatz stieg im vergangenen Jahr um vier Prozent, weil die Nachfrage in Europa wieder zunahm und "
    "das Unternehmen neue Kunden gewann. Für das laufende Jahr wird ein ähnliches Ergebnis erwartet.",
    "French": "Le chiffre d'affaires a augmenté de quatre pour cent au cours de l'année, car la demande en Europe "
    "est repartie et que l'entreprise a gagné de nouveaux clients.",
    "Spanish": "Los ingresos aumentaron un cuatro por ciento durante el año, porque la demanda en Europa se "
    "recuperó y la empresa ganó nuevos clientes.",
    "Italian": "I ricavi sono aumentati del quattro per cento nel corso dell'anno, perché la domanda in Europa è "
    "tornata a crescere e la società ha acquisito nuovi clienti.",
    "Portuguese": "As receitas aumentaram quatro por cento durante o ano, porque a procura na Europa voltou a "
    "crescer e a empresa conquistou novos clientes, mas os custos não foram reduzidos.",
    "Dutch": "De omzet steeg het afgelopen jaar met vier procent, omdat de vraag in Europa weer aantrok en het "
    "bedrijf nieuwe klanten voor zich won.",
    "Swedish": "Omsättningen ökade med fyra procent under året, eftersom efterfrågan i Europa tog fart och "
    "företaget fick nya kunder som inte hade köpt av det tidigare.",
    "Polish": "Przychody wzrosły w ciągu roku o cztery procent, ponieważ popyt w Europie się ożywił, a firma "
    "pozyskała nowych klientów, którzy nie byli jej znani, oraz że koszty są niższe.",
    "Turkish": "Gelirler yıl içinde yüzde dört arttı, çünkü Avrupa'da talep canlandı ve şirket yeni müşteriler "
    "kazandı; ancak bu artış maliyetler için yeterli değil ve daha çok çaba gerekiyor.",
    "Cyrillic": "Выручка за год выросла на четыре процента, так как спрос в Европе оживился.",
    "Chinese": "由于欧洲需求回升，公司赢得了新客户，全年收入增长了百分之四。",
    "Japanese": "欧州の需要が回復し、新しい顧客を獲得したため、売上高は四パーセント増加しました。",
    "Korean": "유럽의 수요가 회복되고 새로운 고객을 확보하여 매출이 사 퍼센트 증가했습니다.",
    "Hebrew": "ההכנסות עלו בארבעה אחוזים במהלך השנה בשל התאוששות הביקוש באירופה.",
    "Arabic": "ارتفعت الإيرادات بنسبة أربعة في المئة خلال العام بسبب انتعاش الطلب في أوروبا.",
    "Greek": "Τα έσοδα αυξήθηκαν κατά τέσσερα τοις εκατό, καθώς η ζήτηση στην Ευρώπη ανέκαμψε.",
}

ENGLISH = [
    "",
    "2023",
    "Net sales 1,234.5 1,184.7 4.2 % 2023 2022 N/A",
    "Net sales rose by four percent over the year, because demand in Europe came back.",
    "What is the FY2022 capex of AES?",
    "SG&A",
    "Los Angeles de la Cruz",
    "Wal-Mart de Mexico del Sur de la Frontera",
    "Soci\u00e9t\u00e9 G\u00e9n\u00e9rale, Nestl\u00e9 S.A., Anheuser-Busch InBev SA/NV",
    "Ludwig van Beethoven, Otto von Bismarck, Catherine de' Medici",
    "common stock, par value $0.01 per share; non-GAAP; est. EST; vis-a-vis; per se; en banc",
    "the angle \u03b1 and the coefficient \u03b2 of \u03bb",
    "She came to die on the pier, come what may; he had a hat and a van, but no con men.",
    "Was Der Spiegel sued?",
    "Was ist ein Berliner, the speech?",
    "Comment la Rocca",
    "Como de Boer stock price",
    "Quo vadis? Que sera sera",
    "Who de facto runs La Quinta?",
    "print(os.path) ; if x in do: def f(de, la): return None",
]


@pytest.mark.parametrize("language", PARAGRAPHS)
def test_a_paragraph_in_another_language_is_noticed_and_the_language_named(language):
    assert language in language_notice(PARAGRAPHS[language])


@pytest.mark.parametrize("text", ENGLISH)
def test_english_numbers_tables_names_and_code_are_not_taken_for_another_language(text):
    assert language_notice(text) is None


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("Wie hoch war der Umsatz im Jahr 2022?", "German"),
        ("Was ist der Umsatz?", "German"),
        ("Wer ist CEO?", "German"),
        ("Quel est le chiffre d'affaires ?", "French"),
        ("Dove si trova la sede?", "Italian"),
        ("Hur m\u00e5nga anst\u00e4llda har de?", "Swedish"),
        ("\u00bfCu\u00e1l fue el beneficio neto de la empresa?", "Spanish"),
        ("\u0432\u044b\u0440\u0443\u0447\u043a\u0430 2022", "Cyrillic"),
        ("\u516c\u53f8\u6536\u5165 ROI", "Chinese"),
    ],
)
def test_a_short_query_in_another_language_is_noticed(query, language):
    assert f"mostly in {language}" in language_notice(query)


def test_an_english_page_with_a_foreign_quotation_is_english():
    page = "The company said that it was pleased with the result of the year. " * 3
    assert language_notice(page + PARAGRAPHS["German"]) is None


CODES = {
    "German": "de", "French": "fr", "Spanish": "es", "Italian": "it", "Portuguese": "pt", "Dutch": "nl",
    "Swedish": "sv", "Polish": "pl", "Turkish": "tr", "Cyrillic": "ru", "Chinese": "zh", "Japanese": "ja",
    "Korean": "ko", "Hebrew": "he", "Arabic": "ar", "Greek": "el",
}  # fmt: skip


@pytest.mark.parametrize("language", PARAGRAPHS)
def test_a_paragraphs_language_has_its_code(language):
    assert language_of(PARAGRAPHS[language]) == CODES[language]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Net sales rose by four percent over the year, because demand in Europe came back.", "en"),
        ("Дохід зріс на чотири відсотки, оскільки попит у Європі пожвавився.", "uk"),
        ("درآمد چهار درصد رشد کرد، زیرا تقاضا در اروپا بهبود یافت و گسترش پیدا کرد.", "fa"),
        ("第1章 設定の概要 Windows 10", "ja"),
        ("รายได้เพิ่มขึ้นร้อยละสี่", "th"),
        ("Net sales 1,234.5 1,184.7", None),
        ("", None),
    ],
)
def test_a_text_without_sentences_has_no_language_and_others_their_own(text, code):
    assert language_of(text) == code
