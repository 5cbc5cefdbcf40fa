// A date or time in microseconds, from a Date, ISO 8601, or the notation of the training table.
const DAY = 86400e6, HOUR = 3600e6, MINUTE = 60e6;
const clockOf = (h, m = 0, s = 0, part = "") => (h < 24 && m < 60 && s < 60 ? h * HOUR + m * MINUTE + s * 1e6 + Number(part.slice(0, 6).padEnd(6, "0")) : NaN);
const dayOf = (y, m, d) => {
  const day = new Date(0);
  day.setUTCFullYear(y, m - 1, d);
  return y > 0 && day.getUTCMonth() === m - 1 && day.getUTCDate() === Number(d) ? day.getTime() * 1e3 : NaN;
};
function countedOf(notation, x) {
  const unit = { epoch_seconds: 1e6, epoch_milliseconds: 1e3, epoch_microseconds: 1, epoch_nanoseconds: 1e-3 }[notation];
  if (unit) return unit < 1 ? Math.floor(x / 1e3) : Math.floor(x) * unit + Math.floor((x - Math.floor(x)) * unit);
  if (notation === "spreadsheet_serial") return Math.round((x - 25569) * 86400) * 1e6;
  if (notation === "hh.mm" || notation === "hhmm") {
    const digits = Math.round(notation === "hhmm" ? x : 100 * x);
    return clockOf(Math.floor(digits / 100), digits % 100);
  }
  const digits = String(notation === "yyyymm" ? 100 * x + 1 : x);
  return dayOf(Number(digits.slice(0, -4 - (notation.length - 8 > 0 ? notation.length - 8 : 0))), digits.slice(4, 6), digits.slice(6, 8)) + clockOf(...[8, 10, 12].map((k) => Number(digits.slice(k, k + 2))));
}
function momentOf(column, value) {
  if (blank(value, data.missing)) return NaN;
  if (value instanceof Date) return column.kind === "date" ? value.getTime() * 1e3 : ((value.getTime() % 864e5) + 864e5) % 864e5 * 1e3;
  const text = trim(value);
  let found = NaN, match;
  if (column.counted && /^\d+(\.\d+)?$/.test(text)) {
    if (/^yyyymm/.test(column.counted) && /^(0+|9{8})$/.test(text)) return NaN;
    found = countedOf(column.counted, Number(text));
  } else if (column.kind === "time") {
    match = /^(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/.exec(text);
    if (match) found = clockOf(...match.slice(1));
  } else if ((match = /^(\d{4})(?:-(\d\d)-(\d\d)|\/(\d\d?)\/(\d\d?))(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)? ?(Z|[-+]\d\d(?::?\d\d)?)?)?$/.exec(text))) {
    const zone = /^([-+])(\d\d):?(\d\d)?$/.exec(match[10] ?? "");
    found = dayOf(match[1], match[2] ?? match[4], match[3] ?? match[5]) + clockOf(...[6, 7, 8].map((k) => match[k] ?? 0), match[9]) - (zone ? Number(zone[1] + 1) * (zone[2] * HOUR + (zone[3] ?? 0) * MINUTE) : 0);
  } else if (column.order && (match = /^(\d\d?)([./-]) ?(\d\d?)\2 ?(\d{4}|\d\d)(?:(?:T|,? )(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?([AaPp])\.?[ \u00a0\u202f]?[Mm]\.?)?)?$/.exec(text))) {
    const [day, month, year] = { day_first: [1, 3, 4], month_first: [3, 1, 4], year_first: [4, 3, 1] }[column.order].map((k) => match[k]);
    const hour = match[9] ? (match[5] >= 1 && match[5] <= 12 ? (match[5] % 12) + (/p/i.test(match[9]) ? 12 : 0) : NaN) : match[5] ?? 0;
    found = dayOf(year.length > 2 ? year : Number(year) + (year >= 69 ? 1900 : 2000), month, day) + clockOf(hour, match[6] ?? 0, match[7] ?? 0, match[8]);
  }
  if (found !== found) fail(column, value, `not a ${column.kind} that is read here: pass a Date or ${column.kind === "date" ? "2024-01-31" : "18:30"}`);
  return found;
}
const PARTS = {
  days: (t) => t / DAY,
  hours: (t) => t / HOUR,
  year: (t, day) => day.getUTCFullYear(),
  month: (t, day) => day.getUTCMonth() + 1,
  "day of month": (t, day) => day.getUTCDate(),
  "day of week": (t, day) => day.getUTCDay() || 7,
  "day of year": (t, day) => Math.floor(t / DAY) - new Date(0).setUTCFullYear(day.getUTCFullYear(), 0, 1) / 864e5 + 1,
  hour: (t) => Math.floor((((t % DAY) + DAY) % DAY) / HOUR),
  minute: (t) => Math.floor((((t % HOUR) + HOUR) % HOUR) / MINUTE),
};

const partsOf = (column, value) => {
  const t = momentOf(column, value), day = new Date(Math.floor(t / 1e3));
  return column.parts.map((part) => (t !== t ? NaN : PARTS[part](t, day)));
};
