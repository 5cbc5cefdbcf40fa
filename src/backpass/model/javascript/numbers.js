// A number, from a number, a boolean, or a text: 12, -3.5, 1e-3, 1,000 and $1,234.50.
function numberOf(column, value) {
  if (blank(value, data.missing)) return NaN;
  let text = trim(value);
  if (column.comma && typeof value === "string") text = pointed(text); // if comma
  if (column.percent) text = text.replace(/\s?%$/, ""); // if percent
  if (column.binary) text = text.replace(/^(true|t|yes|y)$/i, "1").replace(/^(false|f|no|n)$/i, "0"); // if binary
  if (text === "true") text = "1";
  if (text === "false") text = "0";
  if (/^\([$€£¥₹][\d,.]+\)$/.test(text)) text = "-" + text.slice(1, -1);
  if (/^[-+]?[$€£¥₹]?\s?[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?\s?[$€£¥₹]?$/.test(text)) text = text.replace(/[$€£¥₹,\s]/g, "");
  const number = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : Infinity;
  if (!isFinite(number)) fail(column, value, column.notation ? "in a notation that is not read here: pass a number" : "not a finite number");
  return data.values.includes(number) ? NaN : number;
}
