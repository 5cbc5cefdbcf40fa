// A number and whether it is a bound, -1 or 1 for texts such as <30, >= 90 and 90+, otherwise 0.
function boundOf(column, value) {
  const [, mark, body, plus] = /^([<>≤≥⩽⩾]=?)?\s*(.*?)\s*(\+?)$/.exec(typeof value === "string" ? trim(value) : "");
  if (!mark && !plus) {
    const exact = numberOf(column, value);
    return [exact, exact === exact ? 0 : NaN];
  }
  if ((mark && plus) || blank(body, data.missing)) fail(column, value, "no number");
  const number = numberOf(column, body);
  return [number, number === number ? (plus || />|≥|⩾/.test(mark) ? 1 : -1) : NaN];
}
