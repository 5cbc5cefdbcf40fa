// The page: settings, the training loop, and everything that a reader can do.
const $ = (id) => document.getElementById(id);
const facts = JSON.parse($("facts").textContent);
const HELD = 0.2, FRAME = 16, LEAST = 4, DRAWN = 3000, DRAWN_NUMBERS = 6e6;
const DEFAULTS = { alpha: 0.01, B: 32, hidden: 2, m1: 16, m2: 16, m3: 8, activation: "relu", optimizer: "adam", dropout: 0, seed: 0 };
const CONTROLS = [
  { name: "alpha", label: "learning rate alpha", low: -4, high: 1, step: 0.05, to: (x) => Number((10 ** x).toPrecision(2)), from: Math.log10 },
  { name: "B", label: "batch size B", low: 0, high: 9, step: 1, to: (x) => 2 ** x, from: Math.log2 },
  { name: "hidden", label: "hidden layers", low: 0, high: facts.deepest, step: 1 },
  { name: "m1", label: "units of layer 1", low: 1, high: 64, step: 1 },
  { name: "m2", label: "units of layer 2", low: 1, high: 64, step: 1 },
  { name: "m3", label: "units of layer 3", low: 1, high: 64, step: 1 },
  { name: "activation", label: "activation", options: facts.activations },
  { name: "optimizer", label: "optimizer", options: Object.keys(SETTINGS) },
  { name: "dropout", label: "dropout", low: 0, high: 0.6, step: 0.05 },
  { name: "seed", label: "seed", field: true },
];
const live = new Set(["alpha"]);
let table, state, model, running = false, message = "";

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

// State: settings, the target and the columns; kept in the address.
function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1)), found = { ...DEFAULTS };
  for (const { name, options, from, low, high } of CONTROLS) {
    const text = asked.get(name);
    if (text === null) continue;
    if (options) { if (options.includes(text)) found[name] = text; continue; }
    const value = Number(text), place = from ? from(value) : value;
    if (!Number.isFinite(value)) continue;
    if (low === undefined) found[name] = Math.min(Math.max(Math.round(value), 0), 2 ** 31 - 1);
    else if (place >= low - 1e-9 && place <= high + 1e-9) found[name] = value;
  }
  for (const name of ["B", "hidden", "m1", "m2", "m3"]) found[name] = Math.round(found[name]);
  const names = table.columns.map((each) => each.name), target = asked.get("target");
  found.target = table.columns.some((each) => each.name === target && canBeTarget(each)) ? target : table.target;
  const columns = asked.getAll("column").filter((name) => names.includes(name) && name !== found.target);
  found.columns = columns.length ? columns : names.filter((name) => name !== found.target);
  return found;
}

function writeAddress() {
  const parts = new URLSearchParams();
  for (const { name } of CONTROLS) if (state[name] !== DEFAULTS[name]) parts.set(name, state[name]);
  if (state.target !== table.target) parts.set("target", state.target);
  if (state.columns.length < table.columns.length - 1) state.columns.forEach((name) => parts.append("column", name));
  setAddress(String(parts));
}

function setAddress(text) {
  try { history.replaceState(null, "", `#${text}`); } catch { location.hash = text; }
}

// A new network on the rows of the state.
function restart() {
  const target = targetOf(table.columns.find((each) => each.name === state.target));
  const columns = table.columns.filter((each) => state.columns.includes(each.name));
  const rows = target.values.map((_, i) => i).filter((i) => !Number.isNaN(target.values[i]));
  const order = shuffle(rows, generator(state.seed + 17)), held = Math.floor(HELD * rows.length);
  const training = order.slice(held), validation = order.slice(0, held);
  const data = encode(columns, target, [...training, ...validation], training);
  const k = data.k, widths = [data.d, ...[state.m1, state.m2, state.m3].slice(0, state.hidden), k];
  forget();
  const { alpha, activation, optimizer, dropout, seed } = state, { x, y } = data;
  const session = new Session({
    settings: { alpha, activation, optimizer, dropout, seed }, widths, task: target.task, x, y,
    count: training.length, held: Math.min(held, DRAWN, Math.ceil(DRAWN_NUMBERS / data.d)), B: Math.min(state.B, training.length),
  });
  const { trainer, facts: { B } } = session, points = training.slice(0, 800);
  model = {
    session, trainer, target, columns, data, training, validation, points, B, curve: new Curve(),
    outputs: k > 1 ? target.classes : [target.task === "binary" ? `p(${target.classes[1]})` : target.name],
    actual: (i) => target.values[i], walk: null, line: -1, busy: 0, counted: 0,
  };
  model.lines = linesOf({ trainer, names: data.map.names });
  message = "";
  hold();
  showLines();
  show();
  if (running) thread.start(session);
}

