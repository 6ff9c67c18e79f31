"""List the countries and names of the demo.

Names stand as they are written at home. Where the letters of an address cannot be derived from that, they
follow after a colon.
"""

import unicodedata
from dataclasses import dataclass

_LETTERS = str.maketrans(
    {"ł": "l", "đ": "d", "ø": "o", "æ": "ae", "å": "a", "ß": "ss", "ı": "i", "ð": "d", "’": ""}
)


@dataclass(frozen=True)
class Name:
    """A name, and the same in the letters of an address."""

    written: str
    ascii: str


@dataclass(frozen=True)
class Place:
    """A country with its cities, language and names. ``weight`` says how many of the people live there;
    ``family_first`` and ``joint`` (what stands between) how a full name is written."""

    country: str
    language: str
    weight: int
    cities: tuple[str, ...]
    given: tuple[Name, ...]
    family: tuple[Name, ...]
    domains: tuple[str, ...]
    family_first: bool = False
    joint: str = " "

    def full_name(self, given: Name, family: Name) -> str:
        parts = (family, given) if self.family_first else (given, family)
        return self.joint.join(part.written for part in parts)


def plain_letters(name: str) -> str:
    """A Latin name in the letters of an address."""
    parts = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS))
    return "".join(letter for letter in parts if letter.isascii() and (letter.isalnum() or letter == "-"))


def _names(words: str) -> tuple[Name, ...]:
    pairs = [word.partition(":") for word in words.split()]
    return tuple(Name(written, given or plain_letters(written)) for written, _, given in pairs)


def _domains(*of_the_country: str) -> tuple[str, ...]:
    return ("example.com", "example.org", "example.net", *of_the_country)


def _cities(names: str) -> tuple[str, ...]:
    return tuple(names.split(", "))


