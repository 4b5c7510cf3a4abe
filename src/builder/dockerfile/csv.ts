/** One record of comma separated values (RFC 4180); undefined where Go's encoding/csv finds a stray quote. */
export function parseCsv(text: string): readonly string[] | undefined {
  const fields: string[] = [];
  let index = 0;
  for (;;) {
    if (text[index] === '"') {
      const field = readQuoted(text, index);
      if (field === undefined) return undefined;
      fields.push(field.value);
      index = field.end;
    } else {
      const comma = text.indexOf(',', index);
      const end = comma < 0 ? text.length : comma;
      const value = text.slice(index, end);
      if (value.includes('"')) return undefined;
      fields.push(value);
      index = end;
    }
    if (index >= text.length) return fields;
    if (text[index] !== ',') return undefined;
    index++;
  }
}

function readQuoted(
  text: string,
  start: number,
): { readonly value: string; readonly end: number } | undefined {
  let value = '';
  let index = start + 1;
  for (;;) {
    const quote = text.indexOf('"', index);
    if (quote < 0) return undefined;
    value += text.slice(index, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1 };
    value += '"';
    index = quote + 2;
  }
}
