"""Say what the name of a column reveals of its values, in the languages of the product and some more."""

import re
from typing import Final

_PARTS: Final = re.compile(r"[A-ZÀ-Þ]+(?![a-zß-ÿ])|[A-ZÀ-Þ]?[^\W\d_A-ZÀ-Þ]+|\d+")


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Values that are compared, never calculated with: they stay text even when all of them are digits.
_CODES: Final = _set_of(
    """
    id ids ident identifier uid guid uuid key code codes zip zipcode postcode postal phone phones mobile
    cell cellphone telephone tel fax msisdn number numbers no nr num account sku ean isbn gtin upc iban vat
    ssn tin ein pin card serial reference ref imei ip version leid euid hash checksum passport license
    licence plate cc customerid contactid userid memberid recordid accountid clientid orderid leadid
    personid profileid subscriberid phonenumber puhelin puh matkapuhelin gsm postinumero numero tunnus koodi
    hetu ytunnus asiakasnumero telefon komórka komorka kod numer pesel nip regon identyfikator mobil cod
    număr numar cnp cui cif telefonul telepon hp ponsel kode nomor nik npwp ktp handy plz postleitzahl
    nummer kennung siret cp numéro téléphone teléfono móvil código postnummer mobilnummer
    """
)
_CODE_ENDINGS: Final = (
    "numero", "nummer", "tunnus", "koodi", "leitzahl", "telefon", "puhelin", "phone", "zip", "number", "code",
)  # fmt: skip
_CODE_SIGNS: Final = ("电话", "手机", "邮编", "编号", "号码", "编码", "代码", "身份证", "工号", "学号", "邮政")
# Short texts that look like yes and no, but are countries, languages or initials.
_LABELS: Final = _set_of(
    """
    country countries state region province language lang locale initial initials gender sex cc currency maa
    kieli kansalaisuus kraj język jezyk województwo țară tara limba limbă judet județ negara bahasa provinsi
    land sprache pays langue
    """
)
_LABEL_SIGNS: Final = ("国家", "语言", "省份", "性别")
_COUNTS: Final = _set_of(
    """
    count counts orders points score quantity qty total rating children visits level rank amount sum age
    clicks opens number days months years stars määrä pisteet lukumäärä tilaukset ikä liczba punkty ilość
    zamówienia wiek puncte cantitate comenzi vârsta jumlah poin pesanan umur usia anzahl punkte nombre
    cantidad
    """
)
_COUNT_SIGNS: Final = ("数量", "积分", "次数", "年龄")
_LISTS: Final = _set_of(
    """
    tags tag interests interest groups labels categories topics hobbies preferences keywords tunnisteet
    tagit kiinnostukset ryhmät kategoriat tagi zainteresowania grupy etykiety kategorie etichete interese
    grupuri categorii minat grup label kategori
    """
)
_LIST_SIGNS: Final = ("标签", "兴趣", "分组", "类别")
_DAYS: Final = _set_of(
    """
    date dates day birthday birthdate born joined created updated since until on päivä pvm syntymäaika
    päiväys data dzień urodzenia zi născut nastere tanggal lahir datum geburtstag
    """
)
_DAY_SIGNS: Final = ("日期", "生日", "时间")


def is_code(name: str) -> bool:
    """Say whether values are codes: identifiers, zip codes, phone numbers."""
    words = _words(name)
    if "of" in words and "number" in words:  # the number of orders is a number
        words.discard("number")
    return (
        bool(words & _CODES)
        or any(len(word) > 5 and word.endswith(_CODE_ENDINGS) for word in words)
        or any(sign in name for sign in _CODE_SIGNS)
    )


def is_label(name: str) -> bool:
    """Say whether values are short labels, such as countries and languages."""
    return _reveals(name, _LABELS, _LABEL_SIGNS)


def is_count(name: str) -> bool:
    """Say whether values are counts, such as orders and points."""
    return _reveals(name, _COUNTS, _COUNT_SIGNS)


def is_list(name: str) -> bool:
    """Say whether values are lists, such as tags and interests."""
    return _reveals(name, _LISTS, _LIST_SIGNS)


def is_day(name: str) -> bool:
    """Say whether values are dates."""
    return _reveals(name, _DAYS, _DAY_SIGNS)


def _reveals(name: str, words: frozenset[str], signs: tuple[str, ...]) -> bool:
    return bool(_words(name) & words) or any(sign in name for sign in signs)


def _words(name: str) -> set[str]:
    return {part.casefold() for part in _PARTS.findall(name)}