function train() {
  const J = model.session.step();
  if (!Number.isFinite(J)) { diverged(); return false; }
  model.curve.add(model.trainer.steps, J);
  return true;
}

function diverged() {
  message = `J became infinite at step ${model.trainer.steps + 1}: the learning rate is too large. Make alpha smaller and press Restart.`;
  run(false);
}

function hold(J = model.session.held()) {
  model.held = J;
  if (Number.isFinite(J)) model.curve.hold(model.trainer.steps, J);
}

// A frame draws what the worker has sent; without a worker, it trains for the time that drawing leaves of it.
let drawing = 4, isWaiting = false;
function frame() {
  isWaiting = false;
  if (!running) return;
  if (thread.isRefused) trainHere(); else receive();
  again();
}

function again() {
  if (running && !isWaiting) requestAnimationFrame(frame);
  isWaiting = running;
}

function receive() {
  const found = thread.take();
  if (!found) return;
  const from = found.state.steps - found.losses.length;
  found.losses.forEach((J, i) => model.curve.add(from + i + 1, J));
  model.session.state = found.state;
  model.busy += found.busy;
  model.counted += found.losses.length;
  hold(found.held);
  if (found.isInfinite) diverged(); else drawNext();
}

function trainHere() {
  const begin = performance.now(), from = model.trainer.steps, until = begin + Math.max(FRAME - drawing, LEAST);
  while (performance.now() < until) {
    for (let i = 0; i < 8; i++) if (!train()) return;
  }
  const trained = performance.now();
  model.busy += trained - begin;
  model.counted += model.trainer.steps - from;
  hold();
  drawNext();
  drawing += 0.2 * (performance.now() - trained - drawing);
}

function run(on) {
  const isStart = on && !running;
  running = on;
  $("run").textContent = on ? "Pause" : "Run";
  $("run").setAttribute("aria-pressed", String(on));
  if (!on) { thread.stop(); show(); return; }
  if (isStart) { stopWalk(); thread.start(model.session); }
  again();
}

function stopWalk() {
  model.walk = null;
  model.line = -1;
  showLines();
}

// One line of the walk: the first one takes a batch, the last one updates theta.
function walk() {
  run(false);
  if (!model.walk || model.line + 1 >= model.lines.length) {
    const [x, y] = model.session.batch(), { trainer } = model, found = trainer.gradient(x, y, model.B);
    const copy = (array) => Float32Array.from(array);
    model.walk = {
      J: found.J, x: copy(x), y: copy(y), gradients: found.gradients.map(copy), theta: trainer.views(trainer.theta),
      layers: Array.from({ length: trainer.hidden + 1 }, (_, k) => {
        const [z, a, delta] = found.watched.slice(3 * k, 3 * k + 3).map(copy);
        return { z, a, delta };
      }),
    };
    model.line = -1;
  }
  model.line++;
  if (model.lines[model.line].updates) {
    model.walk.before = model.trainer.views(model.trainer.theta.slice());
    if (Number.isFinite(model.walk.J)) {
      model.trainer.update(model.walk.gradients);
      model.curve.add(model.trainer.steps, model.walk.J);
      hold();
    } else diverged();
  }
  showLines();
  show();
  if (model.line === 0) bringLines();
}

