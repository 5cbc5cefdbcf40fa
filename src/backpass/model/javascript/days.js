// Dates in ISO 8601, and the parts of dates.
const dayOf = (y, m, d) => {
  const day = new Date(0);
  day.setUTCFullYear(y, m - 1, d);
  return y > 0 && day.getUTCMonth() === m - 1 && day.getUTCDate() === +d ? day * 1e3 : Infinity;
};
Object.assign(PARTS, {
  days: (t) => t / DAY,
  year: (t, day) => day.getUTCFullYear(), // if year
  month: (t, day) => day.getUTCMonth() + 1, // if month
  "day of month": (t, day) => day.getUTCDate(), // if day of month
  "day of week": (t, day) => day.getUTCDay() || 7, // if day of week
  "day of year": (t, day) => Math.floor(t / DAY) - new Date(0).setUTCFullYear(day.getUTCFullYear(), 0, 1) / 864e5 + 1, // if day of year
  hour: (t) => Math.floor(modulo(t, DAY) / HOUR), // if hour
});
forms.push((column, text) => {
  const match = column.kind === "date" && /^(\d{4})(?:-(\d\d)-(\d\d)|\/(\d\d?)\/(\d\d?))(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)? ?(Z|[-+]\d\d(?::?\d\d)?)?)?$/.exec(text);
  if (!match) return;
  const zone = /^([-+])(\d\d):?(\d\d)?$/.exec(match[10] ?? "");
  return dayOf(match[1], match[2] ?? match[4], match[3] ?? match[5]) + clockOf(...[6, 7, 8].map((k) => match[k] ?? 0), match[9]) - (zone ? Number(zone[1] + 1) * (zone[2] * HOUR + (zone[3] ?? 0) * 60e6) : 0);
});
