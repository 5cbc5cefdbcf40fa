"""Month names: the months of common languages, their abbreviations, and the names of weekdays that precede dates.

Takes a word; returns the number of the month. No word here stands for two different months.
"""

from __future__ import annotations

_MONTHS = (
    "jan january januar janeiro janvier janv enero ene gennaio gen januari jänner jän januára styczeń stycznia sty "
    "leden ledna led ianuarie ian január tammikuu tammikuuta ocak oca ιανουάριος ιανουαρίου ιαν "
    "январь января янв січень січня січ",
    "feb february februar feber fevereiro fev février févr fév febrero febbraio febbr februari luty lutego lut únor "
    "února úno február februarie helmikuu helmikuuta şubat şub φεβρουάριος φεβρουαρίου φεβ февраль февраля фев лютий "
    "лютого лют февр",
    "mar march märz mär mrz março mars marzo maart mrt marts marzec marca březen března marec március márc martie "
    "maret bře maaliskuu maaliskuuta mart μάρτιος μαρτίου μαρ март марта мар березень березня бер",
    "apr april abril abr avril avr aprile kwiecień kwietnia kwi duben dubna dub apríl április ápr aprilie huhtikuu "
    "huhtikuuta nisan nis απρίλιος απριλίου απρ апрель апреля апр квітень квітня кві",
    "may mai maio mayo maggio mag mei maj május máj maja květen května kvě toukokuu toukokuuta mayıs μάιος μαΐου "
    "μάι μαΐ mei май мая травень травня тра",
    "jun june juni junho juin junio giugno giu czerwiec czerwca cze červen června jún június iunie kesäkuu kesäkuuta "
    "iun čvn ιούν haziran haz ιούνιος ιουνίου ιουν июнь июня июн червень червня чер",
    "jul july juli julho juillet juil julio luglio lug lipiec lipca lip červenec července júl július iulie heinäkuu "
    "iul čvc ιούλ лип heinäkuuta temmuz tem ιούλιος ιουλίου ιουλ июль июля июл липень липня",
    "aug august agosto ago août aou augustus augusti sierpień sierpnia sie srpen srpna augusztus elokuu elokuuta "
    "srp agustus agu agt ags ağustos ağu αύγουστος αυγούστου αυγ август августа авг серпень серпня сер",
    "sep sept september setembro septembre septiembre setiembre settembre set wrzesień września wrz září szeptember "
    "szept septembrie syyskuu syyskuuta eylül eyl zář σεπτέμβριος σεπτεμβρίου σεπ сентябрь сентября сен сент вересень "
    "вересня вер",
    "oct october oktober okt outubro out octobre octubre ottobre ott październik października paź říjen října október "
    "octombrie lokakuu lokakuuta ekim eki říj οκτώβριος οκτωβρίου οκτ октябрь октября окт жовтень жовтня жов",
    "nov november novembro novembre noviembre listopad listopada lis listopadu noiembrie marraskuu marraskuuta kasım "
    "kas νοέμβριος νοεμβρίου νοε ноябрь ноября ноя нояб лис листопад листопада",
    "dec december dezember dez dezembro décembre déc diciembre dic dicembre desember des grudzień grudnia gru pro "
    "prosinec prosince decembrie joulukuu joulukuuta aralık ara δεκέμβριος δεκεμβρίου δεκ декабрь декабря дек "
    "грудень грудня гру",
)
_WEEKDAYS = """
    mon monday tue tues tuesday wed wednesday thu thur thurs thursday fri friday sat saturday sun sunday
    mo montag di dienstag mi mittwoch do donnerstag fr freitag sa samstag so sonntag sonnabend
    lundi lun mardi mercredi mer jeudi jeu vendredi ven samedi sam dimanche dim
    lunes martes miércoles mié jueves jue viernes vie sábado sáb domingo dom
    lunedì martedì mercoledì giovedì gio venerdì sabato sab domenica
    segunda terça quarta quinta sexta maandag ma dinsdag woensdag wo donderdag vrijdag vr zaterdag za zondag zo
    понедельник пн вторник вт среда ср четверг чт пятница пт суббота сб воскресенье вс
"""
MONTHS = {name: month for month, names in enumerate(_MONTHS, start=1) for name in names.split()}
"""Month by its name in lower case."""
WEEKDAYS = frozenset(_WEEKDAYS.split())
_BEFORE_DIGITS = """
    mar seg ter qua qui sex mie sab pon wt śr czw pt sob ndz niedz mån tis ons tor fre lör sön man tir lør søn
    ti ke to pe la su po út st čt pá so ne h k sze cs p szo v pzt sal çar per cum cmt paz
"""
DAYS_BEFORE_DIGITS = WEEKDAYS | frozenset(_BEFORE_DIGITS.split())
"""Names of weekdays before a date in digits, where mar is not March, and to and per are not words."""


def month_of(word: str) -> int | None:
    """Return the month (1 to 12) that a word names, None if it is not a month.

    >>> month_of("Dec"), month_of("AUGUST"), month_of("février"), month_of("janv."), month_of("town")
    (12, 8, 2, 1, None)
    """
    return MONTHS.get(word.lower().rstrip("."))


def is_weekday(word: str) -> bool:
    """Whether a word is the name of a weekday.

    >>> is_weekday("Tue"), is_weekday("Freitag"), is_weekday("town")
    (True, True, False)
    """
    return word.lower().rstrip(".") in WEEKDAYS
