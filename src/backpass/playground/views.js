// Views: canvases that draw the network, J and the fit, in the colors of the page.
let palette = null;
function colors() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["paper", "raised", "ink", "muted", "line", "accent", "second"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { palette = null; });

function prepare(canvas) {
  const ratio = window.devicePixelRatio || 1, { clientWidth: w, clientHeight: h } = canvas;
  if (canvas.width !== Math.round(w * ratio)) canvas.width = Math.round(w * ratio);
  if (canvas.height !== Math.round(h * ratio)) canvas.height = Math.round(h * ratio);
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, w, h);
  ctx.font = '12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
  palette ??= colors();
  return { ctx, w, h, color: palette };
}

// A text that fits into a width in pixels.
function within(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && ctx.measureText(`${text.slice(0, length)}\u2026`).width > width) length--;
  return `${text.slice(0, length)}\u2026`;
}
const fitted = (text, length) => (text.length <= length ? text : `${text.slice(0, length - 1)}\u2026`);

function number(value, digits = 3) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "-" : "\u221e";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(digits - 1).replace(/\.?0+e/, "e");
  return String(Number(value.toPrecision(digits)));
}

const MOST_UNITS = 14;

function drawNetwork(canvas, { trainer, names, outputs }) {
  const { ctx, w, h, color } = prepare(canvas), { widths, theta, parameters } = trainer;
  const left = Math.min(150, w * 0.28), right = Math.min(110, w * 0.22), rows = widths.map((width) => Math.min(width, MOST_UNITS));
  const most = Math.max(...rows), gap = Math.min((h - 52) / Math.max(most, 1), 40);
  const x = (k) => left + ((w - left - right) * k) / (widths.length - 1);
  const y = (k, j) => (h - 32) / 2 + (j - (rows[k] - 1) / 2) * gap;
  for (let k = 1; k < widths.length; k++) {
    const { start } = parameters[2 * k - 2];
    let top = 1e-12;
    for (let i = 0; i < rows[k - 1]; i++) for (let j = 0; j < rows[k]; j++) top = Math.max(top, Math.abs(theta[start + i * widths[k] + j]));
    for (let i = 0; i < rows[k - 1]; i++) {
      for (let j = 0; j < rows[k]; j++) {
        const weight = theta[start + i * widths[k] + j] / top;
        ctx.globalAlpha = 0.06 + 0.84 * Math.abs(weight);
        ctx.strokeStyle = weight < 0 ? color.second : color.accent;
        ctx.lineWidth = 0.4 + 2.6 * Math.abs(weight);
        ctx.beginPath();
        ctx.moveTo(x(k - 1), y(k - 1, i));
        ctx.bezierCurveTo(x(k - 1) + (x(k) - x(k - 1)) * 0.45, y(k - 1, i), x(k) - (x(k) - x(k - 1)) * 0.45, y(k, j), x(k), y(k, j));
        ctx.stroke();
      }
    }
  }
  ctx.globalAlpha = 1;
  const radius = Math.min(8, gap * 0.32);
  widths.forEach((width, k) => {
    for (let j = 0; j < rows[k]; j++) {
      ctx.beginPath();
      ctx.arc(x(k), y(k, j), radius, 0, 2 * Math.PI);
      ctx.fillStyle = color.paper;
      ctx.fill();
      ctx.lineWidth = 1.6;
      ctx.strokeStyle = color.ink;
      ctx.stroke();
      ctx.fillStyle = color.ink;
      ctx.textBaseline = "middle";
      if (k === 0 && gap > 9) { ctx.textAlign = "right"; ctx.fillText(within(ctx, names[j], left - radius - 8), x(k) - radius - 6, y(k, j)); }
      if (k === widths.length - 1 && gap > 9) { ctx.textAlign = "left"; ctx.fillText(within(ctx, outputs[j] ?? "", right - radius - 8), x(k) + radius + 6, y(k, j)); }
    }
    ctx.fillStyle = color.muted;
    ctx.textAlign = "center";
    const what = k === 0 ? "input" : k === widths.length - 1 ? "output" : trainer.activationName;
    const plural = (what === "input" || what === "output") && width > 1 ? "s" : "", label = `${width} ${what}${plural}`;
    ctx.fillText(ctx.measureText(label).width < x(1) - x(0) ? label : String(width), x(k), h - 8);
  });
}

