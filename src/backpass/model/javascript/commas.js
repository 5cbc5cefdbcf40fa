// A text with a decimal comma as one with a decimal point: 1.234,5 is 1234.5; ? if it is no such number.
const pointed = (text) => (/^[-+]?(\d{1,3}(\.\d{3})+|\d*)(,\d*)?$/.test(text) ? text.replace(/\./g, "").replace(",", ".") : "?");
