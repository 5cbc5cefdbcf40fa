// The table of the page: columns of numbers and of categories, from the page itself or from a CSV file dropped on it.
// A column is {name, kind, values}; a categorical one has levels, and codes as values, 0 where missing or unknown.
const MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"];
const MOST_LEVELS = 24, MOST_ROWS = 50000, MOST_COLUMNS = 60;
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/, COMMA = /^[-+]?\d*,(\d{1,2}|\d{4,})$/;

// The delimiter: what the first line has most of.
function delimiterOf(text) {
  const first = text.slice(0, 5000).split(/\r?\n/)[0].replace(/"[^"]*"/g, "");
  return [",", ";", "\t", "|"].map((each) => [first.split(each).length, each]).sort((a, b) => b[0] - a[0])[0][1];
}

// The rows of delimited text (RFC 4180).
function rowsOf(text, delimiter) {
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  const rows = [];
  let row = [], cell = "", quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[i + 1] === '"') { cell += '"'; i++; }
      else quoted = false;
    } else if (character === '"' && cell === "") quoted = true;
    else if (character === delimiter) { row.push(cell); cell = ""; }
    else if (character === "\n" || character === "\r") {
      if (character === "\r" && text[i + 1] === "\n") i++;
      row.push(cell); cell = "";
      if (row.length > 1 || row[0] !== "") rows.push(row);
      row = [];
      if (rows.length > MOST_ROWS) return rows;
    } else cell += character;
  }
  if (cell !== "" || row.length) { row.push(cell); rows.push(row); }
  return rows;
}

// The columns of a CSV text, and notes on what is left out.
function columnsOf(text) {
  const delimiter = delimiterOf(text), [head, ...rows] = rowsOf(text, delimiter), notes = [], columns = [];
  const hasComma = delimiter !== "," && rows.some((row) => row.some((cell) => COMMA.test(cell.trim())));
  const numeral = (cell) => (hasComma ? cell.replace(",", ".") : cell);
  if (!head || !rows.length) throw new Error("The file has no rows below a header.");
  if (rows.length >= MOST_ROWS) notes.push(`Only the first ${MOST_ROWS.toLocaleString("en-US")} rows are read.`);
  const names = head.map((name, j) => name.trim() || `column ${j + 1}`);
  if (new Set(names).size < names.length) throw new Error("Two columns have one name.");
  names.forEach((name, j) => {
    const texts = rows.map((row) => (row[j] ?? "").trim()), there = texts.filter((each) => !MISSING.includes(each));
    const different = new Set(there);
    if (different.size < 2) return notes.push(`${name} is left out: it has one value.`);
    if (there.every((each) => NUMBER.test(numeral(each)) && Number.isFinite(Number(numeral(each))))) {
      return columns.push({ name, kind: "numeric", values: texts.map((each) => (MISSING.includes(each) ? NaN : Number(numeral(each)))) });
    }
    if (different.size > MOST_LEVELS) return notes.push(`${name} is left out: ${different.size} different texts, more than ${MOST_LEVELS}. backpass fit reads dates, units and many categories.`);
    const levels = [...different].sort();
    columns.push({ name, kind: "categorical", levels, values: texts.map((each) => levels.indexOf(each) + 1) });
  });
  if (columns.length < 2) throw new Error("At least two columns of numbers or categories are needed.");
  if (columns.length > MOST_COLUMNS) notes.push(`Only the first ${MOST_COLUMNS} columns are shown.`);
  return { columns: columns.slice(0, MOST_COLUMNS), notes };
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
// missing numbers, one input per category.
function encode(columns, target, rows, training) {
  const numeric = columns.filter((each) => each.kind === "numeric"), texts = columns.filter((each) => each.kind === "categorical");
  const map = {
    numeric: numeric.map((column) => {
      const values = training.map((i) => column.values[i]), held = values.filter((each) => !Number.isNaN(each));
      const [center, scale] = standard(held);
      return { column, center, scale, missing: held.length < values.length };
    }),
    texts: texts.map((column) => ({ column, unknown: training.some((i) => column.values[i] === 0) })),
  };
  map.names = [
    ...map.numeric.map(({ column }) => column.name),
    ...map.numeric.filter(({ missing }) => missing).map(({ column }) => `${column.name} missing`),
    ...map.texts.flatMap(({ column, unknown }) => [...(unknown ? [`${column.name} missing`] : []), ...column.levels.map((level) => `${column.name} = ${level}`)]),
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

// x (n, d) of values value(column, i).
function inputsOf(map, n, value) {
  const d = map.width, x = new Float32Array(n * d);
  for (let i = 0; i < n; i++) {
    let place = i * d;
    for (const { column, center, scale } of map.numeric) {
      const z = (0.5 * value(column, i) - 0.5 * center) * (2 * scale);
      x[place++] = Number.isNaN(z) ? 0 : Math.min(Math.max(z, -1e6), 1e6);
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

// Uniform numbers in [0, 1) from a seed (mulberry32).
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(items, random) {
  const order = items.slice();
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
