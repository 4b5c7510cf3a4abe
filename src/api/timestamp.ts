/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function timestampOf(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

const pattern = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.(\d+))?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * An RFC 3339 time as Kubernetes writes it: in UTC, with whole seconds or six digits of them.
 *
 * @returns undefined where the text is no time
 */
export function canonicalTime(text: string, precision: 'seconds' | 'microseconds'): string | undefined {
  const [, date = '', fraction = ''] = pattern.exec(text) ?? [];
  const time = Date.parse(text);
  const day = Date.parse(date);
  // JavaScript takes February 30 for March 2.
  if (Number.isNaN(time) || Number.isNaN(day) || !timestampOf(day).startsWith(date)) return undefined;
  const seconds = timestampOf(time);
  if (precision === 'seconds') return seconds;
  return `${seconds.slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}
