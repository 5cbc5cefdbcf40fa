// Reading: the records of a CSV file that is dropped on the page. The page reads a part of what `backpass fit` reads, and
// reads that alike: what fit refuses is an error here, and so is what only `backpass play` can read.
const DELIMITERS = [",", ";", "\t", "|"], SAMPLE = 65536, PLAY = "backpass play reads more kinds of files.";
const refuse = (text, ...more) => { throw new Error([text, ...more].filter(Boolean).join(" ")); };
const trimmed = (text) => text.replace(/^[ \t]+|[ \t]+$/g, "");
const counted = (n, noun) => `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;

// The text of a file: UTF-8, or UTF-16 with its mark.
function textOf(bytes) {
  const [first, second] = bytes, kind = first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  let text = "";
  try { text = new TextDecoder(kind, { fatal: true }).decode(bytes); } catch { refuse("The file is not text in UTF-8.", PLAY); }
  const zero = text.indexOf("\0");
  if (zero >= 0) refuse(`Line ${text.slice(0, zero).split(/\r\n?|\n/).length} has a NUL character: this is no text file, or one in another encoding.`);
  if (/^\s*[[{]/.test(text)) refuse("The file looks like JSON, not CSV.", PLAY);
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) refuse("The file is a web page, not CSV.");
  return text;
}

// The records of delimited text (RFC 4180): {line, cells}. Blank lines are none; spaces before a quotation mark are not read.
function recordsOf(text, delimiter) {
  const records = [];
  let cells = [], cell = "", line = 1, begin = 1, opened = 0, wasQuoted = false, quoted = false;
  const end = () => { cells.push(wasQuoted ? cell : trimmed(cell)); cell = ""; wasQuoted = false; };
  for (let i = 0; i < text.length; i++) {
    const character = text[i], isEnd = character === "\n" || character === "\r";
    if (isEnd && !(character === "\r" && text[i + 1] === "\n")) line++;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[i + 1] === '"') { cell += '"'; i++; } else quoted = false;
    } else if (character === delimiter) end();
    else if (isEnd) {
      if (character === "\r" && text[i + 1] === "\n") { i++; line++; }
      if (cells.length || cell !== "" || wasQuoted) { end(); records.push({ line: begin, cells }); }
      cells = [];
      begin = line;
      if (records.length > MOST_ROWS) return records;
    } else if (wasQuoted) refuse(`Line ${begin} has text after a closing quotation mark. A quotation mark inside a cell is written twice.`);
    else if (character === '"' && /^ *$/.test(cell)) { quoted = wasQuoted = true; cell = ""; opened = line; }
    else cell += character;
  }
  if (quoted) refuse(`A quotation mark opens in line ${opened} and is not closed.`);
  if (cells.length || cell !== "" || wasQuoted) { end(); records.push({ line: begin, cells }); }
  return records;
}

// The delimiter that cuts all records of the beginning into equally many cells, or else what the first line has most of.
function delimiterOf(text) {
  const isWhole = text.length <= SAMPLE, sample = text.slice(0, SAMPLE);
  const widths = DELIMITERS.map((each) => {
    try { return recordsOf(sample, each).map(({ cells }) => cells.length).slice(0, isWhole ? undefined : -1); } catch { return []; }
  });
  const cuts = DELIMITERS.filter((_, k) => widths[k][0] > 1), found = (k) => widths[DELIMITERS.indexOf(k)];
  const even = cuts.filter((each) => new Set(found(each)).size === 1), best = even.length ? even : cuts.filter((each) => new Set(found(each).slice(1)).size === 1);
  if (even.length > 1) refuse(`The delimiter may be ${even.map((each) => JSON.stringify(each)).join(" or ")}.`, "backpass play --delimiter says which.");
  return (best.length ? best : cuts).sort((a, b) => found(b)[0] - found(a)[0])[0] ?? ",";
}

const isTotal = (text) => {
  const label = text.replace(/^[ .:]+|[ .:]+$/g, "").toLowerCase();
  return facts.reading.totals.some((word) => label === word || label.endsWith(` ${word}`) || (label.startsWith(word) && !/\p{L}/u.test(label[word.length])));
};

// Whether the numbers of the last record are the sums of those above.
const SUMMED = 5;
function isSum(rows, last) {
  const sums = last.cells.map((cell, j) => [cell, rows.slice(0, -1).map(({ cells }) => cells[j]).filter((each) => each !== "")]).filter(([cell, above]) => NUMBER.test(cell) && above.length >= SUMMED && above.every((each) => NUMBER.test(each)));
  const values = sums.map(([cell, above]) => [Number(cell), above.reduce((sum, each) => sum + Number(each), 0)]);
  return values.some(([, sum]) => sum !== 0) && values.every(([value, sum]) => Math.abs(value - sum) <= 2e-3 * Math.abs(sum));
}

// The table of a CSV text: {delimiter, names, rows, lines, notes}; every row has a cell for each name.
function tableOf(text) {
  const delimiter = delimiterOf(text), [head, ...records] = recordsOf(text, delimiter), notes = [];
  if (!head || !records.length) refuse("The file has no rows below a header.");
  const names = head.cells.map(trimmed);
  let rows = records.filter(({ cells }) => (cells.length === 1 || cells.some((cell) => cell !== "")) && cells.join("\0") !== head.cells.join("\0"));
  if (rows.length < records.length) notes.push(`${counted(records.length - rows.length, "row")} without a value, or equal to the header: left out.`);
  if (rows.length && rows.every(({ cells }) => cells.length === names.length + 1)) {
    const first = rows.map(({ cells }) => cells[0]), isEnd = rows.every(({ cells }) => cells[names.length] === "");
    const areNames = new Set(first).size === first.length && first.every((cell) => /^\d+$/.test(cell) || (cell && !NUMBER.test(cell)));
    if (isEnd || areNames) rows = rows.map(({ line, cells }) => ({ line, cells: isEnd ? cells.slice(0, -1) : cells.slice(1) }));
    if (!isEnd && areNames) notes.push("The header has one name fewer than the rows have cells, as R writes row names: the first column is left out.");
  }
  if (names.length > 1 && names[names.length - 1] === "" && rows.every(({ cells }) => cells.length === names.length && cells[names.length - 1] === "")) {
    names.pop();
    rows = rows.map(({ line, cells }) => ({ line, cells: cells.slice(0, -1) }));
  }
  const uneven = rows.filter(({ cells }) => cells.length !== names.length);
  if (uneven.length) {
    const [{ line, cells }] = uneven, others = uneven.length > 1 ? `, and ${counted(uneven.length - 1, "other line")} do not fit it either` : "";
    refuse(`Line ${line} has ${counted(cells.length, "cell")}, the header has ${counted(names.length, "name")}${others}. A cell that holds the delimiter ${JSON.stringify(delimiter)} stands in quotation marks.`, PLAY);
  }
  const nameless = names.findIndex((name, j) => !name && j > 0), twice = names.find((name, j) => name && names.indexOf(name) < j);
  if (nameless > 0) refuse(`The header has no name at position ${nameless + 1}: give every column a name.`);
  if (twice !== undefined) refuse(`Two columns are named ${twice}.`);
  if (!names[0]) {
    names.shift();
    rows.forEach(({ cells }) => cells.shift());
    notes.push("The first column has no name: treated as row names and left out.");
  }
  const labeled = rows.filter(({ cells }) => isTotal(cells.find((cell) => cell !== "") ?? ""));
  const [last] = rows.slice(-1), total = labeled.length && labeled.length <= Math.max(1, rows.length / 10) ? labeled[0] : last && isSum(rows, last) ? last : null;
  if (total) refuse(`Line ${total.line} looks like a total of other rows, not like a row: remove it.`, PLAY);
  return { delimiter, names, rows: rows.map(({ cells }) => cells), lines: rows.map(({ line }) => line), notes };
}