// The buttons stay at the top of the window, the lines are below it: the first step scrolls to them.
function bringLines() {
  const section = $("h-lines").parentElement, top = document.querySelector(".bar").offsetHeight, { y } = section.getBoundingClientRect();
  if (y >= top && y + section.offsetHeight / 2 <= innerHeight) return;
  section.style.scrollMarginTop = `${top + 8}px`;
  section.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

function showLines() {
  const { lines, line } = model;
  $("lines").replaceChildren(...lines.map(({ text, note }, i) => {
    const item = element("li", { className: i === line ? "now" : i < line ? "done" : "" }, element("small", { textContent: note }), text);
    if (i === line) item.setAttribute("aria-current", "step");
    return item;
  }));
  if (line < 0) {
    $("numbers").replaceChildren(element("p", { className: "about", textContent: "The numbers of the line appear here." }));
    return;
  }
  const { show: shown, note } = lines[line];
  const says = element("p", { className: "about" }, `${note} ${facts.items[note]} Print its code: `, element("code", { textContent: `backpass notes ${note.slice(1, -1)}` }));
  const tables = shown.map((each, i) => matrixTable(each, model.walk, i === shown.length - 1));
  $("numbers").replaceChildren(says, element("div", { className: "matrices" }, ...tables));
}

// While it trains, a frame draws one view, in turn, and numbers change a few times a second.
const VIEWS = [
  () => drawNetwork($("network"), { trainer: model.trainer, names: model.data.map.names, outputs: model.outputs }),
  () => drawCurve($("loss"), model.curve),
  () => setText("about-fit", drawFit($("fit"), model)),
];
const READOUTS_EVERY = 6, CONFUSION_EVERY = 12;
let turn = 0;
function drawNext() {
  VIEWS[turn++ % VIEWS.length]();
  if (turn % READOUTS_EVERY === 0) showReadouts();
  if (turn % CONFUSION_EVERY === 0) showConfusion();
}

function show() {
  for (const draw of VIEWS) draw();
  showReadouts();
  showConfusion();
  if (!running) describe();
}

const setText = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };

function showReadouts() {
  const { trainer, curve, training } = model, last = curve.bins[curve.bins.length - 1];
  setText("steps", trainer.steps.toLocaleString("en-US"));
  setText("epochs", ((trainer.steps * model.B) / training.length).toFixed(1));
  setText("training", last ? number(last.sum / last.count) : "-");
  setText("validation", number(model.held));
  setText("rate", model.busy > 30 ? Math.round((1e3 * model.counted) / model.busy).toLocaleString("en-US") : "-");
  setText("message", message);
  const cut = trainer.widths.some((width) => width > MOST_UNITS) ? `, ${MOST_UNITS} of a layer drawn` : "";
  setText("sizes", `${trainer.widths.join(" \u2192 ")}, ${trainer.theta.length.toLocaleString("en-US")} parameters${cut}`);
}

// What the canvases show, in words; and the command.
function describe() {
  const { trainer, curve, data } = model, first = curve.bins[0], last = curve.bins[curve.bins.length - 1];
  $("network").setAttribute("aria-label", `Network ${trainer.widths.join(" to ")} with inputs ${data.map.names.slice(0, 20).join(", ")}; largest weight ${number(trainer.theta.reduce((top, each) => Math.max(top, Math.abs(each)), 0))}`);
  $("loss").setAttribute("aria-label", first ? `J from ${number(first.sum / first.count)} to ${number(last.sum / last.count)} after ${trainer.steps} steps; validation ${number(model.held)}` : "J per step: no step yet");
  $("fit").setAttribute("aria-label", $("about-fit").textContent);
  showCommand();
}

// The command; its options do not break at their hyphens.
function showCommand() {
  const words = command().split(" ");
  $("command").replaceChildren(...words.flatMap((word, i) => [...(i ? [" "] : []), word.startsWith("--") ? element("span", { className: "option", textContent: word }) : word]));
}