// Round numbers within a range, at most about n.
function ticks(low, high, n = 5) {
  const rough = (high - low) / n || 1, unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 2.5, 5, 10].find((factor) => factor * unit >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9 * step; value += step) found.push(Math.abs(value) < 1e-9 * step ? 0 : value);
  return found;
}

function axes({ ctx, w, h, color }, [x0, x1], [y0, y1], { xs = null, ys = null, xName = "", yName = "" } = {}) {
  const space = { left: 48, right: 10, top: 8, bottom: xName ? 36 : 22 };
  const X = (value) => space.left + ((value - x0) / (x1 - x0 || 1)) * (w - space.left - space.right);
  const Y = (value) => h - space.bottom - ((value - y0) / (y1 - y0 || 1)) * (h - space.bottom - space.top);
  ctx.fillStyle = color.muted;
  ctx.strokeStyle = color.line;
  ctx.lineWidth = 1;
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const [value, text] of ys ?? ticks(y0, y1, 4).map((each) => [each, number(each)])) {
    ctx.beginPath(); ctx.moveTo(space.left, Y(value)); ctx.lineTo(w - space.right, Y(value)); ctx.stroke();
    ctx.fillText(text, space.left - 6, Y(value));
  }
  ctx.textAlign = "center";
  ctx.textBaseline = "alphabetic";
  for (const [value, text] of xs ?? ticks(x0, x1, 5).map((each) => [each, number(each)])) {
    const half = ctx.measureText(text).width / 2;
    ctx.fillText(text, Math.min(Math.max(X(value), half), w - half - 1), h - space.bottom + 15);
  }
  if (xName) ctx.fillText(fitted(xName, Math.floor(w / 9)), (space.left + w - space.right) / 2, h - 4);
  if (yName) { ctx.textAlign = "left"; ctx.fillText(fitted(yName, 40), space.left + 4, space.top + 10); }
  return { X, Y, space };
}

// J of the steps, in bins of equally many steps: {step, sum, count, low, high}, and validation [step, J].
class Curve {
  constructor() { this.bins = []; this.per = 1; this.held = []; }
  add(step, J) {
    let bin = this.bins[this.bins.length - 1];
    if (!bin || bin.count >= this.per) this.bins.push((bin = { step, sum: 0, count: 0, low: Infinity, high: -Infinity }));
    bin.sum += J; bin.count++; bin.low = Math.min(bin.low, J); bin.high = Math.max(bin.high, J); bin.last = step;
    if (this.bins.length < 256) return;
    this.bins = Array.from({ length: 128 }, (_, i) => {
      const [a, b] = this.bins.slice(2 * i, 2 * i + 2);
      return { step: a.step, sum: a.sum + b.sum, count: a.count + b.count, low: Math.min(a.low, b.low), high: Math.max(a.high, b.high), last: b.last };
    });
    this.per *= 2;
  }
  hold(step, J) {
    this.held.push([step, J]);
    if (this.held.length > 256) this.held = this.held.filter((_, i) => i % 2 === 0 || i === this.held.length - 1);
  }
}

// Marks of a logarithmic axis from 10^low to 10^high, at most about eight: [[exponent, text], ...].
function powers([low, high]) {
  const length = high - low, every = Math.ceil(length / 8), marks = [];
  for (let power = Math.floor(low / every) * every; power <= high; power += every) {
    for (const factor of length > 1.6 ? [1] : length > 0.7 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8]) {
      const value = power + Math.log10(factor);
      if (value >= low && value <= high) marks.push([value, number(10 ** value)]);
    }
  }
  return marks;
}

