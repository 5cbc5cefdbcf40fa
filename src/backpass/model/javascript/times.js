// Times of day: 18:30, 18:30:15.5.
PARTS.hours = (t) => t / HOUR;
forms.push((column, text) => {
  const match = column.kind === "time" && /^(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/.exec(text);
  if (match) return clockOf(...match.slice(1));
});
