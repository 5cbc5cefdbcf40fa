// The code of a category, 0 if it is missing or unknown. 1.0 is 1; true is 1 or yes where these are the categories.
const plain = (text) => text.replace(/[\u200b\u2060\ufeff]/g, "").trim().split(/\s+/).join(" ").replace(/^(true|false)$/i, (word) => word.toLowerCase());
const whole = (text) => /^(-?(?:0|[1-9]\d*))(?:\.0*)?$/.exec(plain(text))?.[1];
const truth = (text) => (/^(true|t|yes|y)$/i.test(plain(text)) ? "1" : /^(false|f|no|n)$/i.test(plain(text)) ? "0" : whole(text)); // if truths
function codeOf(column, value) {
  if (blank(value, data.always)) return 0;
  const text = trim(value);
  column.codes ??= new Map(column.levels.map((level, j) => [level, j + 1]));
  const code = column.codes.get(text), keys = [whole, plain];
  if (code) return code;
  if (column.truths) keys.unshift(truth); // if truths
  for (const key of keys) {
    const own = key(text), same = own ? column.levels.filter((level) => key(level) === own) : [];
    if (same.length === 1) return column.codes.get(same[0]);
  }
  return 0;
}
