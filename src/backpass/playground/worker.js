// The worker trains a session in a thread of its own, so that the page only draws.
const SLICE = 4, MOST_LOSSES = 1 << 16;

// In the worker: messages are {start, alpha, state, id}, {alpha}, {ask} and {stop}. What it sends is a state of the session,
// J of each step since the last one, J of the validation rows, and milliseconds of training. It sends when it is asked,
// and when J becomes infinite. A page that does not ask, such as a hidden one, stops the training after 65,536 steps.
function serve() {
  const { port1, port2 } = new MessageChannel(), losses = new Float32Array(MOST_LOSSES);
  let session = null, id = 0, isAsked = false, isIdle = true, count = 0, busy = 0;
  const send = (isInfinite) => {
    postMessage({ id, state: session.state, losses: losses.slice(0, count), held: session.held(), busy, isInfinite });
    isAsked = false;
    count = busy = 0;
  };
  const go = () => {
    if (isIdle && session) port1.postMessage(0);
    isIdle = !session;
  };
  port2.onmessage = () => {
    if (!session) { isIdle = true; return; }
    const begin = performance.now();
    let now = begin, J = 0;
    while (now < begin + SLICE && count < MOST_LOSSES && Number.isFinite(J)) {
      for (let i = 0; i < 8 && count < MOST_LOSSES; i++) {
        J = session.step();
        if (!Number.isFinite(J)) break;
        losses[count++] = J;
      }
      now = performance.now();
    }
    busy += now - begin;
    isIdle = count === MOST_LOSSES;
    if (!Number.isFinite(J)) { send(true); session = null; isIdle = true; } else if (isAsked) send(false);
    if (!isIdle) port1.postMessage(0);
  };
  onmessage = ({ data }) => {
    if (data.start) {
      forget();
      session = new Session(data.start);
      session.state = data.state;
      ({ id } = data);
      count = busy = 0;
    }
    if (data.alpha && session) session.trainer.alpha = data.alpha;
    if (data.stop) session = null;
    isAsked = isAsked || Boolean(data.ask);
    if (isAsked) go();
  };
}
