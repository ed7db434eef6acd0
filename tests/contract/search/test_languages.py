"""Text of every language is found by its words, whatever its language is taken for, and inflected where that is known.

The sentences were written by hand for this test.
"""

from collections.abc import Iterator

import pytest

from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import SearchReader
from tests.contract.search.adapters import Adapter
from tests.contract.search.conftest import entity, fill, found, post

# language: text, words that must find it as they stand (folded too), and inflected ones
TEXTS: dict[str, tuple[str, list[str], list[str]]] = {
    "en": (
        "The investigators were comparing several suspicious accounts",
        ["suspicious", "INVESTIGATORS"],
        ["investigator", "compare", "account"],
    ),
    "de": (
        "Die Ermittler verglichen mehrere verdächtige Konten in großen Städten",
        ["verdächtige", "verdachtige", "grossen"],
        ["verdächtigen", "verdächtiger"],
    ),
    "fr": (
        "Les enquêteurs comparaient plusieurs comptes suspects de la société",
        ["enquêteurs", "enqueteurs", "societe"],
        ["enquêteur", "compte", "suspect"],
    ),
    "es": (
        "Los investigadores comparaban varias cuentas sospechosas de la compañía",
        ["compañía", "compania"],
        ["investigador", "cuenta", "sospechosa"],
    ),
    "it": (
        "Gli investigatori confrontavano diversi conti sospetti della società",
        ["società", "societa"],
        ["investigatore", "sospetto"],
    ),
    "pt": (
        "Os investigadores comparavam várias contas suspeitas da organização",
        ["organização", "organizacao"],
        ["investigador", "conta", "suspeita"],
    ),
    "nl": (
        "De rechercheurs vergeleken verschillende verdachte rekeningen van het bedrijf",
        ["verdachte"],
        ["rechercheur", "rekening"],
    ),
    "sv": (
        "Utredarna jämförde flera misstänkta konton i de stora städerna",
        ["misstänkta", "misstankta"],
        ["utredare", "misstänkt"],
    ),
    "da": (
        "Efterforskerne sammenlignede flere mistænkelige konti i de store byer",
        ["mistænkelige", "mistaenkelige"],
        ["efterforsker"],
    ),
    "no": (
        "Etterforskerne sammenlignet flere mistenkelige kontoer i de største byene",
        ["største", "storste"],
        ["mistenkelig", "konto"],
    ),
    "fi": (
        "Tutkijat vertailivat useita epäilyttäviä tilejä suurissa kaupungeissa",
        ["epäilyttäviä", "epailyttavia"],
        ["kaupungeista"],
    ),
    "hu": (
        "A nyomozók több gyanús fiókot hasonlítottak össze a nagyvárosokban",
        ["gyanús", "gyanus"],
        ["nagyvárosokat"],
    ),
    "ro": ("Anchetatorii comparau mai multe conturi suspecte din orașele mari", ["orașele", "orasele"], ["conturile"]),
    "ru": (
        "Следователи сравнивали несколько подозрительных счетов в больших городах",
        ["ПОДОЗРИТЕЛЬНЫХ"],
        ["следователь", "город"],
    ),
    "tr": ("Müfettişler büyük şehirlerdeki şüpheli hesapları karşılaştırıyorlardı", ["şüpheli", "supheli"], ["hesap"]),
    "el": (
        "Οι ερευνητές συνέκριναν πολλούς ύποπτους λογαριασμούς στις μεγάλες πόλεις",
        ["ύποπτους", "υποπτους"],
        ["λογαριασμός"],
    ),
    "ar": ("كان المحققون يقارنون عدة حسابات مشبوهة في المدن الكبيرة", ["مشبوهة", "مَشْبوهة"], []),
    "ta": ("புலனாய்வாளர்கள் பல சந்தேகத்திற்குரிய கணக்குகளை ஒப்பிட்டனர்", ["கணக்குகளை"], ["கணக்கு"]),
    "ja": ("捜査官は東京都内の不審な口座を比較していた", ["東京", "京都内", "不審な口座", "捜査官"], []),
    "zh": ("调查人员正在比较几个可疑的银行账户", ["可疑", "银行账户", "调查"], []),
    "ko": ("수사관들은 여러 의심스러운 계좌를 비교했다", ["의심스러운", "계좌를"], []),
    "th": ("เจ้าหน้าที่สืบสวนเปรียบเทียบบัญชีที่น่าสงสัยหลายบัญชี", ["บัญชี", "สืบสวน"], []),
    "he": ("החוקרים השוו כמה חשבונות חשודים בערים הגדולות", ["חשבונות", "חֲשׁוּדִים"], []),
    "uk": ("Слідчі порівнювали кілька підозрілих рахунків", ["підозрілих"], []),
    "hi": ("जाँचकर्ता कई संदिग्ध खातों की तुलना कर रहे थे", ["संदिग्ध", "खातों"], []),
    "vi": ("Các điều tra viên đang so sánh nhiều tài khoản đáng ngờ", ["điều", "dieu tra", "tai khoan"], []),
}
CASES = [(language, word) for language, (_, plain, inflected) in TEXTS.items() for word in plain + inflected]


@pytest.fixture(scope="module")
def reader(shared_adapter: Adapter) -> Iterator[SearchReader]:
    documents = [{**post(text), "name": language} for language, (text, _, _) in TEXTS.items()]
    fill(shared_adapter.view(), {DocumentSet.OSINT_ENTITIES: documents})
    with shared_adapter.view().reader() as opened:
        yield opened


@pytest.mark.parametrize(("language", "word"), CASES, ids=[f"{a}-{ascii(b)[:30]}" for a, b in CASES])
def test_words_find_texts_of_their_language(reader: SearchReader, language: str, word: str) -> None:
    assert language in found(reader, word)


@pytest.mark.parametrize("language", TEXTS)
def test_found_words_are_marked(reader: SearchReader, language: str) -> None:
    from clew.projections.search.port import SearchRequest
    from tests.contract.search.conftest import ORGANIZATION

    text, plain, inflected = TEXTS[language]
    for word in plain + inflected:
        request = SearchRequest(text=f"{word} name:{language}", highlight=True)
        (hit,) = (hit for hit in reader.search(ORGANIZATION, request).hits if hit.name == language)
        (highlight,) = hit.highlights["content"]
        assert highlight.text == text
        assert highlight.marks, word


def test_a_declared_language_is_believed(adapter: Adapter) -> None:
    words = "Hunden Tischen"  # too short to tell
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: [{**post(words), "name": "german", "language": "de-AT"}]})
    with adapter.view().reader() as reader:
        assert found(reader, "hund") == ["german"]


def test_a_wrong_language_hides_nothing(adapter: Adapter) -> None:
    text = TEXTS["ru"][0]
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: [{**post(text), "name": "x", "language": "ta"}]})
    with adapter.view().reader() as reader:
        for word in text.split():
            assert found(reader, word) == ["x"], word


def test_the_word_itself_comes_before_its_inflections(adapter: Adapter) -> None:
    padding = "in the quiet harbour of the old town near the long river"
    fill(
        adapter.view(),
        {
            DocumentSet.OSINT_ENTITIES: [
                {**post(f"He was running {padding}"), "name": "stem"},
                {**post(f"He will run {padding}"), "name": "exact"},
                entity("begins: runway"),
                entity("Run"),
            ]
        },
    )
    with adapter.view().reader() as reader:
        order = found(reader, "run")
        assert order[0] == "Run"
        assert order.index("exact") < order.index("stem")
        assert set(order) == {"Run", "exact", "stem", "begins: runway"}
