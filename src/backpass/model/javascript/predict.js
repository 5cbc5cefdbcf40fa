const trim = (value) => String(value).replace(/^[ \t]+|[ \t]+$/g, ""),
  blank = (value, tokens) => value == null || value !== value || (typeof value === "string" && tokens.includes(trim(value))),
  fail = (column, value, what) => {
    throw new TypeError(`column ${JSON.stringify(column.name)}: ${typeof value === "string" ? JSON.stringify(value) : value} is ${what}`);
  },
  arrayOf = ([kind, text]) => new ({ f: Float32Array, d: Float64Array, i: Int32Array, b: Uint8Array })[kind](Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer),
  theta = arrayOf(data.theta),
  constants = data.constants.map((each) => each.map(arrayOf)),
  texts = data.columns.filter((column) => column.levels).length,
  width = data.columns.reduce((total, column) => total + (column.levels ? 0 : column.parts?.length ?? (column.bounds ? 2 : 1)), 0);
let made = null;
function outputsOf(rows) {
  const n = rows.length;
  if (made?.n !== n) made = { n, steps: steps.map((step, k) => step({ n }, constants[k])) };
  const [inputs, ...networks] = made.steps, decode = networks.pop(), average = networks.pop();
  const numbers = new Float64Array(n * width), codes = new Int32Array(n * texts);
  let place = 0, own = 0;
  for (const row of rows) {
    for (const column of data.columns) {
      const value = Object.hasOwn(row, column.name) ? row[column.name] : fail(column, undefined, "not in the row: pass null for a missing value");
      if (column.levels) codes[own++] = codeOf(column, value);
      else if (column.parts) for (const number of partsOf(column, value)) numbers[place++] = number;
      else if (column.bounds) for (const number of boundOf(column, value)) numbers[place++] = number; // if bounds
      else numbers[place++] = numberOf(column, value);
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
  const { positive, threshold, weights } = data.decision; // if classes
  const best = (values) => values.reduce((top, value, j) => (value > values[top] ? j : top), 0); // if classes
  if (weights.length) return best(p.map((value, j) => value * weights[j])); // if classes
  return threshold === 0.5 ? best(p) : p[positive] >= threshold ? positive : 1 - positive; // if classes
} // if classes

export const target = data.target, classes = data.classes, columns = data.columns.map(({ name, kind, levels }) => ({ name, kind, ...(levels && { levels }) }));

// The prediction of one row {column: value}, or of each row of a list: a number; for a class {class, probabilities};
// for several targets or labels {title: number}.
export function predict(rows) {
  if (!Array.isArray(rows)) return predict([rows])[0];
  const found = [];
  for (let start = 0; start < rows.length; start += 256) {
    const block = rows.slice(start, start + 256), results = outputsOf(block);
    block.forEach((_, i) => {
      const k = classes.length, values = Array.from(results[0].subarray(i * k, (i + 1) * k)); // if classes
      found.push({ class: classes[decided(values)], probabilities: Object.fromEntries(values.map((p, j) => [classes[j], p])) }); // if classes
      found.push(Object.fromEntries(results.map((each, j) => [data.titles[j], each[i]]))); // if several
      found.push(results[0][i] + 0); // if number
    });
  }
  return found;
}