function drawCurve(canvas, curve) {
  const view = prepare(canvas), { ctx, color } = view, bins = curve.bins.filter((bin) => bin.sum / bin.count > 0);
  const values = [...bins.flatMap((bin) => [bin.sum / bin.count, Math.max(bin.low, (1e-3 * bin.sum) / bin.count), bin.high]), ...curve.held.map(([, J]) => J)].filter((each) => each > 0 && Number.isFinite(each));
  if (!values.length) { axes(view, [0, 100], [-1, 1], { ys: [[0, "1"]] }); return; }
  const low = Math.log10(Math.min(...values)), high = Math.log10(Math.max(...values)), pad = 0.06 * (high - low) + 0.02;
  const range = [low - pad, high + pad], last = Math.max(bins[bins.length - 1]?.last ?? 1, 10);
  const { X, Y } = axes(view, [0, last], range, { ys: powers(range) });
  const clamp = (value) => Y(Math.min(Math.max(Math.log10(Math.max(value, 1e-300)), range[0]), range[1]));
  ctx.globalAlpha = 0.18;
  ctx.fillStyle = color.accent;
  ctx.beginPath();
  bins.forEach((bin) => ctx.lineTo(X((bin.step + bin.last) / 2), clamp(bin.high)));
  bins.slice().reverse().forEach((bin) => ctx.lineTo(X((bin.step + bin.last) / 2), clamp(bin.low)));
  ctx.fill();
  ctx.globalAlpha = 1;
  for (const [points, own, wide] of [[bins.map((bin) => [(bin.step + bin.last) / 2, bin.sum / bin.count]), color.accent, 1.8], [curve.held, color.second, 2]]) {
    ctx.strokeStyle = own;
    ctx.lineWidth = wide;
    ctx.lineJoin = "round";
    ctx.beginPath();
    points.forEach(([step, J]) => ctx.lineTo(X(step), clamp(J)));
    ctx.stroke();
  }
}

