// A timestamp: the numbers that a network reads of a date or a time of day, from milliseconds since 1970-01-01 or midnight.
"use strict";

const DAY = 86400000, HOUR = 3600000, MINUTE = 60000;

const dayOf = (at) => Math.floor(at / DAY);
const within = (at, length) => ((at % length) + length) % length;

// Date.UTC takes the years 0 to 99 for those of the last century.
const startOfYear = (at) => new Date(0).setUTCFullYear(new Date(at).getUTCFullYear(), 0, 1);

const PARTS = {
  days: (at) => at / DAY,
  hours: (at) => at / HOUR,
  year: (at) => new Date(at).getUTCFullYear(),
  month: (at) => new Date(at).getUTCMonth() + 1,
  "day of month": (at) => new Date(at).getUTCDate(),
  "day of week": (at) => new Date(at).getUTCDay() || 7,
  "day of year": (at) => dayOf(at) - dayOf(startOfYear(at)) + 1,
  hour: (at) => Math.floor(within(at, DAY) / HOUR),
  minute: (at) => Math.floor(within(at, HOUR) / MINUTE),
};

// What a value of a column becomes: a number is itself, a date is its parts; NaN is missing in all of them.
function numbersOf(column, value) {
  if (column.kind === "text") return column.value;
  if (!column.parts) return [value];
  return column.parts.map((part) => (Number.isNaN(value) ? NaN : PARTS[part](value)));
}

// A timestamp as people write it, to the day or to the minute.
function timestampText(column, at) {
  const text = new Date(at).toISOString();
  const [date, time] = text.split("T");
  return column.input === "time" ? time.slice(0, 5) : column.input === "date" ? date : `${date} ${time.slice(0, 5)}`;
}
