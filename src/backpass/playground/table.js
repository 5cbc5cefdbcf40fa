// The table of the page: columns of numbers, categories, dates and times, from the page or from a CSV file dropped on it.
// A column is {name, kind, values}. A categorical one has levels, and codes as values, 0 where missing or unknown; a date or
// a time has parts, and days since 1970 or hours since midnight as values.
const AMONG_NUMBERS = ["NA", "None"], ALWAYS = ["", "N/A", "NaN", "nan", "null", "NULL", "?"], MISSING = [...ALWAYS, ...AMONG_NUMBERS];
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

// A column of dates or times with the parts that vary, as fit takes them.
function momentsOf(name, kind, texts, isMissing) {
  const values = texts.map((text) => (isMissing(text) ? NaN : momentOf(kind, text)));
  const there = values.filter((value) => !Number.isNaN(value));
  const [[first], ...others] = facts.parts[kind];
  const varies = ([part]) => there.some((value) => partOf(kind, part, value) !== partOf(kind, part, there[0]));
  return { name, kind, parts: [first, ...others.filter(varies).map(([part]) => part)], values };
}

// The categories of texts, the most frequent ones in order; the others have code 0. Texts that differ only in spaces or a
// period at the end are one category.
const BOOLEANS = { True: "true", TRUE: "true", False: "false", FALSE: "false" };
const tidy = (text) => {
  const plain = text.replace(/[\u200b\u2060\ufeff]/g, "").trim().replace(/\s+/g, " ").replace(/(?<=[\p{L}\p{N}_])\.$/u, "").normalize("NFC");
  return BOOLEANS[plain] ?? plain;
};
function categoriesOf(name, texts, isMissing) {
  const written = new Map(), counts = new Map();
  const there = new Set(texts.filter((text) => !isMissing(text)));
  for (const text of there) written.set(tidy(text), (written.get(tidy(text)) ?? 0) + 1);
  const levelOf = (text) => (written.get(tidy(text)) > 1 && tidy(text) ? tidy(text) : Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : text);
  for (const text of texts) if (there.has(text)) counts.set(levelOf(text), (counts.get(levelOf(text)) ?? 0) + 1);
  const levels = [...counts].sort((a, b) => b[1] - a[1] || (byCharacters(a[0], b[0]))).slice(0, MOST_LEVELS).map(([text]) => text).sort(byCharacters);
  const codes = new Map(levels.map((level, j) => [level, j + 1]));
  return { column: { name, kind: "categorical", levels, values: texts.map((text) => (there.has(text) ? codes.get(levelOf(text)) ?? 0 : 0)) }, different: counts.size };
}

// The order of Python: by characters, not by the 16-bit units of JavaScript.
function byCharacters(a, b) {
  const p = [...a], q = [...b];
  for (let i = 0; i < p.length && i < q.length; i++) if (p[i] !== q[i]) return p[i].codePointAt(0) - q[i].codePointAt(0);
  return p.length - q.length;
}
const widthOf = ({ kind, levels, parts }) => (kind === "categorical" ? levels.length + 1 : parts ? 3 * parts.length + 1 : 2);
const canBeTarget = ({ kind, levels, values }) => (kind === "numeric" && new Set(values.filter((each) => !Number.isNaN(each))).size > 1) || (kind === "categorical" && levels.length >= 2 && levels.length <= MOST_CLASSES);

