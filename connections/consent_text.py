"""Hold the consent text of connections in every language of the product.

The texts are not among the translations of the pages: a text has a version, and a change of the words in any
language is a new version, which asks for consent again. The text is stored with the consent, word for word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import get_language

from config.platform.web.models import organisation_name
from connections.destinations.base import Destination

VERSION = "2026-11"
FALLBACK = "en"


@dataclass(frozen=True)
class Words:
    """The text in one language, with placeholders {destination}, {product} and {organisation}."""

    paragraphs: Sequence[str]
    statement: str  # what the link to the privacy statement says
    your_organisation: str  # where the settings give no name


TEXTS: dict[str, Words] = {
    "en": Words(
        [
            "With this connection you let {product} send data to {destination}, outside the compliance boundary "
            "within which {organisation} keeps them. They may be sensitive, such as personal data.",
            "{product} sends these data on your instruction. You are responsible for making sure that "
            "{destination} meets the privacy and security obligations that you have, and that the people "
            "concerned have agreed to this use of their data.",
            "An administrator can remove this connection at any time to stop using this function. Data sent "
            "before stay in {destination}.",
        ],
        "Privacy statement of {organisation}",
        "your organisation",
    ),
    "zh-hans": Words(
        [
            "启用此连接后，{product} 可以将数据发送到 {destination}，即 {organisation} 的合规边界之外。"
            "这些数据可能包含敏感数据，例如个人数据。",
            "{product} 按照您的指示发送这些数据。您有责任确保 {destination} 满足您所承担的隐私和安全义务，"
            "并确保相关人员已同意以此方式使用其数据。",
            "管理员可以随时删除此连接，以停止使用此功能。此前已发送的数据仍会保留在 {destination} 中。",
        ],
        "{organisation} 的隐私声明",
        "贵组织",
    ),
    "pl": Words(
        [
            "To połączenie pozwala usłudze {product} wysyłać dane do usługi {destination}, czyli poza granicę "
            "zgodności z przepisami, w której przechowuje je {organisation}. Mogą to być dane wrażliwe, "
            "na przykład dane osobowe.",
            "{product} wysyła te dane na Twoje polecenie. Odpowiadasz za to, aby usługa {destination} spełniała "
            "obowiązujące Cię wymagania dotyczące prywatności i bezpieczeństwa oraz aby osoby, których dane "
            "dotyczą, wyraziły zgodę na takie ich wykorzystanie.",
            "Administrator może w każdej chwili usunąć to połączenie, aby przestać korzystać z tej funkcji. "
            "Dane wysłane wcześniej pozostają w usłudze {destination}.",
        ],
        "Zasady ochrony prywatności: {organisation}",
        "Twoja organizacja",
    ),
    "ro": Words(
        [
            "Prin această conexiune, {product} poate trimite date către {destination}, în afara limitelor de "
            "conformitate în care le păstrează {organisation}. Acestea pot fi date sensibile, de exemplu date cu "
            "caracter personal.",
            "{product} trimite aceste date la instrucțiunea dumneavoastră. Aveți responsabilitatea de a vă "
            "asigura că {destination} respectă obligațiile de confidențialitate și securitate care vă revin și că "
            "persoanele vizate au consimțit la această utilizare a datelor lor.",
            "Un administrator poate elimina oricând această conexiune, pentru a opri utilizarea acestei funcții. "
            "Datele trimise anterior rămân în {destination}.",
        ],
        "Declarația de confidențialitate: {organisation}",
        "organizația dumneavoastră",
    ),
    "fi": Words(
        [
            "Tämän yhteyden kautta {product} voi lähettää tietoja {destination}-palveluun, sen "
            "vaatimustenmukaisuusrajan ulkopuolelle, jonka sisällä {organisation} säilyttää ne. Tiedot voivat "
            "olla arkaluonteisia, esimerkiksi henkilötietoja.",
            "{product} lähettää tiedot sinun ohjeidesi mukaisesti. Vastaat siitä, että {destination} täyttää "
            "sinua koskevat tietosuoja- ja tietoturvavelvoitteet ja että henkilöt, joita tiedot koskevat, ovat "
            "suostuneet tietojensa tällaiseen käyttöön.",
            "Järjestelmänvalvoja voi milloin tahansa poistaa tämän yhteyden ja lopettaa näin toiminnon käytön. "
            "Aiemmin lähetetyt tiedot jäävät {destination}-palveluun.",
        ],
        "Tietosuojaseloste: {organisation}",
        "organisaatiosi",
    ),
    "id": Words(
        [
            "Melalui koneksi ini, {product} dapat mengirim data ke {destination}, di luar batas kepatuhan tempat "
            "{organisation} menyimpannya. Data tersebut mungkin sensitif, misalnya data pribadi.",
            "{product} mengirim data ini atas instruksi Anda. Anda bertanggung jawab untuk memastikan bahwa "
            "{destination} memenuhi kewajiban privasi dan keamanan yang berlaku bagi Anda, dan bahwa orang-orang "
            "yang bersangkutan telah menyetujui penggunaan data mereka dengan cara ini.",
            "Administrator dapat menghapus koneksi ini kapan saja untuk berhenti menggunakan fungsi ini. "
            "Data yang sudah dikirim tetap berada di {destination}.",
        ],
        "Pernyataan privasi {organisation}",
        "organisasi Anda",
    ),
}


@dataclass(frozen=True)
class ConsentText:
    """The text of one destination in one language, without placeholders."""

    language: str
    paragraphs: Sequence[str]
    statement: str
    statement_url: str  # empty where the settings give none
    version: str = VERSION

    @property
    def in_full(self) -> str:
        """Return the text as it is stored with a consent, with the address of the privacy statement."""
        statement = [f"{self.statement}: {self.statement_url}"] if self.statement_url else []
        return "\n\n".join([*self.paragraphs, *statement])


def read(destination: Destination, language: str | None = None) -> ConsentText:
    """Return the text in ``language``; without one, or when it has no text, in the language of the page."""
    chosen = _language(language)
    words = TEXTS[chosen]
    organisation = organisation_name()
    named = organisation not in ("", TEXTS[FALLBACK].your_organisation)
    names = {
        "destination": str(destination.label),
        "organisation": organisation if named else words.your_organisation,
        "product": settings.PRODUCT_NAME,
    }
    return ConsentText(
        language=chosen,
        paragraphs=[paragraph.format(**names) for paragraph in words.paragraphs],
        statement=words.statement.format(**names),
        statement_url=settings.PRIVACY_STATEMENT_URL,
    )


def languages() -> list[tuple[str, str]]:
    """Return the languages to choose from, each by its own name."""
    return [(code, str(name)) for code, name in settings.LANGUAGES if code in TEXTS]


def _language(wanted: str | None) -> str:
    for language in (wanted, get_language()):
        if language in TEXTS:
            return language
    return FALLBACK
