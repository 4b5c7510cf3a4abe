const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const part = '(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:ns|us|µs|μs|ms|s|m|h)';
const wholePattern = new RegExp(`^[+-]?(?:${part})+$`);
const partPattern = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/**
 * The milliseconds of a duration as Go writes it: `168h`, `1h30m`, `500ms`; a bare number counts nanoseconds, as
 * registry:2 reads it. Undefined for anything else.
 */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?\d+$/.test(text)) return Number(text) * 1e-6;
  if (!wholePattern.test(text)) return undefined;
  let total = 0;
  for (const [, count = '', unit = ''] of text.matchAll(partPattern))
    total += Number(count) * (units[unit] ?? 0);
  return text.startsWith('-') ? -total : total;
}