// Numbers that fit may take for dates or times: 20240131, 202401, seconds since 1970, and others where the name says so.
function mayBeMoments(name, values) {
  const different = [...new Set(values)], all = (fits) => different.every(fits), near = (year) => year >= 1800 && year < 2200;
  const isDay = (x) => near(Math.floor(x / 1e4)) && Math.floor(x / 100) % 100 >= 1 && Math.floor(x / 100) % 100 <= 12 && x % 100 >= 1 && x % 100 <= 31;
  const isMonth = (x) => near(Math.floor(x / 100)) && x % 100 >= 1 && x % 100 <= 12, isClock = (x) => x >= 0 && x < 2400 && x % 100 < 60;
  if (different.length < 2 || !all((x) => x >= 0)) return false;
  if ([1, 1e4, 1e6].some((scale) => all((x) => Number.isInteger(x) && isDay(Math.floor(x / scale)))) || all(isMonth)) return true;
  if ([1, 1e3, 1e6, 1e9].some((unit) => all((x) => x / unit >= 315532800 && x / unit <= 2524608000))) return true;
  if (different.length >= 20 && all((x) => Number.isInteger(x) && x > 9999 && isDay(19e6 + x))) return true;
  const words = name.replace(/(?<=\p{Ll})(?=\p{Lu})/gu, " ").toLowerCase().match(/\p{L}+/gu) ?? [];
  const isNamed = words.some((word) => facts.reading.moments.includes(word) || /(date|datum|timestamp|time|zeit)$/.test(word));
  const clocks = different.length >= 20 ? [isClock, (x) => isClock(Math.round(100 * x))] : [];
  return isNamed && [(x) => x >= 25569 && x < 55153, (x) => isDay(19e6 + x), (x) => near(Math.floor(x / 1e3)) && x % 1e3 <= 366, ...clocks].some(all);
}

// Texts that fit may take for numbers, dates or durations in another notation: they begin with a digit or a currency, or
// have a year or two numbers behind a word, as dates with the names of months have.
function mayBeNumeral(text) {
  const [, word, digit] = /^[^\p{L}\p{N}]*(\p{L}+\$?|)[^\p{L}\p{N}]*(\p{N})?/u.exec(text);
  if (!word || (digit && (facts.reading.currencies.includes(word) || /^(p|pt|q|w|cw|kw)$/i.test(word)))) return digit !== undefined;
  return /(^|\D)(1[89]|2[01])\d\d(\D|$)|\d\D+\d/.test(text) || (/\d$/.test(text) && facts.reading.months.includes(word.toLowerCase()));
}

const meansMissing = (text, different) => {
  const plain = text.toLowerCase().trim().replace(/\s+/g, " "), { signs, words } = facts.reading;
  return text.length <= 60 && ((signs.includes(plain) && different >= 2) || (words.includes(plain) && different >= 6));
};
const areBooleans = (texts) => {
  const found = [...new Set(texts.map((text) => text.toLowerCase()))].sort().join();
  return ["true", "false", "false,true"].includes(found) ? "true" : ["f,t", "no,yes", "n,y"].includes(found) ? "yes" : "";
};

