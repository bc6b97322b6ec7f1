"""The customers: made-up names from many places, the same ones every time.

Belongs here: who they are. Does not belong here: what they book. Addresses are at example.com (RFC 2606), phones from
the ranges that are kept for fiction: 555-0100 to 555-0199 in North America, 07700 900000 to 900999 in Britain.
"""

import unicodedata
from dataclasses import dataclass
from random import Random

from server.demo.blueprint import FAIRWAY, SOUTHBANK, VENUES

CUSTOMERS = 320
FIRST_FREE_NUMBER = 104
"""Numbers below belong to those who work there."""
LAST_FREE_NUMBER = 196


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer to be; ``home`` is the key of the venue that they go to as a rule, ``keen`` how often."""

    name: str
    email: str
    phone: str | None
    tier: str | None
    tags: tuple[str, ...]
    sms_consent: bool
    home: str
    keen: float


_NAMES = (
    (
        "Emma Olivia Grace Hannah Jack Mason Ethan Caleb Tyler Megan",
        "Miller Carter Hughes Bennett Sullivan Brooks Hayes Foster",
    ),
    ("Siân Rhys Niamh Eoin Fiona Callum Aoife Gareth", "O'Connor Gallagher MacLeod Llewellyn Byrne Fraser"),
    (
        "Sofía Mateo Valentina Diego Camila Andrés Lucía Joaquín Paloma",
        "García Hernández Muñoz Castillo Ibáñez Rojas Peña Domínguez",
    ),
    (
        "João Beatriz Thiago Inês Rafael Luísa Gonçalo Marina",
        "Silva Oliveira Conceição Araújo Nogueira Magalhães",
    ),
    (
        "Priya Arjun Ananya Rohan Meera Vikram Kavya Nikhil Divya",
        "Sharma Iyer Patel Reddy Banerjee Chowdhury Nair Menon",
    ),
    ("Wei Mei Jun Xiu Hao Lan Ming Ying", "Chen Zhang Liu Huang Zhao Wu Lin Xu"),
    ("Yuki Haruto Sakura Ren Aoi Kenji Naomi", "Tanaka Suzuki Watanabe Kobayashi Yamamoto Nakamura"),
    ("Min-jun Seo-yeon Ji-woo Ha-eun Do-yun Su-bin", "Kim Park Choi Jung Kang Yoon"),
    (
        "Chidi Adaeze Oluwaseun Ngozi Emeka Folake Tunde Zainab",
        "Okafor Adeyemi Eze Balogun Okonkwo Abiola Mensah Owusu",
    ),
    (
        "Fatima Omar Layla Yusuf Amina Karim Salma Tariq",
        "Al-Farsi Hassan Mansour Khalil Rahman Benali Saleh",
    ),
    (
        "Łukasz Agnieszka Michał Zofia Paweł Małgorzata Kacper",
        "Kowalski Wójcik Kamiński Szymański Dąbrowska Woźniak",
    ),
    (
        "Astrid Søren Freja Lars Ingrid Björn Maja Åsa",
        "Johansson Nielsen Bjørnstad Lindqvist Hansen Ångström",
    ),
    ("Élodie Léa Hugo Chloé Théo Mathilde Loïc", "Lefèvre Moreau Dubois Girard François Rousseau"),
    ("Giulia Matteo Chiara Lorenzo Francesca Nicolò", "Rossi Esposito Bianchi Ricci Conti Marchetti"),
    ("Zeynep Emre Elif Burak Ayşe Çağlar", "Yılmaz Demir Şahin Öztürk Aydın Koç"),
    ("Nguyệt Minh Linh Đức Thảo Quân", "Nguyễn Trần Phạm Lê Đặng Hoàng"),
)
_OTHER_SCRIPTS = (
    ("Νίκος Παπαδόπουλος", "nikos.papadopoulos"),
    ("陈美玲", "chen.meiling"),
    ("محمد العلي", "mohammed.alali"),
    ("Олена Шевченко", "olena.shevchenko"),
    ("佐藤 健", "sato.takeru"),
    ("יעל כהן", "yael.cohen"),
)
_KNOWN = (("Maya Thompson", "maya"), ("Oliver Hughes", "oliver"))
"""A customer of the first venue and one of the second, whose sign-ins are printed."""
_PLAIN = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "\u0131": "i", "đ": "d", "Đ": "D", "'": "", "æ": "ae", "ß": "ss"}
)
_TIERS = ((None, 0.46), ("BRONZE", 0.24), ("SILVER", 0.16), ("GOLD", 0.10), ("PLATINUM", 0.04))
_TAGS = {
    FAIRWAY.key: (("league", 0.12), ("corporate", 0.06), ("left-handed", 0.08)),
    SOUTHBANK.key: (("academy", 0.14), ("corporate", 0.06), ("left-handed", 0.08)),
}


def customers() -> tuple[Person, ...]:
    """All of them; the first is at home at the first venue, the second at the other."""
    random = Random("baygrid demo people")  # noqa: S311  # the same people every time is the point
    numbers = {venue.key: _numbers(venue.area_codes) for venue in VENUES}
    people: list[Person] = []
    for name, local in (*_KNOWN, *_full_names(random), *_OTHER_SCRIPTS):
        home = FAIRWAY.key if len(people) % 3 == 0 else SOUTHBANK.key
        number = numbers[home].pop() if random.random() < 0.88 else None
        people.append(
            Person(
                name=name,
                email=f"{local}@example.com",
                phone=number,
                tier=random.choices([tier for tier, _ in _TIERS], [share for _, share in _TIERS])[0],
                tags=tuple(tag for tag, share in _TAGS[home] if random.random() < share),
                sms_consent=number is not None and random.random() < 0.7,
                home=home,
                keen=random.choice((0.5, 1.0, 1.0, 2.0, 4.0)),
            )
        )
    return tuple(people)


def passer_by(random: Random) -> str:
    """The name that somebody without an account gives at the desk."""
    given, family = (part.split() for part in random.choice(_NAMES))
    return random.choice((random.choice(given), f"{random.choice(given)} {random.choice(family)}"))


def phone_of_passer_by(random: Random, area_code: str) -> str:
    """A number of that area, which others may have as well."""
    if len(area_code) == len("+447700900"):
        return f"{area_code}{random.randrange(1000):03}"
    return f"{area_code}01{random.randrange(100):02}"


def _full_names(random: Random) -> list[tuple[str, str]]:
    """(name, local part of the address), each once."""
    found: dict[str, str] = {}
    while len(found) < CUSTOMERS - len(_KNOWN) - len(_OTHER_SCRIPTS):
        given, family = (random.choice(part.split()) for part in random.choice(_NAMES))
        found.setdefault(f"{_plain(given)}.{_plain(family)}", f"{given} {family}")
    return [(name, local) for local, name in found.items()]


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.translate(_PLAIN))
    return "".join(letter for letter in letters if letter.isascii()).lower()


def _numbers(area_codes: tuple[str, ...]) -> list[str]:
    if area_codes == SOUTHBANK.area_codes:
        return [f"{area_codes[0]}{number}" for number in range(999, 99, -1)]
    free = range(LAST_FREE_NUMBER, FIRST_FREE_NUMBER, -1)
    return [f"{area_code}0{number}" for number in free for area_code in area_codes]
