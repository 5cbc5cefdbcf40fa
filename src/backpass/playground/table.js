// The table of the page: columns of numbers, categories, dates and times, from the page or from a CSV file dropped on it.
// A column is {name, kind, values}. A categorical one has levels, and codes as values, 0 where missing or unknown; a date or
// a time has parts, and days since 1970 or hours since midnight as values.
const MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"];
const MOST_CLASSES = 24, MOST_LEVELS = 255, MOST_INPUTS = 4000, MOST_ROWS = 50000, MOST_COLUMNS = 60;
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/, COMMA = /^[-+]?\d*,(\d{1,2}|\d{4,})$/;

// Dates and times: their forms in a file, and the parts of a whole in microseconds.
const MOMENTS = {
  date: /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?)?$/,
  time: /^()()()(\d\d?):(\d\d)(?::(\d\d(?:\.\d+)?))?$/,
};
const UNITS = { date: 86400e6, time: 3600e6 };
const modulo = (x, y) => ((x % y) + y) % y;
const PARTS = {
  days: (t) => t / UNITS.date,
  hours: (t) => t / UNITS.time,
  year: (t, day) => day.getUTCFullYear(),
  month: (t, day) => day.getUTCMonth() + 1,
  "day of month": (t, day) => day.getUTCDate(),
  "day of week": (t, day) => day.getUTCDay() || 7,
  "day of year": (t, day) => Math.floor(t / UNITS.date) - new Date(0).setUTCFullYear(day.getUTCFullYear(), 0, 1) / 864e5 + 1,
  hour: (t) => Math.floor(modulo(t, UNITS.date) / UNITS.time),
  minute: (t) => Math.floor(modulo(t, UNITS.time) / 60e6),
};
const isMoment = ({ kind }) => kind === "date" || kind === "time";
const partOf = (kind, part, value) => {
  const t = Math.round(value * UNITS[kind]);
  return PARTS[part](t, new Date(Math.floor(t / 1e3)));
};

// A text as days or hours; NaN if it is no date or time of this form.
function momentOf(kind, text) {
  const found = MOMENTS[kind].exec(text);
  if (!found) return NaN;
  const [year, month, day, hour, minute, second] = found.slice(1).map((each) => Number(each ?? 0));
  const midnight = new Date(0);
  if (kind === "date") midnight.setUTCFullYear(year, month - 1, day);
  const isRight = hour < 24 && minute < 60 && second < 60 && (kind === "time" || (year > 0 && midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day));
  return isRight ? (midnight.getTime() * 1e3 + hour * 3600e6 + minute * 60e6 + Math.floor(second * 1e6)) / UNITS[kind] : NaN;
}

// A column of dates or times with the parts that vary, as fit takes them; null if a text is neither.
function momentsOf(name, kind, texts) {
  const values = texts.map((text) => (MISSING.includes(text) ? NaN : momentOf(kind, text)));
  if (values.some((value, i) => Number.isNaN(value) && !MISSING.includes(texts[i]))) return null;
  const there = values.filter((value) => !Number.isNaN(value));
  const [[first], ...others] = facts.parts[kind];
  const varies = ([part]) => there.some((value) => partOf(kind, part, value) !== partOf(kind, part, there[0]));
  return { name, kind, parts: [first, ...others.filter(varies).map(([part]) => part)], values };
}

// The most frequent categories, in order; the others have code 0.
function categoriesOf(name, texts) {
  const counts = new Map();
  for (const text of texts) if (!MISSING.includes(text)) counts.set(text, (counts.get(text) ?? 0) + 1);
  const levels = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, MOST_LEVELS).map(([text]) => text).sort();
  const codes = new Map(levels.map((level, j) => [level, j + 1]));
  return { name, kind: "categorical", levels, values: texts.map((text) => codes.get(text) ?? 0) };
}
const widthOf = ({ kind, levels, parts }) => (kind === "categorical" ? levels.length + 1 : parts ? 3 * parts.length + 1 : 2);
const canBeTarget = ({ kind, levels }) => kind === "numeric" || (kind === "categorical" && levels.length >= 2 && levels.length <= MOST_CLASSES);

// The delimiter: what the first line has most of.
function delimiterOf(text) {
  const first = text.slice(0, 5000).split(/\r?\n/)[0].replace(/"[^"]*"/g, "");
  return [",", ";", "\t", "|"].map((each) => [first.split(each).length, each]).sort((a, b) => b[0] - a[0])[0][1];
}

