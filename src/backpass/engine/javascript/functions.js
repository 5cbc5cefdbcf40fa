// The functions that the scripts of circuits call, beside those of Math; functions.py reads this file.

// z = x y + b, for x (n, d), y (d, m), b (m): places o, p, q, e and strides (u, v), (r, s), w in the arrays.
// Four columns at a time stay in registers.
function mm(Z, o, X, p, u, v, Y, q, r, s, n, d, m, B, e, w) {
  for (let i = 0; i < n; i++) {
    const b = (j) => (B ? B[e + j * w] : 0), c = o + i * m, a = p + i * u;
    let j = 0;
    for (; j + 3 < m; j += 4) {
      let t0 = b(j), t1 = b(j + 1), t2 = b(j + 2), t3 = b(j + 3);
      for (let k = 0, g = a, h = q + j * s; k < d; k++, g += v, h += r) {
        const x = X[g];
        t0 += x * Y[h]; t1 += x * Y[h + s]; t2 += x * Y[h + 2 * s]; t3 += x * Y[h + 3 * s];
      }
      Z[c + j] = t0; Z[c + j + 1] = t1; Z[c + j + 2] = t2; Z[c + j + 3] = t3;
    }
    for (; j < m; j++) {
      let t = b(j);
      for (let k = 0, g = a, h = q + j * s; k < d; k++, g += v, h += r) t += X[g] * Y[h];
      Z[c + j] = t;
    }
  }
}

// The sums of the columns of x (n, m), in double precision.
function sums(Z, X, n, m) {
  for (let j = 0; j < m; j++) {
    let s = 0;
    for (let i = 0; i < n; i++) s += X[i * m + j];
    Z[j] = s;
  }
}

// The place of an index that counts from the end if it is negative.
function at(i, n) {
  return i < 0 ? i + n : i;
}

// z_i = ln sum_j e^x_ij, for x (n, m).
function lse(Z, X, n, m) {
  for (let i = 0; i < n; i++) {
    let t = -Infinity, s = 0;
    for (let j = 0; j < m; j++) t = max(t, X[i * m + j]);
    if (!isFinite(t)) t = 0;
    for (let j = 0; j < m; j++) s += exp(X[i * m + j] - t);
    Z[i] = log(s) + t;
  }
}

function relu(x) {
  return x < 0 ? 0 : x;
}

function sigmoid(x) {
  const t = exp(x < 0 ? x : 0 - x);
  return (x < 0 ? t : 1) / (1 + t);
}

function softplus(x) {
  return max(x, 0) + log1p(exp(-abs(x)));
}

function power(x, y) {
  return x === 1 || (x === -1 && abs(y) === Infinity) ? 1 : pow(x, y);
}

function remainder(x, y) {
  const z = x % y;
  return z !== 0 && z < 0 !== y < 0 ? z + y : z;
}

// A power series with positive terms only (Abramowitz and Stegun 7.1.6).
function erf(x) {
  const z = abs(x);
  if (!(z < 6)) return sign(x);
  let t = z, y = z;
  for (let k = 1; t > 1e-17 * y; k++) y += t *= 2 * z * z / (2 * k + 1);
  return sign(x) * 2 / sqrt(PI) * exp(-z * z) * y;
}

// Philox4x32-10: word i mod 4 of the block with counter (i div 4, step, purpose, 0), for every element i.
function philox(Z, key0, key1, step, purpose) {
  const high = (x, y) => {
    const p = (x & 65535) * (y & 65535), q = (x >>> 16) * (y & 65535) + (p / 65536 >>> 0);
    const r = (x & 65535) * (y >>> 16) + (q & 65535);
    return (x >>> 16) * (y >>> 16) + floor(q / 65536) + (r / 65536 >>> 0) >>> 0;
  };
  for (let i = 0; i < Z.length; i += 4) {
    let a = i / 4, b = step, c = purpose, d = 0, k = key0, l = key1;
    for (let t = 0; t < 10; t++) {
      const x = high(a, 3528531795), y = high(c, 3449720151);
      const v = imul(a, 3528531795), w = imul(c, 3449720151);
      a = (y ^ b ^ k) >>> 0; b = w >>> 0; c = (x ^ d ^ l) >>> 0; d = v >>> 0;
      k = k + 2654435769 >>> 0; l = l + 3144134277 >>> 0;
    }
    Z[i] = a; if (i + 1 < Z.length) Z[i + 1] = b;
    if (i + 2 < Z.length) Z[i + 2] = c;
    if (i + 3 < Z.length) Z[i + 3] = d;
  }
}
