// A session: a trainer and the rows that it learns from. Its state moves between the page and the worker.
class Session {
  // settings: alpha, activation, optimizer, dropout, seed. Of the rows x (n, d) and y (n, k), the first `count` are
  // trained on, B at a time; the next `held` are validation rows.
  constructor(facts) {
    const { settings, widths, task, x, y, count, held, B } = facts, d = widths[0], k = widths[widths.length - 1];
    this.facts = facts;
    this.trainer = new Trainer({ ...settings, widths, task });
    this.bx = kernels.F(B * d);
    this.by = kernels.F(B * k);
    this.order = new Uint32Array(count);
    this.epoch = -1;
    this.place = count;
    this.validation = held && [x.subarray(count * d, (count + held) * d), y.subarray(count * k, (count + held) * k), held];
  }

  // The order of the rows depends on the seed and the epoch alone, so that a state needs no order.
  #shuffle() {
    for (let i = 0; i < this.order.length; i++) this.order[i] = i;
    shuffle(this.order, generator(this.facts.settings.seed + 17 + Math.imul(this.epoch, 0x9e3779b1)));
  }

  // The next batch: B rows in the order of the epoch.
  batch() {
    const { bx, by, facts: { widths, x, y, B, count } } = this, d = widths[0], k = widths[widths.length - 1];
    if (this.place + B > count) {
      this.epoch++;
      this.place = 0;
      this.#shuffle();
    }
    const { order, place } = this;
    this.place += B;
    for (let i = 0; i < B; i++) {
      const row = order[place + i];
      for (let j = 0, to = i * d, from = row * d; j < d; j++) bx[to + j] = x[from + j];
      for (let j = 0; j < k; j++) by[i * k + j] = y[row * k + j];
    }
    return [bx, by];
  }

  // One step; returns J. An infinite J leaves theta as it is.
  step() {
    const [x, y] = this.batch();
    return this.trainer.step(x, y, this.facts.B);
  }

  // J of the validation rows; NaN without any.
  held() {
    return this.validation ? this.trainer.loss(...this.validation) : NaN;
  }

  get state() {
    const { trainer: { theta, memory, steps, powers }, epoch, place } = this;
    return { theta: theta.slice(), memory: memory.map((each) => each.slice()), steps, powers: [...powers], epoch, place };
  }

  set state({ theta, memory, steps, powers, epoch, place }) {
    const { trainer } = this, isSame = this.epoch === epoch;
    trainer.theta.set(theta);
    memory.forEach((each, k) => trainer.memory[k].set(each));
    Object.assign(trainer, { steps, powers });
    Object.assign(this, { epoch, place });
    if (!isSame && epoch >= 0) this.#shuffle();
  }
}