// The rows of delimited text (RFC 4180).
function rowsOf(text, delimiter) {
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  const rows = [];
  let row = [], cell = "", quoted = false, opened = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[i + 1] === '"') { cell += '"'; i++; }
      else quoted = false;
    } else if (character === '"' && cell === "") { quoted = true; opened = rows.length + 1; }
    else if (character === delimiter) { row.push(cell); cell = ""; }
    else if (character === "\n" || character === "\r") {
      if (character === "\r" && text[i + 1] === "\n") i++;
      row.push(cell); cell = "";
      if (row.length > 1 || row[0] !== "") rows.push(row);
      row = [];
      if (rows.length > MOST_ROWS) return rows;
    } else cell += character;
  }
  if (quoted) throw new Error(`A quotation mark opens in row ${opened} and is not closed.`);
  if (cell !== "" || row.length) { row.push(cell); rows.push(row); }
  return rows;
}

// The columns of a CSV text, and notes on what is left out.
function columnsOf(text) {
  const delimiter = delimiterOf(text), [head, ...rows] = rowsOf(text, delimiter), notes = [], columns = [], omitted = [];
  let width = 0;
  const keep = (column) => {
    width += widthOf(column);
    if (width <= MOST_INPUTS) return columns.push(column);
    omitted.push(column.name);
    return notes.push(`${column.name} is left out here: it would need ${widthOf(column)} more inputs. backpass fit reads it.`);
  };
  const hasComma = delimiter !== "," && rows.some((row) => row.some((cell) => COMMA.test(cell.trim())));
  const numeral = (cell) => (hasComma ? cell.replace(",", ".") : cell);
  if (!head || !rows.length) throw new Error("The file has no rows below a header.");
  if (rows.length >= MOST_ROWS) notes.push(`Only the first ${MOST_ROWS.toLocaleString("en-US")} rows are read.`);
  const names = head.map((name, j) => name.trim() || `column ${j + 1}`);
  const twice = names.find((name, j) => names.indexOf(name) < j);
  if (twice !== undefined) throw new Error(`Two columns are named ${twice}.`);
  const longer = rows.filter((row) => row.length > names.length).length;
  if (longer) notes.push(`${longer.toLocaleString("en-US")} ${longer > 1 ? "rows have" : "row has"} more cells than the header; the last ones are left out.`);
  names.forEach((name, j) => {
    const texts = rows.map((row) => (row[j] ?? "").trim()), there = texts.filter((each) => !MISSING.includes(each));
    const different = new Set(there);
    if (different.size < 2) return notes.push(`${name} is left out: it has one value.`);
    if (there.every((each) => NUMBER.test(numeral(each)) && Number.isFinite(Number(numeral(each))))) {
      return keep({ name, kind: "numeric", values: texts.map((each) => (MISSING.includes(each) ? NaN : Number(numeral(each)))) });
    }
    const moments = momentsOf(name, "date", texts) ?? momentsOf(name, "time", texts);
    if (moments) return keep(moments);
    if (different.size > MOST_CLASSES && 2 * different.size > there.length) {
      omitted.push(name);
      return notes.push(`${name} is left out here: ${different.size} different texts in ${there.length} rows. backpass fit reads free text, units and other forms of dates.`);
    }
    if (different.size > MOST_LEVELS) notes.push(`${name}: the ${MOST_LEVELS} most frequent categories are kept, the others count as unknown.`);
    return keep(categoriesOf(name, texts));
  });
  if (columns.length < 2 || !columns.some(canBeTarget)) {
    throw new Error(["A column of numbers or classes to predict, and another column, are needed.", ...notes].join(" "));
  }
  const target = columns.findLast(canBeTarget), last = columns[columns.length - 1];
  if (target !== last) notes.push(`${last.name} cannot be predicted here (${last.levels ? `${last.levels.length} classes, at most ${MOST_CLASSES}` : last.kind}), so ${target.name} is.`);
  const inputs = columns.filter((each) => each !== target).slice(0, MOST_COLUMNS - 1);
  const shown = columns.filter((each) => each === target || inputs.includes(each));
  if (shown.length < columns.length) notes.push(`Only the first ${inputs.length} columns and the target ${target.name} are shown.`);
  omitted.push(...columns.filter((each) => !shown.includes(each)).map(({ name }) => name));
  return { columns: shown, notes, omitted, target: target.name };
}

