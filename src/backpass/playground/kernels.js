// Kernels: the loops of the programs, in WebAssembly with its memory, or in JavaScript where WebAssembly is refused.
const PAGES = 2048;
const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

// {F, U, W, mm, k0, ...} as programs take them, and the memory, from which F, U and W take their arrays.
function compiled({ module, first }) {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytesOf(module)), { m: { memory } });
  let top = first;
  const array = (Kind) => (n) => {
    const start = top;
    top += (n * Kind.BYTES_PER_ELEMENT + 31) & ~15; // kernels read and write four numbers at a time
    return new Kind(memory.buffer, start, n).fill(0);
  };
  const reset = () => { top = first; };
  return { F: array(Float32Array), U: array(Uint8Array), W: array(Uint32Array), ...bound(instance.exports), memory, reset };
}

function compiledIfAllowed() {
  try { return compiled(MODULE); } catch { return null; }
}

const FAST = compiledIfAllowed();
let kernels = FAST ?? SCRIPTED;
