// A date or time in microseconds, from a Date or a text. The files for dates, times and other notations add to forms, each
// a function of (column, text) that gives a number, NaN for a missing value, or undefined if the text has another form.
const DAY = 86400e6, HOUR = 3600e6, forms = [];
const clockOf = (h, m = 0, s = 0, part = "") => (h < 24 && m < 60 && s < 60 ? h * HOUR + m * 60e6 + s * 1e6 + Number(part.slice(0, 6).padEnd(6, "0")) : Infinity);
const modulo = (x, y) => ((x % y) + y) % y;
function momentOf(column, value) {
  if (blank(value, data.missing)) return NaN;
  if (value.getTime?.() < Infinity) return column.kind === "date" ? value * 1e3 : modulo(value * 1e3, DAY);
  const text = isObject(value) ? "" : trim(value);
  for (const form of forms) {
    const found = form(column, text);
    if (found < Infinity || found !== found) return found;
  }
  fail(column, value, `not a ${column.kind} that is read here: pass a Date or ${column.kind === "date" ? "2024-01-31" : "18:30"}`);
}
const PARTS = {};
PARTS.minute = (t) => Math.floor(modulo(t, HOUR) / 60e6); // if minute
const partsOf = (column, value) => {
  const t = momentOf(column, value), day = new Date(Math.floor(t / 1e3));
  return column.parts.map((part) => (t !== t ? NaN : PARTS[part](t, day)));
};
