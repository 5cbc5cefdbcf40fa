// Numbers that are dates or times: 20240131, seconds since 1970.
function countedOf(notation, x) {
  const unit = { epoch_seconds: 1e6, epoch_milliseconds: 1e3, epoch_microseconds: 1, epoch_nanoseconds: 1e-3 }[notation];
  if (unit) return unit < 1 ? Math.floor(x / 1e3) : Math.floor(x) * unit + Math.floor((x - Math.floor(x)) * unit);
  if (notation === "spreadsheet_serial") return Math.round((x - 25569) * 86400) * 1e6;
  if (notation === "hh.mm" || notation === "hhmm") {
    const digits = Math.round(notation === "hhmm" ? x : 100 * x);
    return clockOf(Math.floor(digits / 100), digits % 100);
  }
  const digits = String(notation === "yyyymm" ? 100 * x + 1 : x);
  return dayOf(Number(digits.slice(0, -4 - (notation.length - 8 > 0 ? notation.length - 8 : 0))), digits.slice(4, 6), digits.slice(6, 8)) + clockOf(...[8, 10, 12].map((k) => Number(digits.slice(k, k + 2))));
}
forms.push((column, text) => {
  if (!column.counted || !/^\d+(\.\d+)?$/.test(text)) return;
  return /^yyyymm/.test(column.counted) && /^(0+|9{8})$/.test(text) ? NaN : countedOf(column.counted, Number(text));
});
