// Dates with the order of day, month and year of the training table: 31.01.2024, 1/31/24 6:30 PM.
forms.push((column, text) => {
  const match = column.order && /^(\d\d?)([./-]) ?(\d\d?)\2 ?(\d{4}|\d\d)(?:(?:T|,? )(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?([AaPp])\.?[ \u00a0\u202f]?[Mm]\.?)?)?$/.exec(text);
  if (!match) return;
  const [day, month, year] = { day_first: [1, 3, 4], month_first: [3, 1, 4], year_first: [4, 3, 1] }[column.order].map((k) => match[k]);
  const hour = match[9] ? (match[5] >= 1 && match[5] <= 12 ? (match[5] % 12) + (/p/i.test(match[9]) ? 12 : 0) : 24) : match[5] ?? 0;
  return dayOf(year.length > 2 ? year : Number(year) + (year >= 69 ? 1900 : 2000), month, day) + clockOf(hour, match[6] ?? 0, match[7] ?? 0, match[8]);
});