// Writes a color between two others to the pixel at a place.
const channels = (text) => (/^#(..)(..)(..)$/.exec(text) ?? ["", "80", "80", "80"]).slice(1).map((each) => parseInt(each, 16));
const mixer = (a, b) => {
  const p = channels(a), q = channels(b);
  return (pixels, place, share) => {
    for (let i = 0; i < 3; i++) pixels[place + i] = p[i] + (q[i] - p[i]) * share;
    pixels[place + 3] = 255;
  };
};
const surface = document.createElement("canvas");
const hues = (color, k) => [color.accent, color.second, "#3c9d5d", "#9a5fc7", "#c2468a", "#8a8f2a", "#2aa6a6", "#a8573a"].slice(0, Math.max(k, 2));

const span = (values) => {
  let low = Infinity, high = -Infinity;
  for (const value of values) if (Number.isFinite(value)) { low = Math.min(low, value); high = Math.max(high, value); }
  if (!(low < high)) return low === Infinity ? [0, 1] : [low - 1, low + 1];
  return [low - 0.04 * (high - low), high + 0.04 * (high - low)];
};

// The fit: a curve, a map, or predicted against true. Returns what it shows.
function drawFit(canvas, model) {
  const { trainer, data, target, columns, points, actual } = model, view = prepare(canvas), { ctx, color } = view;
  const plain = columns.every((each) => each.kind === "numeric"), k = target.classes.length;
  const dot = (x, y, fill, radius = 2.3, alpha = 0.55) => { ctx.globalAlpha = alpha; ctx.fillStyle = fill; ctx.beginPath(); ctx.arc(x, y, radius, 0, 7); ctx.fill(); ctx.globalAlpha = 1; };
  const value = (p, i) => (target.task === "regression" ? p[i] * data.deviation + data.center : p[i]);
  if (plain && columns.length === 1 && target.task !== "multiclass") {
    const own = points.map((i) => columns[0].values[i]), range = span(own), n = 200;
    const p = trainer.predict(inputsOf(data.map, n, (_, i) => range[0] + ((range[1] - range[0]) * i) / (n - 1)), n);
    const line = Array.from({ length: n }, (_, i) => value(p, i));
    const { X, Y } = axes(view, range, span([...points.map((i) => actual(i)), ...(target.task === "binary" ? [0, 1] : line)]), { xName: columns[0].name, yName: target.task === "binary" ? `p(${target.classes[1]})` : target.name });
    points.forEach((i, j) => { if (!Number.isNaN(own[j])) dot(X(own[j]), Y(actual(i)), color.muted); });
    ctx.strokeStyle = color.accent;
    ctx.lineWidth = 2.6;
    ctx.beginPath();
    line.forEach((y, i) => ctx.lineTo(X(range[0] + ((range[1] - range[0]) * i) / (n - 1)), Y(y)));
    ctx.stroke();
    return `${target.task === "binary" ? "The probability" : "The network's curve"} along ${columns[0].name}, over the rows.`;
  }
  if (plain && columns.length === 2) {
    const ranges = columns.map((column) => span(points.map((i) => column.values[i]))), n = 44;
    const at = (column, i) => { const axis = columns.indexOf(column), place = axis ? Math.floor(i / n) : i % n; return ranges[axis][0] + ((ranges[axis][1] - ranges[axis][0]) * (place + 0.5)) / n; };
    const p = trainer.predict(inputsOf(data.map, n * n, at), n * n), actuals = points.map((i) => actual(i)), [low, high] = span(actuals);
    const { X, Y } = axes(view, ranges[0], ranges[1], { xName: columns[0].name, yName: "" });
    const paint = hues(color, k), cells = new ImageData(n, n), mixers = paint.map((each) => mixer(color.paper, each));
    const below = mixer(color.paper, color.second), above = mixer(color.paper, color.accent);
    for (let i = 0; i < n * n; i++) {
      const place = 4 * ((n - 1 - Math.floor(i / n)) * n + (i % n)); // rows of pixels go down
      if (target.task === "multiclass") {
        let best = 0;
        for (let j = 1; j < k; j++) if (p[i * k + j] > p[i * k + best]) best = j;
        mixers[best % paint.length](cells.data, place, 0.15 + 0.4 * p[i * k + best]);
      } else {
        const share = target.task === "binary" ? p[i] : (value(p, i) - low) / (high - low);
        if (share < 0.5) below(cells.data, place, Math.min(1 - 2 * share, 1) * 0.75);
        else above(cells.data, place, Math.min(2 * share - 1, 1) * 0.75);
      }
    }
    surface.width = surface.height = n;
    surface.getContext("2d").putImageData(cells, 0, 0);
    ctx.imageSmoothingEnabled = target.task !== "multiclass";
    ctx.drawImage(surface, X(ranges[0][0]), Y(ranges[1][1]), X(ranges[0][1]) - X(ranges[0][0]), Y(ranges[1][0]) - Y(ranges[1][1]));
    points.forEach((i, j) => {
      const [a, b] = columns.map((column) => column.values[i]), own = actuals[j];
      if (Number.isNaN(a) || Number.isNaN(b)) return;
      const fill = target.task === "multiclass" ? paint[own % paint.length] : (target.task === "binary" ? own : (own - low) / (high - low)) < 0.5 ? color.second : color.accent;
      dot(X(a), Y(b), color.paper, 3.6, 0.9);
      dot(X(a), Y(b), fill, 2.6, 0.95);
    });
    ctx.fillStyle = color.ink;
    ctx.textAlign = "left";
    ctx.fillText(fitted(columns[1].name, 40), 52, 18);
    return target.task === "regression" ? "The network's surface over two columns, with the rows." : "The regions of the classes, with the rows.";
  }
  const x = data.x, p = trainer.predict(x.subarray(0, points.length * data.d), points.length);
  if (target.task === "regression") {
    const found = points.map((_, i) => value(p, i)), truth = points.map((i) => actual(i)), range = span([...truth, ...found.filter((each) => Math.abs(each) < 1e30)]);
    const { X, Y } = axes(view, range, range, { xName: `${target.name}, true`, yName: "predicted" });
    ctx.strokeStyle = color.muted;
    ctx.setLineDash([5, 4]);
    ctx.beginPath(); ctx.moveTo(X(range[0]), Y(range[0])); ctx.lineTo(X(range[1]), Y(range[1])); ctx.stroke();
    ctx.setLineDash([]);
    found.forEach((each, i) => dot(X(truth[i]), Y(Math.min(Math.max(each, range[0]), range[1])), color.accent, 2.2, 0.4));
    return "Predicted against true: on the dashed line every prediction is right.";
  }
  const held = points.map((i, j) => [target.values[i], target.task === "binary" ? (target.values[i] ? p[j] : 1 - p[j]) : p[j * k + target.values[i]]]);
  const { X, Y } = axes(view, [-0.5, k - 0.5], [0, 1], { xs: target.classes.slice(0, 12).map((name, j) => [j, fitted(name, Math.max(Math.floor(60 / k), 4))]), yName: "p(true class)" });
  const random = generator(5), paint = hues(color, k);
  held.forEach(([j, share]) => dot(X(j + 0.6 * (random() - 0.5)), Y(share), paint[j % paint.length], 2.2, 0.45));
  return "The probability that each row gives to its true class.";
}
