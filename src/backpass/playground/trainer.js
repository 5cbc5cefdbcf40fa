// Training: the programs of the page, which Python traced, run on theta and batches of rows.
const ADAM = { beta1: 0.9, beta2: 0.999 };

// A program by name, for lengths; made once per set of lengths.
const made = new Map();
function program(name, lengths) {
  const key = name + JSON.stringify(lengths);
  if (!made.has(key)) made.set(key, PROGRAMS[name](lengths, [], kernels));
  return made.get(key);
}

// The outputs of a program on arrays from anywhere; the kernels take those of their memory.
const held = new Map();
function evaluate(name, lengths, ...arrays) {
  const key = name + JSON.stringify(lengths);
  return program(name, lengths)(...arrays.map((array, i) => {
    if (!kernels.memory || array.buffer === kernels.memory.buffer) return array;
    const place = `${key}${i}`;
    if (!held.has(place)) held.set(place, kernels.F(array.length));
    held.get(place).set(array);
    return held.get(place);
  }));
}

// Forget all programs and give their memory back; trainers made before must not be used again.
function forget() {
  made.clear();
  held.clear();
  kernels.reset?.();
}

class Trainer {
  // widths d, m1, ..., k; theta may be given.
  constructor({ widths, activation, task, optimizer, alpha, dropout, seed, theta }) {
    Object.assign(this, { widths, activation, task, optimizer, alpha, dropout, seed });
    this.hidden = widths.length - 2;
    this.parameters = [];
    let size = 0;
    for (let k = 1; k < widths.length; k++) {
      for (const [name, length] of [[`W${k}`, widths[k - 1] * widths[k]], [`b${k}`, widths[k]]]) {
        this.parameters.push({ name, start: size, length });
        size += length;
      }
    }
    this.theta = kernels.F(size);
    this.theta.set(theta ?? this.#initial(size));
    this.g = kernels.F(size);
    this.memories = { sgd: 0, momentum: 1, adam: 2 }[optimizer];
    this.memory = Array.from({ length: this.memories }, () => kernels.F(size));
    this.steps = 0;
    this.powers = [1, 1];
    this.lengths = Object.fromEntries(widths.slice(1, -1).map((width, k) => [`m${k + 1}`, width]));
  }

  // He initialization: normal with variance 2 / inputs; biases 0.
  #initial(size) {
    const random = generator(this.seed * 7919 + 1), theta = new Float32Array(size);
    for (const [k, { start, length }] of this.parameters.entries()) {
      if (k % 2) continue;
      const deviation = Math.sqrt(2 / this.widths[k / 2]);
      for (let i = 0; i < length; i++) {
        theta[start + i] = deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      }
    }
    return theta;
  }

  views(vector) {
    return this.parameters.map(({ start, length }) => vector.subarray(start, start + length));
  }

  #known(B) {
    const k = this.widths[this.widths.length - 1];
    return { d: this.widths[0], ...this.lengths, B, ...(this.task === "multiclass" ? { k } : {}) };
  }

  get activationName() {
    return this.hidden ? this.activation : "identity";
  }

  // The programs and arrays of steps on B rows, made once.
  #prepared(B) {
    if (this.kept?.B === B) return this.kept;
    const drops = this.dropout > 0 && this.hidden > 0;
    const step = program(`step ${this.hidden} ${this.activationName} ${this.task}${drops ? " dropout" : ""}`, this.#known(B));
    const random = drops ? [filled(1, 2 * this.dropout), Uint32Array.of(this.seed, 0), new Uint32Array(1)] : [];
    const update = program(`update ${this.optimizer}`, { p: this.theta.length });
    this.kept = { B, step, random, update, theta: this.views(this.theta), ones: filled(B, 1), settings: kernels.F(SETTINGS[this.optimizer].length) };
    return this.kept;
  }

  // J and every gradient and activation of a batch, in arrays that the next step writes again.
  gradient(x, y, B) {
    const { step, random, theta, ones } = this.#prepared(B), count = this.parameters.length;
    if (random.length) random[2][0] = this.steps;
    const found = step(...theta, x, y, ones, ...random);
    return { J: found[0][0], gradients: found.slice(1, count + 1), watched: found.slice(count + 1) };
  }

  // theta := theta - u, by the program of the optimizer.
  update(gradients) {
    const { update, settings } = this.#prepared(this.kept.B);
    this.parameters.forEach(({ start }, k) => this.g.set(gradients[k], start));
    this.steps++;
    this.powers[0] *= ADAM.beta1;
    this.powers[1] *= ADAM.beta2;
    SETTINGS[this.optimizer].forEach((name, i) => {
      settings[i] = name === "learning_rate" ? this.alpha : 1 / (1 - this.powers[name === "bias_correction1" ? 0 : 1]);
    });
    const [theta, ...memory] = update(this.theta, this.g, ...this.memory, settings);
    this.theta.set(theta);
    memory.forEach((each, k) => this.memory[k].set(each));
  }

  step(x, y, B) {
    const { J, gradients } = this.gradient(x, y, B);
    if (!Number.isFinite(J)) return J;
    this.update(gradients);
    return J;
  }

  // The outputs o (n, k).
  outputs(x, n) {
    const name = `forward ${this.hidden} ${this.activationName} ${this.task === "multiclass" ? "several" : "one"}`;
    return evaluate(name, this.#known(n), ...this.views(this.theta), x)[0];
  }

  // Numbers in standard deviations (n,), the probability of the second class (n,), or probabilities (n, k).
  predict(x, n) {
    const o = this.outputs(x, n);
    return this.task === "regression" ? o : evaluate(`predict ${this.task}`, this.#known(n), o)[0];
  }

  loss(x, y, n) {
    return evaluate(`loss ${this.task}`, this.#known(n), this.outputs(x, n), y, new Float32Array(n).fill(1))[0][0];
  }
}

// The largest relative difference of J and theta from the steps that Python took on the same rows.
function agreement({ widths, activation, optimizer, alpha, B, theta, x, y, J, last }) {
  const trainer = new Trainer({ widths, activation, task: "regression", optimizer, alpha, dropout: 0, seed: 0, theta: floats(theta) });
  const inputs = floats(x), targets = floats(y), d = widths[0], bx = kernels.F(B * d), by = kernels.F(B);
  let worst = 0;
  J.forEach((expected, t) => {
    bx.set(inputs.subarray(t * B * d, (t + 1) * B * d));
    by.set(targets.subarray(t * B, (t + 1) * B));
    const found = trainer.step(bx, by, B);
    worst = Math.max(worst, Math.abs(found - expected) / Math.abs(expected));
  });
  const end = floats(last), size = end.reduce((top, each) => Math.max(top, Math.abs(each)), 0);
  end.forEach((each, i) => { worst = Math.max(worst, Math.abs(trainer.theta[i] - each) / size); });
  return worst;
}

const filled = (n, value) => kernels.F(n).fill(value);
const floats = (text) => new Float32Array(bytesOf(text).buffer);