PLACES: tuple[Place, ...] = (
    Place(
        country="China",
        language="Chinese",
        weight=14,
        domains=_domains("youxiang.example"),
        cities=_cities("上海, 北京, 成都, 杭州, 广州, 西安, 厦门"),
        given=_names(
            "伟:wei 芳:fang 娜:na 敏:min 静:jing 强:qiang 磊:lei 洋:yang 艳:yan 勇:yong 婷婷:tingting "
            "子轩:zixuan 雨桐:yutong 浩然:haoran 思远:siyuan 佳怡:jiayi"
        ),
        family=_names(
            "王:wang 李:li 张:zhang 刘:liu 陈:chen 杨:yang 赵:zhao 黄:huang 周:zhou 吴:wu 徐:xu 孙:sun 林:lin "
            "何:he"
        ),
        family_first=True,
        joint="",
    ),
    Place(
        country="Poland",
        language="Polish",
        weight=11,
        domains=_domains("poczta.example"),
        cities=_cities("Warszawa, Kraków, Łódź, Wrocław, Poznań, Gdańsk, Białystok"),
        given=_names(
            "Łukasz Małgorzata Jan Zofia Paweł Agnieszka Michał Katarzyna Wojciech Błażej Hanna "
            "Żaneta Grzegorz Aleksandra"
        ),
        family=_names(
            "Nowak Wójcik Woźniak Mazur Kaczmarek Zając Król Wróbel Stępień Dudek Pawlak Gołąb Bąk Źrebiec"
        ),
    ),
    Place(
        country="Romania",
        language="Romanian",
        weight=8,
        domains=_domains("posta.example"),
        cities=_cities("București, Cluj-Napoca, Iași, Timișoara, Brașov, Constanța, Târgu Mureș"),
        given=_names(
            "Ștefan Ioana Mihai Andreea Răzvan Cătălina Ionuț Mădălina Vlad Elena Bogdan Simțiana Florin Anca"
        ),
        family=_names(
            "Popescu Ionescu Țurcanu Dumitrescu Stan Munteanu Rusu Șerban Lăzărescu Văduva "
            "Constantin Neagoe Mureșan"
        ),
    ),
    Place(
        country="Finland",
        language="Finnish",
        weight=9,
        domains=_domains("posti.example"),
        cities=_cities("Helsinki, Tampere, Turku, Oulu, Jyväskylä, Hämeenlinna, Rovaniemi"),
        given=_names("Päivi Mikko Aino Väinö Eeva Jukka Sirpa Ville Hanna Antti Tuuli Eero Kaisa Oskari Sini"),
        family=_names(
            "Virtanen Korhonen Mäkinen Nieminen Hämäläinen Laine Heikkinen Järvinen Lehtonen "
            "Saarinen Salminen Niemelä"
        ),
    ),
    Place(
        country="Indonesia",
        language="Indonesian",
        weight=9,
        domains=_domains("surat.example"),
        cities=_cities("Jakarta, Surabaya, Bandung, Medan, Yogyakarta, Makassar, Denpasar"),
        given=_names("Budi Siti Dewi Agus Putri Rizky Ayu Wahyu Indah Bambang Ratna Eko Nur Fitri Ketut"),
        family=_names(
            "Santoso Wijaya Hidayat Saputra Lestari Pratama Nugroho Siregar Kusuma Setiawan Halim Wibowo Gunawan"
        ),
    ),
    Place(
        country="United Kingdom",
        language="English",
        weight=10,
        domains=_domains("letters.example"),
        cities=_cities("London, Manchester, Leeds, Glasgow, Cardiff, Belfast, Bristol"),
        given=_names("Olivia Jack Amelia Noah Grace Harry Isla Oliver Zara Callum Niamh Ewan Priya Siân Owen"),
        family=_names(
            "Smith Taylor O’Connor Wilson-Reed Evans Patel Walker Hughes MacLeod Byrne Khan Thompson Ashworth"
        ),
    ),
    Place(
        country="Sweden",
        language="Swedish",
        weight=6,
        domains=_domains("brev.example"),
        cities=_cities("Stockholm, Göteborg, Malmö, Uppsala, Västerås, Umeå"),
        given=_names("Åsa Lars Elin Björn Märta Göran Linnea Oskar Saga Håkan Ebba Nils"),
        family=_names("Andersson Lindström Sjöberg Nyström Åkesson Bergqvist Hedlund Öberg Lundgren Sandström"),
    ),
    Place(
        country="Norway",
        language="Norwegian",
        weight=4,
        domains=_domains("brev.example"),
        cities=_cities("Oslo, Bergen, Trondheim, Tromsø, Ålesund, Bodø"),
        given=_names("Ingrid Bjørn Kari Øystein Solveig Håvard Astrid Sindre Marte Jørgen"),
        family=_names("Hansen Johansen Sørensen Bakke Haugen Øvrebø Lien Strand Nygård Fjeld"),
    ),
    Place(
        country="Denmark",
        language="Danish",
        weight=4,
        domains=_domains("brev.example"),
        cities=_cities("København, Aarhus, Odense, Aalborg, Helsingør, Sønderborg"),
        given=_names("Mette Søren Kirsten Jens Freja Rasmus Signe Mads Bodil Anders"),
        family=_names("Nielsen Jørgensen Møller Østergaard Kjær Lund Holm Skov Bæk Dahl"),
    ),
    Place(
        country="Germany",
        language="German",
        weight=7,
        domains=_domains("brief.example"),
        cities=_cities("Berlin, Hamburg, München, Köln, Leipzig, Nürnberg, Düsseldorf"),
        given=_names("Anna Jürgen Lukas Käthe Björn Sabine Jörg Leonie Matthias Ayşe Günther Franziska"),
        family=_names("Müller Schäfer Weiß Krüger Böhm Vogel Groß Yılmaz Schulze König Lange Jäger"),
    ),
    Place(
        country="France",
        language="French",
        weight=5,
        domains=_domains("courrier.example"),
        cities=_cities("Paris, Lyon, Marseille, Nîmes, Besançon, Orléans"),
        given=_names("Chloé Éric Zoé Frédéric Maëlle Gaël Inès Benoît Solène François Aurélie Rémi"),
        family=_names("Lefèvre Moreau Girard Bérenger Noël Gauthier Chevalier Lambert Benoît Faure"),
    ),
    Place(
        country="Greece",
        language="Greek",
        weight=3,
        domains=_domains(),
        cities=_cities("Αθήνα, Θεσσαλονίκη, Πάτρα, Ηράκλειο"),
        given=_names(
            "Μαρία:maria Γιώργος:giorgos Ελένη:eleni Νίκος:nikos Κατερίνα:katerina Δημήτρης:dimitris Σοφία:sofia"
        ),
        family=_names(
            "Παπαγεωργίου:papageorgiou Οικονόμου:oikonomou Γεωργίου:georgiou Ιωάννου:ioannou "
            "Βασιλείου:vasileiou Δημητρίου:dimitriou"
        ),
    ),
    Place(
        country="Japan",
        language="Japanese",
        weight=4,
        domains=_domains(),
        cities=_cities("東京, 大阪, 京都, 札幌, 福岡"),
        given=_names("陽葵:himari 蓮:ren 葵:aoi 湊:minato 結衣:yui 大翔:hiroto さくら:sakura 健太:kenta"),
        family=_names(
            "佐藤:sato 鈴木:suzuki 高橋:takahashi 田中:tanaka 渡辺:watanabe 伊藤:ito 山本:yamamoto 中村:nakamura"
        ),
        family_first=True,
        joint=" ",
    ),
    Place(
        country="India",
        language="Hindi",
        weight=3,
        domains=_domains(),
        cities=_cities("दिल्ली, मुंबई, जयपुर, लखनऊ"),
        given=_names("आरव:aarav अनन्या:ananya विवान:vivaan दीया:diya रोहन:rohan प्रिया:priya"),
        family=_names("शर्मा:sharma वर्मा:verma गुप्ता:gupta सिंह:singh मिश्रा:mishra जोशी:joshi"),
    ),
    Place(
        country="Egypt",
        language="Arabic",
        weight=2,
        domains=_domains(),
        cities=_cities("القاهرة, الإسكندرية, الجيزة"),
        given=_names("أحمد:ahmed فاطمة:fatma محمود:mahmoud مريم:mariam ياسمين:yasmin عمر:omar"),
        family=_names("حسن:hassan إبراهيم:ibrahim منصور:mansour السيد:elsayed خليل:khalil"),
    ),
    Place(
        country="Vietnam",
        language="Vietnamese",
        weight=3,
        domains=_domains(),
        cities=_cities("Hà Nội, Đà Nẵng, Huế, Cần Thơ"),
        given=_names("Linh Minh Hương Đức Thảo Tuấn Ngọc Phúc"),
        family=_names("Nguyễn Trần Lê Phạm Hoàng Đặng Bùi Đỗ"),
        family_first=True,
    ),
)
