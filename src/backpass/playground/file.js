// The model file: what `backpass predict` reads, written byte by byte as Python writes it (see model/file/container.py).
// Facts are canonical JSON: sorted keys, ASCII, and numbers as Python's repr.
function numberText(x) {
  if (Number.isInteger(x) && Math.abs(x) < 2 ** 53) return String(x);
  let text = String(x);
  const [, sign, digits, exponent] = /^(-?)([\d.]+)(?:e([-+]\d+))?$/.exec(text);
  const size = Math.abs(x);
  if (exponent !== undefined) {
    const power = Number(exponent);
    text = `${sign}${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  } else if (size !== 0 && size < 1e-4) {
    const [mantissa, power] = x.toExponential().split("e");
    text = `${mantissa}e-${String(-power).padStart(2, "0")}`;
  } else if (size >= 1e16) text = x.toExponential().replace("e+", "e+");
  return text;
}

const quoted = (text) => JSON.stringify(text).replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

function canonical(value, sorted = true) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each, sorted)).join(",")}]`;
  const keys = Object.keys(value);
  if (sorted) keys.sort();
  return `{${keys.map((key) => `${quoted(key)}:${canonical(value[key], sorted)}`).join(",")}}`;
}

// SHA-256 of bytes (FIPS 180-4), as hexadecimal digits.
function sha256(bytes) {
  const rotate = (x, n) => (x >>> n) | (x << (32 - n));
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const part = (x) => Math.floor((x - Math.floor(x)) * 4294967296) | 0;
  const K = primes.map((p) => part(Math.cbrt(p))), H = primes.slice(0, 8).map((p) => part(Math.sqrt(p)));
  const length = bytes.length, padded = new Uint8Array(((length + 72) >> 6) << 6);
  padded.set(bytes);
  padded[length] = 128;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(length / 2 ** 29));
  view.setUint32(padded.length - 4, length << 3);
  const w = new Int32Array(64);
  for (let start = 0; start < padded.length; start += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(start + 4 * i);
    for (let i = 16; i < 64; i++) {
      const s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      const s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    let [a, b, c, d, e, f, g, h] = H;
    for (let i = 0; i < 64; i++) {
      const t1 = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((each, i) => { H[i] = (H[i] + each) | 0; });
  }
  return H.map((each) => (each >>> 0).toString(16).padStart(8, "0")).join("");
}

// The bytes of a model file. template is {arithmetic, backpass, format, settings}.
function modelFile(template, { data, target, trainer, settings, rows }) {
  const { map } = data;
  const isClass = target.task !== "regression";
  const layers = trainer.widths.slice(1).flatMap((units, k) => {
    const isLast = k === trainer.hidden;
    const dense = { activation: isLast ? "identity" : trainer.activation, kind: "dense", units };
    return !isLast && trainer.dropout > 0 ? [dense, { kind: "dropout", rate: trainer.dropout }] : [dense];
  });
  const features = [
    ...map.columns.map(({ name, kind, parts, feature }) => feature ?? { kind, name, ...(parts && { parts }) }),
    ...map.texts.map(({ column }) => column.feature ?? { kind: "categorical", levels: column.levels, name: column.name }),
  ];
  const facts = {
    arithmetic: template.arithmetic,
    backpass: template.backpass,
    schema: { features, target: target.name, left_out: [], notes: [], missing: MISSING },
    head: {
      center: isClass ? 0 : data.center, scale: isClass ? 1 : data.deviation, high: null, low: null, metric: null,
      loss: isClass ? "cross_entropy" : "squared", options: isClass ? { label_smoothing: 0 } : {},
      target: { class_kind: target.kind, classes: target.classes, name: target.name, notes: [], task: target.task },
      ...(target.task === "binary" ? { decision: { positive: 1, rule: "", threshold: 0.5 } } : {}),
    },
    features: { clipped: false, coding: map.texts.map(() => "one_hot"), has_missing: map.numeric.map(({ missing }) => missing), has_unknown: map.texts.map(({ unknown }) => unknown) },
    network: { inputs: data.d, layers },
    record: {
      settings: { ...template.settings, ...settings }, rows: { train: rows }, scores: {}, baselines: {}, history: [], best_epoch: 0,
      steps: trainer.steps, reason: "stopped", notes: ["trained in the playground"], members: [], columns: {},
    },
  };
  const arrays = [
    ["center", "F64", Float64Array.from(map.numeric, (each) => each.center)],
    ["scale", "F64", Float64Array.from(map.numeric, (each) => each.scale)],
    ["theta", "F32", trainer.theta],
  ];
  let place = 0;
  const entries = {};
  for (const [name, dtype, values] of arrays) {
    entries[name] = { dtype, shape: [values.length], data_offsets: [place, place + values.byteLength] };
    place += values.byteLength;
  }
  const metadata = { backpass: String(template.format), sha256: "0".repeat(64), kind: "model", facts: canonical(facts) };
  let text = canonical({ __metadata__: metadata, ...entries }, false);
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const bytes = new Uint8Array(8 + text.length + place);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  for (let i = 0; i < text.length; i++) bytes[8 + i] = text.charCodeAt(i);
  let start = 8 + text.length;
  for (const [, , values] of arrays) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), start);
    start += values.byteLength;
  }
  const digits = sha256(bytes), from = 8 + text.indexOf("0".repeat(64));
  for (let i = 0; i < 64; i++) bytes[from + i] = digits.charCodeAt(i);
  return bytes;
}
