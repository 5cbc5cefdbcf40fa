// Random numbers from a seed: uniform numbers and orders of rows.
// Uniform numbers in [0, 1) (mulberry32).
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Puts items into a random order, in place (Fisher and Yates).
function shuffle(items, random) {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1)), item = items[i];
    items[i] = items[j];
    items[j] = item;
  }
  return items;
}
