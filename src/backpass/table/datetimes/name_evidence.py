"""Evidence of a column's name: whether it says that the column holds dates or times.

Takes a name; returns a verdict. Numbers such as 45322 or 1706659200 are dates only where the name, or the numbers
themselves, say so; ``counted`` weighs both.
"""

from __future__ import annotations

from collections.abc import Iterable

from backpass.table.notation.lazy_pattern import LazyPattern

_PAIR = LazyPattern("[0-9]{1,3}:[0-9]{1,3}")
_PARTS = LazyPattern(r"[A-ZÀ-Þ]+(?![a-zß-ÿ])|[A-ZÀ-Þ]?[^\W\d_A-ZÀ-Þ]+")
_DATE_WORDS = """
    julian doy yymmdd yyyyddd
    date dates datetime timestamp dt day dob birthday birthdate datum datums tag geburtsdatum fecha fechas dia jour
    giorno dag dato dátum pvm tarih gün päivä дата ημερομηνία 日期 日付 日 날짜
"""
_TIME_WORDS = """
    time times timestamp clock hour hours hh hhmm zeit uhrzeit heure hora ora tijd tid tidpunkt klokkeslett czas
    godzina čas время saat 時刻 時間 时间 시간
"""
_EVENT_WORDS = """
    ts epoch unix utc created updated modified changed deleted inserted started ended finished opened closed posted
    published occurred received sent paid shipped ordered delivered at when since until seen login logged zeitpunkt
    zeitstempel horodatage
"""
_MONTH_WORDS = """
    month months yearmonth yyyymm ym period date monat mois mes mês mese maand måned månad miesiąc měsíc kuukausi ay
    месяц periode periodo 月 年月
"""
_PERIOD_WORDS = """
    start begin end from until von bis beginn anfang ende debut début fin inicio início inizio fine einde slut when
    since seen joined hired registered purchased bought admitted discharged expires expiry due eintritt austritt
    geboren born created updated modified changed started ended opened closed
"""
_AMOUNT_WORDS = """
    amount amt salary wage wages income pay price cost fee value sum balance revenue sales turnover budget rent betrag
    gehalt preis lohn montant salaire prix importe precio salario position pos offset index byte bytes line page rank
    mileage odometer km miles distance meter reading zip postcode plz views visits population volume quantity qty size
    elevation altitude height bid ask
"""
_RATIO_WORDS = "ratio scale odds aspect score scores result results maßstab massstab échelle escala skala quote"
_SPAN_WORDS = """
    duration elapsed total count number num spent took length delta diff remaining dauer durée
"""
_DATES, _TIMES, _EVENTS, _MONTHS, _PERIODS, _SPANS, _AMOUNTS = (
    frozenset(words.split())
    for words in (_DATE_WORDS, _TIME_WORDS, _EVENT_WORDS, _MONTH_WORDS, _PERIOD_WORDS, _SPAN_WORDS, _AMOUNT_WORDS)
)
_RATIOS = frozenset(_RATIO_WORDS.split())
DATETIME_WORDS = _DATES | _TIMES | _EVENTS | _MONTHS
"""The words of which one in a name may say that numbers are dates or times."""
_NO_DATES = ("candidate", "mandate", "validate")


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a column name in lower case.

    >>> words_of("orderDate"), words_of("created_at"), words_of("Time (UTC)")
    (('order', 'date'), ('created', 'at'), ('time', 'utc'))
    """
    return tuple(each.lower() for each in _PARTS.findall(name))


def says_date(name: str) -> bool:
    """Whether a name says that its column holds dates.

    >>> says_date("order_date"), says_date("orderdate"), says_date("days"), says_date("candidate"), says_date("size")
    (True, True, False, False, False)
    """
    words = words_of(name)
    has_suffix = any(w.endswith(("date", "datum", "timestamp")) and not w.endswith(_NO_DATES) for w in words)
    return (bool(_DATES & {*words}) or has_suffix) and not _SPANS & {*words}


def says_datetime(name: str) -> bool:
    """Whether a name says that its column holds dates or times, or when something happened.

    >>> says_datetime("created_at"), says_datetime("ts"), says_datetime("elapsed_time"), says_datetime("views")
    (True, True, False, False)
    """
    words = {*words_of(name)}
    return says_date(name) or (bool((_TIMES | _EVENTS) & words) and not _SPANS & words)


def says_period(name: str) -> bool:
    """Whether a name says when something began, ended or happened, by days rather than by times of day.

    The last word says it, and no other word names an amount or things that are counted.

    >>> [says_period(name) for name in ("Start", "first_seen", "contract_end", "valid_from_1")]
    [True, True, True, True]
    >>> [says_period(name) for name in ("start_count", "end_torque", "salary_from", "tickets_closed")]
    [False, False, False, False]
    """
    words = words_of(name)
    is_counted = any(len(word) > 3 and word.endswith("s") for word in words[:-1])
    return bool(words) and words[-1] in _PERIODS and not is_counted and not (_SPANS | _AMOUNTS) & {*words}


def are_ratios(name: str, texts: Iterable[str]) -> bool:
    """Whether a name says that 1:24 and 21:15 are two numbers beside each other, and no times.

    >>> are_ratios("scale", ["1:24"]), are_ratios("final_score", ["21:15"]), are_ratios("time", ["21:15"])
    (True, True, False)
    >>> are_ratios("result", ["3:29:44"]), are_ratios("result", ["1:52.34"])
    (False, False)
    """
    is_named = bool(_RATIOS & {*words_of(name)}) and not (says_time(name) or says_datetime(name))
    return is_named and all(map(_PAIR.fullmatch, texts))


def says_day(name: str) -> bool:
    """Whether a name says that its column holds dates, times of events or months: what orders rows in time.

    >>> says_day("created_at"), says_day("period"), says_day("dep_time"), says_day("price")
    (True, True, True, False)
    """
    return says_datetime(name) or says_month(name)


def says_time(name: str) -> bool:
    """Whether a name says that its column holds times of day.

    >>> says_time("dep_time"), says_time("Uhrzeit"), says_time("time_spent"), says_time("price")
    (True, True, False, False)
    """
    words = {*words_of(name)}
    return any(w in _TIMES or w.endswith(("time", "zeit")) for w in words) and not _SPANS & words


def says_month(name: str) -> bool:
    """Whether a name says that its column holds months of certain years.

    >>> says_month("period"), says_month("yearMonth"), says_month("zip")
    (True, True, False)
    """
    return bool(_MONTHS & {*words_of(name)}) or says_date(name)