function showConfusion() {
  const { target, trainer, data, training, validation } = model, k = target.classes.length;
  if (!k || !validation.length) { $("confusion").replaceChildren(); return; }
  const n = model.session.facts.held, start = training.length;
  const p = trainer.predict(data.x.subarray(start * data.d, (start + n) * data.d), n);
  const counts = target.classes.map(() => target.classes.map(() => 0));
  let right = 0;
  for (let i = 0; i < n; i++) {
    let best = target.task === "binary" ? Number(p[i] > 0.5) : 0;
    if (target.task === "multiclass") for (let j = 1; j < k; j++) if (p[i * k + j] > p[i * k + best]) best = j;
    const own = target.values[validation[i]];
    counts[own][best]++;
    right += own === best;
  }
  const made = element("table", { className: "matrix" }, element("caption", { textContent: `validation: ${((100 * right) / n).toFixed(1)}% correct; rows are true classes, columns predicted ones` }));
  if (k <= 8) {
    made.append(element("tr", {}, element("td"), ...target.classes.map((name) => element("th", { scope: "col", textContent: fitted(name, 14) }))));
    counts.forEach((row, i) => made.append(element("tr", {}, element("th", { scope: "row", textContent: fitted(target.classes[i], 20) }), ...row.map((count, j) => element("td", { className: i === j ? "own" : "", textContent: count })))));
  }
  $("confusion").replaceChildren(made);
}

// The settings of the file and of the command, by the names of the library.
function settingsOfModel() {
  const { trainer } = model;
  return { hidden: trainer.widths.slice(1, -1), activation: trainer.activationName, optimizer: state.optimizer, learning_rate: state.alpha, batch_size: model.B, dropout: trainer.hidden ? state.dropout : 0, seed: state.seed };
}

// Whether fit, without --columns, reads the columns that are chosen here.
function takesAll() {
  const looksNumbered = ({ kind, values }) => kind === "numeric" && values.every(Number.isInteger) && new Set(values).size === values.length;
  if (state.columns.length < table.columns.length - 1 || table.omitted?.length) return false;
  return !table.dropped || !model.columns.some(looksNumbered);
}