// Where a target of 2 to 24 classes or of numbers is: {name, task, classes, values}, values NaN where missing.
function targetOf(column) {
  const { name, kind } = column;
  if (kind === "numeric") {
    const different = [...new Set(column.values.filter((each) => !Number.isNaN(each)))].sort((a, b) => a - b);
    if (different.length !== 2) return { name, kind, task: "regression", classes: [], values: column.values };
    const codes = column.values.map((each) => (Number.isNaN(each) ? NaN : different.indexOf(each)));
    return { name, kind, task: "binary", classes: different.map(numberText), values: codes };
  }
  const task = column.levels.length === 2 ? "binary" : "multiclass";
  return { name, kind, task, classes: column.levels, values: column.values.map((code) => (code ? code - 1 : NaN)) };
}

// Inputs x (n, d) and targets y (n, k) in float32, scaled by the training rows: standard scaling, an indicator for
// missing numbers, one input per category, cosine and sine of the cyclic parts of dates.
function encode(columns, target, rows, training) {
  const texts = columns.filter((each) => each.kind === "categorical");
  const numbers = columns.filter((each) => each.kind !== "categorical").flatMap((column) => (isMoment(column) ? partInputs(column) : [{ column, name: column.name, period: 0, leads: true }]));
  const map = {
    columns: columns.filter((each) => each.kind !== "categorical"),
    numeric: numbers.map((input) => {
      const values = training.map((i) => numberAt(input, input.column.values[i])), held = values.filter((each) => !Number.isNaN(each));
      const [center, scale] = standard(held);
      return { ...input, center, scale, missing: input.leads && held.length < values.length };
    }),
    texts: texts.map((column) => ({ column, unknown: training.some((i) => column.values[i] === 0) })),
  };
  map.names = [
    ...map.numeric.map(({ name }) => name),
    ...map.numeric.filter(({ missing }) => missing).map(({ name }) => `${name} is missing`),
    ...map.texts.flatMap(({ column, unknown }) => [...(unknown ? [`${column.name} is missing or new`] : []), ...column.levels.map((level) => `${column.name} = ${level}`)]),
    ...map.numeric.filter(({ period }) => period).flatMap(({ name }) => [`${name} cos`, `${name} sin`]),
  ];
  map.width = map.names.length;
  const [center, scale] = target.task === "regression" ? standard(training.map((i) => target.values[i])) : [0, 1];
  const k = target.task === "multiclass" ? target.classes.length : 1;
  const x = inputsOf(map, rows.length, (column, i) => column.values[rows[i]]), y = new Float32Array(rows.length * k);
  rows.forEach((row, i) => {
    if (target.task === "multiclass") y[i * k + target.values[row]] = 1;
    else y[i] = target.task === "binary" ? target.values[row] : (target.values[row] - center) * (scale || 1);
  });
  return { map, x, y, d: map.width, k, center, deviation: scale ? 1 / scale : 1, n: rows.length };
}

// One input per part of a date or time; the first has the indicator of missing values.
function partInputs(column) {
  const periods = new Map(facts.parts[column.kind]);
  return column.parts.map((part, i) => ({ column, part, name: `${column.name} (${part})`, period: periods.get(part), leads: i === 0 }));
}
const numberAt = ({ column, part }, value) => (part && !Number.isNaN(value) ? partOf(column.kind, part, value) : value);

// x (n, d) of values value(column, i).
function inputsOf(map, n, value) {
  const d = map.width, x = new Float32Array(n * d), waves = d - 2 * map.numeric.filter(({ period }) => period).length;
  for (let i = 0; i < n; i++) {
    let place = i * d, wave = place + waves;
    for (const input of map.numeric) {
      const number = numberAt(input, value(input.column, i)), z = (0.5 * number - 0.5 * input.center) * (2 * input.scale);
      x[place++] = Number.isNaN(z) ? 0 : Math.min(Math.max(z, -1e6), 1e6);
      if (!input.period) continue;
      const turn = number * ((2 * Math.PI) / input.period);
      x[wave++] = Number.isNaN(turn) ? 0 : Math.cos(turn);
      x[wave++] = Number.isNaN(turn) ? 0 : Math.sin(turn);
    }
    for (const { column, missing } of map.numeric) if (missing) x[place++] = Number.isNaN(value(column, i)) ? 1 : 0;
    for (const { column, unknown } of map.texts) {
      const code = value(column, i);
      if (unknown) x[place++] = code === 0 ? 1 : 0;
      for (let j = 1; j <= column.levels.length; j++) x[place++] = code === j ? 1 : 0;
    }
  }
  return x;
}

// The mean and 1 / the standard deviation; scale 0 if all values are equal.
function standard(values) {
  if (!values.length) return [0, 0];
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  const variance = values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / values.length;
  return [mean, variance > 0 ? 1 / Math.sqrt(variance) : 0];
}