// A column of texts: {column}, or {left} and why it is left out, and whether fit takes it. Kinds are those of fit: numbers, dates or
// times if all texts are, an error if nearly all are, otherwise categories.
function columnOf(name, texts, lines, numeral) {
  const rows = new Map(), isNumber = (text) => NUMBER.test(numeral(text)), isInfinite = (text) => /^[-+]?inf(inity)?$/i.test(text) || (isNumber(text) && !Number.isFinite(Number(numeral(text))));
  for (const text of texts) if (!ALWAYS.includes(text)) rows.set(text, (rows.get(text) ?? 0) + 1);
  const held = [...rows.keys()].filter((text) => !AMONG_NUMBERS.includes(text)), total = (list) => list.reduce((sum, text) => sum + rows.get(text), 0);
  if (!held.length) return { left: "it has no value" };
  if (rows.size === 1 && total([...rows.keys()]) === texts.length) return { left: "it has one value" };
  const isPadded = held.some((text) => isNumber(text) && /^[-+]?0\d/.test(text));
  const kinds = { number: (text) => isNumber(text) || isInfinite(text), date: (text) => !Number.isNaN(momentOf("date", text)), time: (text) => !Number.isNaN(momentOf("time", text)) };
  for (const [kind, fits] of Object.entries(kinds)) {
    const own = held.filter(fits), strange = held.filter((text) => !fits(text)), gaps = strange.filter((text) => meansMissing(text, own.length));
    const others = strange.filter((text) => !gaps.includes(text)), share = total(own) / (total(own) + total(others));
    if (!own.length || share < 0.9 || (kind === "number" && isPadded)) continue;
    const wrong = [...others, ...(kind === "number" ? own.filter(isInfinite) : [])];
    if (wrong.length) refuse(`Column ${name}: ${counted(total(own), kind)}, but line ${lines[texts.indexOf(wrong[0])]} has ${JSON.stringify(wrong[0])}${wrong.length > 1 ? `, and ${counted(wrong.length - 1, "other value")}` : ""}. Correct it, or leave the cell empty if the value is missing.`, mayBeNumeral(wrong[0]) ? "backpass play reads other notations." : "");
    const note = gaps.length ? `${name}: ${gaps.map((text) => JSON.stringify(text)).join(", ")} (${counted(total(gaps), "row")}) is read as missing.` : "", isMissing = (text) => MISSING.includes(text) || gaps.includes(text);
    if (kind !== "number") return { column: momentsOf(name, kind, texts, isMissing), note };
    const values = texts.map((text) => (isMissing(text) ? NaN : Number(numeral(text))));
    if (mayBeMoments(name, values.filter((value) => !Number.isNaN(value)))) return { left: "its numbers may be dates or times", isTaken: true };
    return { column: { name, kind: "numeric", values }, note };
  }
  if (!(isPadded && held.every(isNumber)) && held.some(mayBeNumeral)) return { left: `it has numbers or dates in another notation, such as ${JSON.stringify(held.find(mayBeNumeral))}`, isTaken: true };
  const booleans = areBooleans(held), gaps = booleans === "true" ? AMONG_NUMBERS : booleans ? ["NA"] : [];
  const { column, different } = categoriesOf(name, texts, (text) => ALWAYS.includes(text) || gaps.includes(text)), there = total([...rows.keys()]);
  if (different === 1 && there === texts.length) return { left: "it has one value" };
  if ((different > MOST_CLASSES && 2 * different > there) || (there >= 20 && different > 0.9 * there)) return { left: `it has ${different} different texts in ${counted(there, "row")}`, isTaken: true };
  return { column, note: different > MOST_LEVELS ? `${name}: the ${MOST_LEVELS} most frequent categories are kept, the others count as unknown.` : "" };
}

// The columns of a CSV text, and notes on what is left out.
function columnsOf(text) {
  const { delimiter, names, rows, lines, notes } = tableOf(text), columns = [], omitted = [];
  let width = 0;
  const hasComma = delimiter !== "," && rows.some((row) => row.some((cell) => COMMA.test(cell)));
  const numeral = (cell) => (hasComma ? cell.replace(",", ".") : cell);
  if (rows.length >= MOST_ROWS) notes.push(`Only the first ${MOST_ROWS.toLocaleString("en-US")} rows are read.`);
  names.forEach((name, j) => {
    const { column, note, left, isTaken } = columnOf(name, rows.map((row) => row[j]), lines, numeral);
    if (note) notes.push(note);
    const isWide = column && width + widthOf(column) > MOST_INPUTS;
    if (left || isWide) {
      if (isTaken || isWide) omitted.push(name);
      notes.push(`${name} is left out${isTaken || isWide ? " here" : ""}: ${left ?? `it would need ${widthOf(column)} more inputs`}.${isTaken ? " backpass fit reads free text, units and other notations." : isWide ? " backpass fit reads it." : ""}`);
      return;
    }
    width += widthOf(column);
    columns.push(column);
  });
  if (columns.length < 2 || !columns.some(canBeTarget)) refuse("A column of numbers or classes to predict, and another column, are needed.", ...notes);
  const target = columns.findLast(canBeTarget), last = columns[columns.length - 1];
  if (target !== last) notes.push(`${last.name} cannot be predicted here (${last.levels ? `${last.levels.length} classes, at most ${MOST_CLASSES}` : last.kind}), so ${target.name} is.`);
  else if (last.name !== names[names.length - 1]) notes.push(`The last column is left out, so ${target.name} is predicted.`);
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
