// The page: sliders and selectors that move the prediction, and the curve of it along the column that was moved.
const floatsOf = (base64) => new Float32Array(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer);

(() => {
  const store = document.getElementById("facts");
  if (!store) return;
  const facts = JSON.parse(store.textContent);
  const theta = floatsOf(facts.theta);
  const made = new Map();
  const columns = facts.columns;
  const names = facts.labels.length ? facts.labels : facts.classes;
  const targets = facts.numbers;
  const numeric = columns.filter((column) => column.kind !== "categorical");
  const texts = columns.length - numeric.length;
  const width = numeric.flatMap((column) => numbersOf(column, column.value)).length;
  const POINTS = 81, MOST_LEVELS = 12, WIDTH = 440, HEIGHT = 200;
  const SPACE = { left: 64, right: 10, top: 10, bottom: 24 };
  const SVG = "http://www.w3.org/2000/svg";
  const typical = columns.map((column) => column.value);
  let row = typical.slice();
  let moved = Number(document.querySelector(".control").dataset.column);
  let range = null;
  const ranges = new Map();

  // Predictions for rows of one value per column: a list of lists of outputs.
  function predict(rows) {
    const n = rows.length, numbers = new Float64Array(n * width), codes = new Int32Array(n * texts);
    rows.forEach((values, i) => {
      numbers.set(numeric.flatMap((column, k) => numbersOf(column, values[k])), i * width);
      codes.set(values.slice(numeric.length), i * texts);
    });
    if (!made.has(n)) made.set(n, circuitOf({ n }));
    const [out] = made.get(n)(theta, numbers, codes);
    const outputs = names.length || targets.length || 1;
    return rows.map((_, i) => Array.from(out.subarray(i * outputs, (i + 1) * outputs)));
  }

  const best = (outputs) => outputs.indexOf(Math.max(...outputs));
  // Of two classes the positive one is meant; of more, and of labels, the most probable one of the row as it stands.
  const { positive = 1, threshold = 0.5, weights = [] } = facts.decision;
  // Of several numbers, each has a curve of its own.
  const shown = (outputs) => (targets.length ? targets.map((_, j) => j).slice(0, 8) : [meant(outputs)]);
  const meant = (outputs) => (names.length === 0 ? 0 : facts.classes.length === 2 ? positive : best(outputs));

  // The class that the row is given: by the threshold or the weights of the model, otherwise the most probable one.
  function given(outputs) {
    if (weights.length) return best(outputs.map((p, j) => p * weights[j]));
    if (outputs.length !== 2 || threshold === 0.5) return best(outputs);
    return outputs[positive] >= threshold ? positive : 1 - positive;
  }

  function text(value, digits = 4) {
    if (!Number.isFinite(value)) return String(value);
    const size = Math.abs(value);
    if (value !== 0 && (size < 1e-4 || size >= 1e12)) return value.toExponential(digits - 1);
    const decimals = value === 0 ? 0 : Math.max(digits - 1 - Math.floor(Math.log10(size)), 0);
    const style = { minimumFractionDigits: decimals, maximumFractionDigits: decimals, useGrouping: size >= 1e4 };
    return value.toLocaleString("en-US", style);
  }

  const percent = (value) => `${(100 * value).toFixed(1)}%`;
  const plain = (value) => String(Number(value.toPrecision(5)));
  // As the numbers on the other axes of the page.
  const tick = (value) => {
    const inRange = Math.abs(value) >= 1e4 && Math.abs(value) < 1e9;
    return inRange ? Number(value.toPrecision(5)).toLocaleString("en-US") : plain(value);
  };

  function element(name, attributes, content) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (content !== undefined) made.textContent = content;
    return made;
  }

  function showPrediction() {
    const [now, before] = predict([row, typical]);
    const output = document.getElementById("prediction");
    const change = document.getElementById("change");
    if (targets.length) {
      const signed = (by) => (by === 0 ? "0" : `${by > 0 ? "+" : "\u2212"}${text(Math.abs(by), 3)}`);
      output.textContent = targets.map((name, j) => `${name} ${text(now[j])}`).join(", ");
      change.textContent = `${targets.map((name, j) => `${name} ${signed(now[j] - before[j])}`).join(", ")} compared with the typical row`;
      return now;
    }
    if (names.length === 0) {
      output.textContent = text(now[0]);
      const by = now[0] - before[0];
      change.textContent = by === 0 ? "the typical row" : `${by > 0 ? "+" : "\u2212"}${text(Math.abs(by), 3)} compared with the typical row`;
      return now;
    }
    if (facts.labels.length) {
      output.textContent = names.filter((_, j) => now[j] > 0.5).join(", ") || "none";
      change.textContent = "labels that are more probable than not";
      showEach(now);
      return now;
    }
    output.textContent = names[given(now)];
    change.textContent = `probability ${percent(now[given(now)])}`;
    showEach(now);
    return now;
  }

  // A bar for each class or label, of many for the most probable ones.
  function showEach(now) {
    const order = now.map((_, j) => j).sort((a, b) => (now.length > 8 ? now[b] - now[a] : a - b)).slice(0, 8);
    document.getElementById("classes").replaceChildren(...order.map((j) => {
      const line = document.createElement("div");
      line.className = "bar";
      const name = document.createElement("span");
      name.append(Object.assign(document.createElement("bdi"), { textContent: names[j] }));
      const bar = element("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" });
      bar.append(
        element("rect", { class: "f-grid", width: 100, height: 6, rx: 1 }),
        element("rect", { class: "f-accent", width: (100 * now[j]).toFixed(2), height: 6, rx: 1 }),
      );
      const share = document.createElement("span");
      share.textContent = percent(now[j]);
      line.append(name, bar, share);
      return line;
    }));
  }

  // The values that a column takes along the curve, and where they stand between 0 and 1.
  function along(column) {
    if (column.kind === "text") return [[column.value, 0]];
    const span = column.high - column.low || 1;
    if (column.at) return column.at.map((value) => [value, (value - column.low) / span]);
    if (column.kind === "numeric") {
      return Array.from({ length: POINTS }, (_, i) => [column.low + (span * i) / (POINTS - 1), i / (POINTS - 1)]);
    }
    const count = Math.min(column.levels.length, MOST_LEVELS);
    return Array.from({ length: count }, (_, i) => [i + 1, (i + 0.5) / count]);
  }

  const scaleY = (value) => {
    const span = range[1] - range[0] || 1;
    return HEIGHT - SPACE.bottom - ((value - range[0]) / span) * (HEIGHT - SPACE.bottom - SPACE.top);
  };
  const scaleX = (share) => SPACE.left + share * (WIDTH - SPACE.left - SPACE.right);

  // The range of the vertical axis only ever grows, so that curves can be compared.
  function widen(values, j) {
    if (names.length) { range = [0, 1]; return; }
    range = ranges.get(j) ?? null;
    const low = Math.min(...values), high = Math.max(...values);
    if (!range) ranges.set(j, range = [low, high]);
    const gap = 0.08 * (high - low || 1);
    if (low < range[0]) range[0] = low - gap;
    if (high > range[1]) range[1] = high + gap;
  }

  // Two to six round numbers within the range.
  function ticks() {
    const rough = (range[1] - range[0]) / 5 || 1;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = unit * [1, 2, 2.5, 5, 10].find((factor) => factor * unit >= rough);
    const first = Math.ceil(range[0] / step);
    return Array.from({ length: Math.floor(range[1] / step) - first + 1 }, (_, i) => (first + i) * step);
  }

  function showCurve(now) {
    const column = columns[moved];
    const places = along(column);
    const outputs = predict(places.map(([value]) => row.map((own, k) => (k === moved ? value : own))));
    const drawn = shown(now).map((chosen) => curveOf(column, places, outputs.map((o) => o[chosen]), chosen, now));
    const figure = document.getElementById("along");
    const what = names.length ? `p(${names[meant(now)]})` : targets.length ? "the predictions" : "the prediction";
    figure.firstElementChild.replaceChildren(`${what} along `, Object.assign(document.createElement("bdi"), { textContent: column.name }));
    figure.replaceChildren(figure.firstElementChild, ...drawn);
  }

  // The curve of one output along a column.
  function curveOf(column, places, curve, chosen, now) {
    widen([...curve, now[chosen]], chosen);
    const drawn = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "plot", role: "img" });
    drawn.append(element("title", {}, `${targets.length ? targets[chosen] : "prediction"} along ${column.name}`));
    if (targets.length) drawn.append(element("text", { class: "f-ink", x: SPACE.left, y: 9, "font-size": 11 }, short(targets[chosen], 1)));
    for (const value of ticks()) {
      const y = scaleY(value);
      drawn.append(
        element("line", { class: "s-grid", x1: SPACE.left, x2: WIDTH - SPACE.right, y1: y, y2: y }),
        element("text", { class: "f-muted", x: SPACE.left - 8, y: y + 3.5, "font-size": 11, "text-anchor": "end" }, tick(value)),
      );
    }
    const value = row[moved];
    if (column.kind !== "categorical") {
      const path = curve.map((y, i) => `${i ? "L" : "M"}${scaleX(places[i][1]).toFixed(1)} ${scaleY(y).toFixed(1)}`).join("");
      drawn.append(element("path", { class: "s-accent", d: path, fill: "none", "stroke-width": 2.2, "stroke-linejoin": "round" }));
      const ends = [[column.low, "start", 0], [column.high, "end", 1]];
      for (const [end, anchor, share] of ends) {
        drawn.append(element("text", { class: "f-muted", x: scaleX(share), y: HEIGHT - 6, "font-size": 11, "text-anchor": anchor }, column.parts ? timestampText(column, end) : tick(end)));
      }
      if (!Number.isNaN(value)) {
        const share = Math.min(Math.max((value - column.low) / (column.high - column.low || 1), 0), 1);
        drawn.append(element("circle", { class: "f-accent s-paper", cx: scaleX(share), cy: scaleY(now[chosen]), r: 5.5, "stroke-width": 2 }));
      }
    } else {
      places.forEach(([code, share], i) => {
        const own = code === value;
        drawn.append(
          element("circle", { class: own ? "f-accent" : "f-muted", cx: scaleX(share), cy: scaleY(curve[i]), r: own ? 6 : 4 }),
          element("text", { class: own ? "f-ink" : "f-muted", x: scaleX(share), y: HEIGHT - 6, "font-size": 10, "text-anchor": "middle" }, short(column.levels[code - 1], places.length)),
        );
      });
    }
    return drawn;
  }

  const short = (name, count) => {
    const most = Math.max(Math.floor(64 / count), 3);
    return name.length <= most ? name : `${name.slice(0, most - 1)}\u2026`;
  };

  const show = () => showCurve(showPrediction());

  function listen(control) {
    const index = Number(control.dataset.column);
    const column = columns[index];
    const [slider, field] = control.querySelectorAll("input:not([type=checkbox])");
    const [gap, choice] = [control.querySelector("input[type=checkbox]"), control.querySelector("select")];
    const settled = (value) => (column.grain ? Math.round(value / column.grain) * column.grain : value);
    const move = (value) => { row[index] = value; moved = index; show(); };
    const write = (value) => {
      if (column.parts) field.valueAsNumber = settled(value);
      else field.value = plain(value);
    };
    const put = (value) => { slider.value = value; write(value); };
    if (choice) {
      choice.addEventListener("change", () => move(Number(choice.value)));
      return () => { choice.value = String(column.value); };
    }
    slider.addEventListener("input", () => {
      const value = settled(Number(slider.value));
      write(value);
      if (gap) gap.checked = false;
      move(value);
    });
    field.addEventListener("input", () => {
      const value = field.valueAsNumber;
      if (!Number.isFinite(value)) return;
      slider.value = value;
      if (gap) gap.checked = false;
      move(value);
    });
    if (gap) gap.addEventListener("change", () => move(gap.checked ? NaN : Number(slider.value)));
    put(column.value);
    return () => { put(column.value); if (gap) gap.checked = false; };
  }

  const section = document.getElementById("what-if");
  const resets = [...section.querySelectorAll(".control")].map(listen);
  section.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  section.querySelector("button").addEventListener("click", (event) => {
    event.preventDefault();
    row = typical.slice();
    resets.forEach((reset) => reset());
    show();
  });
  columns.slice(0, 12).forEach((column, k) => {
    const outputs = predict(along(column).map(([value]) => typical.map((own, j) => (j === k ? value : own))));
    for (const j of shown(outputs[0])) widen(outputs.map((o) => o[targets.length ? j : meant(o)]), j);
  });
  show();
  section.hidden = false;
})();