const shell = (text) => (/^[\w./=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
function command() {
  const { trainer, training } = model, epochs = Math.max(1, Math.round((trainer.steps * model.B) / training.length)), set = settingsOfModel();
  const quotedName = (name) => (/[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
  const words = ["backpass", "fit", shell(table.file ?? "table.csv"), "--target", shell(state.target), ...(takesAll() ? [] : ["--columns", shell(state.columns.map(quotedName).join(","))]), "--preset", "plain", "--hidden", set.hidden.length ? set.hidden.join(",") : "none"];
  const codes = model.columns.filter(({ kind, levels }) => kind === "categorical" && levels.every((level) => NUMBER.test(level)));
  if (codes.length) words.push("--categorical", shell(codes.map(({ name }) => quotedName(name)).join(",")));
  if (set.hidden.length) words.push("--activation", set.activation);
  words.push("--optimizer", set.optimizer, "--learning-rate", String(set.learning_rate), "--schedule", "constant", "--batch-size", String(set.batch_size), "--dropout", String(set.dropout), "--numerical-scaling", "standard", "--epochs", String(epochs), "--seed", String(set.seed));
  return words.join(" ");
}

function save() {
  const { data, target, trainer, training } = model, set = { ...settingsOfModel(), schedule: "constant" };
  const hasTexts = data.map.texts.length > 0, bytes = modelFile(facts.template, { data, target, trainer, settings: set, rows: training.length });
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  element("a", { href: url, download: `${state.target.replace(/[^\w-]+/g, "_") || "model"}.backpass` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
  return { bytes, hasTexts };
}

// Controls
function build() {
  $("goal").textContent = state.target;
  $("target").replaceChildren(...table.columns.filter(canBeTarget).map(({ name }) => element("option", { value: name, textContent: name, selected: name === state.target })));
  const boxes = table.columns.filter(({ name }) => name !== state.target).map(({ name, kind, levels }) => {
    const box = element("input", { type: "checkbox", checked: state.columns.includes(name), value: name });
    box.addEventListener("change", () => {
      const chosen = [...$("columns").querySelectorAll("input")].filter((each) => each.checked).map((each) => each.value);
      if (!chosen.length) { box.checked = true; return; }
      change({ columns: chosen });
    });
    return element("label", {}, box, element("bdi", { textContent: name }), element("small", { textContent: kind === "numeric" ? "number" : levels ? `${levels.length} categories` : kind }));
  });
  $("columns").replaceChildren($("columns").firstElementChild, ...boxes);
  $("settings").replaceChildren(...CONTROLS.map(control));
  $("notes").replaceChildren(...(table.notes ?? []).map((note) => element("li", { textContent: note })));
  dim();
}

function control({ name, label, low, high, step, to = (x) => x, from = (x) => x, options, field }) {
  const id = `s-${name}`, value = state[name];
  if (options) {
    const choice = element("select", { id }, ...options.map((each) => element("option", { value: each, textContent: each, selected: each === value })));
    choice.addEventListener("change", () => change({ [name]: choice.value }));
    return element("div", { className: "control" }, element("label", { htmlFor: id, textContent: label }), choice);
  }
  if (field) {
    const input = element("input", { id, type: "number", min: 0, max: 2147483647, step: 1, value });
    input.addEventListener("change", () => change({ [name]: Math.min(Math.max(Math.round(Number(input.value)) || 0, 0), 2147483647) }));
    return element("div", { className: "control" }, element("label", { htmlFor: id, textContent: label }), input);
  }
  const output = element("output", { htmlFor: id, textContent: String(value) });
  const slider = element("input", { id, type: "range", min: low, max: high, step });
  slider.value = from(value);
  slider.setAttribute("aria-valuetext", String(value));
  slider.addEventListener("input", () => {
    const own = to(Number(slider.value));
    output.textContent = String(own);
    slider.setAttribute("aria-valuetext", String(own));
    change({ [name]: own });
  });
  return element("div", { className: "control" }, element("label", { htmlFor: id, textContent: label }), output, slider);
}

// Controls that have no effect are dimmed.
function dim() {
  ["m1", "m2", "m3"].forEach((name, k) => { $(`s-${name}`).closest(".control").hidden = k >= state.hidden; });
  ["activation", "dropout"].forEach((name) => { $(`s-${name}`).closest(".control").hidden = state.hidden === 0; });
}

function change(changes, rebuild = false) {
  Object.assign(state, changes);
  if (rebuild) build();
  dim();
  writeAddress();
  if (Object.keys(changes).every((name) => live.has(name))) {
    model.trainer.alpha = state.alpha;
    thread.worker?.postMessage({ alpha: state.alpha });
    showCommand();
    return;
  }
  restart();
}

function choose(found, file = null) {
  table = { ...found, file };
  setAddress("");
  state = readAddress();
  build();
  restart();
}

async function readFile(file) {
  run(false);
  try {
    const found = columnsOf(textOf(new Uint8Array(await file.arrayBuffer())));
    choose({ ...found, dropped: true }, file.name);
    message = `${file.name}: ${found.columns[0].values.length.toLocaleString("en-US")} rows, read in this page.`;
  } catch (error) {
    message = error.message;
  }
  $("message").textContent = message;
}

// Challenges
function strongest() {
  const numeric = table.columns.filter(({ kind, name }) => kind === "numeric" && name !== state.target), goal = targetOf(table.columns.find(({ name }) => name === state.target)).values;
  const strength = (values) => {
    const rows = values.map((_, i) => i).filter((i) => !Number.isNaN(values[i]) && !Number.isNaN(goal[i]));
    const mean = (of) => rows.reduce((sum, i) => sum + of[i], 0) / (rows.length || 1), a = mean(values), b = mean(goal);
    const cross = (p, q, u, v) => rows.reduce((sum, i) => sum + (p[i] - u) * (q[i] - v), 0);
    return Math.abs(cross(values, goal, a, b)) / Math.sqrt(cross(values, values, a, a) * cross(goal, goal, b, b) || 1);
  };
  return numeric.map(({ name, values }) => [strength(values), name]).sort((p, q) => q[0] - p[0]).map(([, name]) => name);
}
const CHALLENGES = [
  ["Find the kink", "One column, one hidden unit with ReLU: Figure 1 of the notes. Where does the line bend? Then give it a second unit.", () => ({ columns: strongest().slice(0, 1), hidden: 1, m1: 1, activation: "relu", optimizer: "adam", alpha: 0.01 })],
  ["Make it diverge", "SGD with a large step. Find the largest alpha at which J still falls, and see what B changes.", () => ({ optimizer: "sgd", alpha: 0.2, B: 4, hidden: 2, m1: 16, m2: 16, activation: "relu" })],
  ["Collapse it", "Three layers of the identity. Is J lower than without hidden layers? The product of matrices is one matrix (2.18).", () => ({ hidden: 2, m1: 16, m2: 16, activation: "identity", optimizer: "adam", alpha: 0.003 })],
  ["A surface", "Two columns and tanh: watch the surface bend. How few units keep its shape?", () => ({ columns: strongest().slice(0, 2), hidden: 2, m1: 12, m2: 12, activation: "tanh", optimizer: "adam", alpha: 0.01 })],
];

function buildChallenges() {
  $("challenges").replaceChildren(...CHALLENGES.map(([title, text, settings]) => {
    const button = element("button", { type: "button", textContent: "Open" });
    button.setAttribute("aria-label", `Open the challenge: ${title}`);
    button.addEventListener("click", () => {
      const asked = settings();
      if (asked.columns && !asked.columns.length) delete asked.columns;
      change({ ...DEFAULTS, seed: state.seed, columns: table.columns.map((each) => each.name).filter((name) => name !== state.target), ...asked }, true);
      run(true);
      document.querySelector(".bar").scrollIntoView({ block: "start" });
    });
    return element("article", {}, element("h3", { textContent: title }), element("p", { textContent: text }), button);
  }));
}

function checkHonesty() {
  const badge = $("badge"), worst = agreement(facts.reference), good = worst <= 2e-7 * 1.0001;
  badge.textContent = good ? `five steps agree with Python to ${worst.toExponential(1)}` : `five steps differ from Python by ${worst.toExponential(1)}`;
  badge.className = `badge ${good ? "good" : "bad"}`;
  badge.dataset.worst = worst;
  performance.mark("first steps");
  badge.title = `The page repeats five training steps that Python took, in float32, and compares J and theta; here in ${kernels === FAST ? "WebAssembly" : "JavaScript"}.`;
}

table = { ...facts.table };
table.columns.forEach((column) => { if (column.kind !== "categorical") column.values = column.values.map((each) => each ?? NaN); });
checkHonesty();
state = readAddress();
build();
buildChallenges();
restart();
$("run").addEventListener("click", () => run(!running));
$("step").addEventListener("click", walk);
$("restart").addEventListener("click", () => { const on = running; run(false); restart(); if (on) run(true); });
$("save").addEventListener("click", save);
$("link").addEventListener("click", async () => {
  try { await navigator.clipboard.writeText(location.href); message = "The address is copied."; } catch { message = location.href; }
  $("message").textContent = message;
});
$("target").addEventListener("change", () => { const target = $("target").value; change({ target, columns: table.columns.map((each) => each.name).filter((name) => name !== target) }, true); });
$("settings").addEventListener("submit", (event) => event.preventDefault());
$("file").addEventListener("change", () => { if ($("file").files[0]) readFile($("file").files[0]); });
addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", (event) => { event.preventDefault(); document.body.classList.remove("dropping"); if (event.dataTransfer.files[0]) readFile(event.dataTransfer.files[0]); });
addEventListener("hashchange", () => { state = readAddress(); build(); restart(); });
addEventListener("resize", show);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
