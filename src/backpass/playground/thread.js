// The page's side of the worker. Where workers are refused, the page trains in its own frames.
const thread = {
  worker: null, isRefused: false, id: 0, latest: null,

  // Trains a session in the worker; false if there can be none.
  start(session) {
    try {
      this.worker ??= this.opened();
      this.latest = null;
      this.worker.postMessage({ start: session.facts, state: session.state, id: ++this.id, ask: true });
    } catch { this.refuse(); }
    return !this.isRefused;
  },

  opened() {
    if (this.isRefused) throw new Error("no worker");
    const url = URL.createObjectURL(new Blob([$("shared").textContent, "\nserve();"], { type: "text/javascript" }));
    const worker = new Worker(url);
    worker.onmessage = ({ data }) => { if (data.id === this.id) this.latest = data; };
    worker.onerror = (event) => { event.preventDefault(); this.refuse(); };
    return worker;
  },

  refuse() {
    this.worker?.terminate();
    this.worker = null;
    this.isRefused = true;
  },

  // What the worker has sent since the last call, or null; asks for more.
  take() {
    const found = this.latest;
    this.latest = null;
    if (found && !found.isInfinite) this.worker?.postMessage({ ask: true });
    return found;
  },

  stop() {
    this.id++;
    this.worker?.postMessage({ stop: true });
  },
};
