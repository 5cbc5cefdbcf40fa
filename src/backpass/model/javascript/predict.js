const trim = (value) => String(value).replace(/^[ \t]+|[ \t]+$/g, ""),
  blank = (value, tokens) => value == null || value !== value || (typeof value === "string" && tokens.includes(trim(value))),
  isObject = (value) => value === Object(value),
  described = (value) => (isObject(value) ? {}.toString.call(value) : typeof value === "string" ? JSON.stringify(value) : String(value)),
  fail = (column, value, what) => {
    throw new TypeError(place + (column ? `column ${JSON.stringify(column.name)}: ` : "") + described(value) + " is " + what);
  },
  arrayOf = ([kind, text]) => new globalThis[kind](Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer),
  theta = arrayOf(data.theta),
  constants = data.constants.map((each) => each.map(arrayOf));
let made = null, place = "";
function outputsOf(rows, start) {
  const n = rows.length;
  if (made?.n !== n) made = { n, steps: steps.map((step, k) => step({ n }, constants[k])) };
  const [inputs, ...networks] = made.steps, decode = networks.pop(), average = networks.pop(),
    numbers = new Float64Array(n * data.widths[0]), codes = new Int32Array(n * data.widths[1]);
  let next = 0, own = 0;
  for (const row of rows) {
    place = start < 0 ? "" : `rows[${start++}]: `;
    if (!isObject(row) || Array.isArray(row)) fail(null, row, "not a row {column: value}");
    for (const column of data.columns) {
      const value = Object.hasOwn(row, column.name) ? row[column.name] : fail(column, undefined, "not in the row: pass null for a missing value");
      if (isObject(value) && !column.parts) fail(column, value, "not a string, number or boolean");
      if (column.levels) codes[own++] = codeOf(column, value);
      else if (column.parts) for (const number of partsOf(column, value)) numbers[next++] = number;
      else if (column.bounds) for (const number of boundOf(column, value)) numbers[next++] = number; // if bounds
      else numbers[next++] = numberOf(column, value);
    }
  }
  const [x] = inputs(numbers, codes), outputs = [];
  let first = 0;
  data.groups.forEach(([count, size], g) => {
    for (const end = first + count * size; first < end; first += size) outputs.push(networks[g](theta.subarray(first, first + size), x)[0].slice());
  });
  return decode(...(outputs.length > 1 ? average(...outputs) : outputs));
}

// The number of the class that a row is given, by the weights or the threshold of the model.
function decided(p) { // if classes
  const { positive, threshold, weights } = data.decision, // if classes
    best = (values) => values.reduce((top, value, j) => (value > values[top] ? j : top), 0); // if classes
  if (weights.length) return best(p.map((value, j) => value * weights[j])); // if classes
  return threshold === 0.5 ? best(p) : p[positive] >= threshold ? positive : 1 - positive; // if classes
} // if classes

export const target = data.target, classes = data.classes, columns = data.columns.map(({ name, kind, levels }) => ({ name, kind, ...(levels && { levels }) }));

// The prediction of one row {column: value}, or of each row of a list: a number; for a class {class, probabilities};
// for several targets or labels {title: number}.
export function predict(rows) {
  const isList = Array.isArray(rows), found = [];
  if (!isList) rows = [rows];
  for (let start = 0; start < rows.length; start += 256) {
    const block = rows.slice(start, start + 256), results = outputsOf(block, isList ? start : -1);
    block.forEach((_, i) => {
      const k = classes.length, values = Array.from(results[0].subarray(i * k, (i + 1) * k)); // if classes
      found.push({ class: classes[decided(values)], probabilities: Object.fromEntries(values.map((p, j) => [classes[j], p])) }); // if classes
      found.push(Object.fromEntries(results.map((each, j) => [data.titles[j], each[i]]))); // if several
      found.push(results[0][i] + 0); // if number
    });
  }
  return isList ? found : found[0];
}
