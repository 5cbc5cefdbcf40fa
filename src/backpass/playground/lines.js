// One training step, line by line: forward, delta, gradient, update. The numbers are those of the step's circuit.
const RULE_TEXT = {
  sgd: "theta := theta - alpha g",
  momentum: "v := mu v + g\ntheta := theta - alpha v",
  adam: "mu, nu := moments of g, g^2\ntheta := theta - alpha mu^ / (sqrt(nu^) + eps)",
};

function linesOf({ trainer, names }) {
  const { widths, hidden, task, optimizer } = trainer, r = hidden + 1, lines = [];
  const matrix = (name, k, pick) => ({ name, columns: widths[k], of: pick });
  const below = (k) => (k === 1 ? "x" : `a${k - 1}`);
  const input = (k) => ({ name: below(k), columns: widths[k - 1], of: ({ x, layers }) => (k === 1 ? x : layers[k - 2].a), heads: k === 1 ? names : null });
  const weights = (k, own = false) => ({ name: `W${k}`, columns: widths[k], of: ({ theta }) => theta[2 * k - 2], own });
  for (let k = 1; k <= r; k++) {
    lines.push({ text: `z${k} = ${below(k)} W${k} + b${k}`, note: "(4.4)", show: [input(k), weights(k), matrix(`z${k}`, k, ({ layers }) => layers[k - 1].z)] });
    if (k < r) lines.push({ text: `a${k} = ${trainer.activation}(z${k})${trainer.dropout ? ", dropout" : ""}`, note: "(2.13)", show: [matrix(`z${k}`, k, ({ layers }) => layers[k - 1].z), matrix(`a${k}`, k, ({ layers }) => layers[k - 1].a)] });
  }
  const loss = { regression: `1/2 (z${r} - y)^2`, binary: `ln(1 + e^z${r}) - y z${r}`, multiclass: `ln sum e^z${r} - z${r} of y` }[task];
  lines.push({ text: `J = mean of ${loss}`, note: "(1.2)", show: [matrix(`z${r}`, r, ({ layers }) => layers[r - 1].z), matrix("y", r, ({ y }) => y), { name: "J", columns: 1, of: ({ J }) => [J] }] });
  for (let k = r; k >= 1; k--) {
    const delta = matrix(`delta${k}`, k, ({ layers }) => layers[k - 1].delta);
    const text = k === r ? `delta${k} = dJ/dz${k}` : `delta${k} = (delta${k + 1} W${k + 1}^T) * ${trainer.activation}'(z${k})`;
    lines.push({ text, note: k === r ? "(3.18)" : "(3.19)", show: k === r ? [delta] : [matrix(`delta${k + 1}`, k + 1, ({ layers }) => layers[k].delta), delta] });
    lines.push({ text: `dW${k} = ${below(k)}^T delta${k}`, note: "(3.15)", show: [input(k), delta, { name: `dW${k}`, columns: widths[k], of: ({ gradients }) => gradients[2 * k - 2] }] });
    lines.push({ text: `db${k} = sum of delta${k} over rows`, note: "(3.15)", show: [delta, { name: `db${k}`, columns: widths[k], of: ({ gradients }) => gradients[2 * k - 1] }] });
  }
  lines.push({ text: RULE_TEXT[optimizer], note: "(1.3)", updates: true, show: [{ name: "dW1", columns: widths[1], of: ({ gradients }) => gradients[0] }, { ...weights(1), name: "W1 before", of: ({ before }) => before[0] }, { ...weights(1), name: "W1 after" }] });
  return lines;
}

// A table of the first rows and columns of a matrix.
function matrixTable({ name, columns, of, heads }, state, isResult) {
  const values = of(state), rows = Math.ceil(values.length / columns), m = Math.min(rows, 4), n = Math.min(columns, 5);
  const table = document.createElement("table"), caption = table.createCaption();
  table.className = "matrix";
  caption.textContent = rows === 1 && columns === 1 ? name : `${name}  (${rows} x ${columns})`;
  if (heads) {
    const row = table.createTHead().insertRow();
    for (let j = 0; j < n; j++) row.append(Object.assign(document.createElement("th"), { textContent: fitted(heads[j], 14), scope: "col" }));
  }
  const body = table.createTBody();
  for (let i = 0; i < m; i++) {
    const row = body.insertRow();
    for (let j = 0; j < n; j++) Object.assign(row.insertCell(), { textContent: number(values[i * columns + j], 4), className: isResult ? "own" : "" });
    if (columns > n) row.insertCell().textContent = "\u2026";
  }
  if (rows > m) body.insertRow().insertCell().textContent = "\u2026";
  return table;
}
