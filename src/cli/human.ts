/** `7.8MB`: decimal units with three significant digits, as Docker prints sizes. */
export function humanSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))}${units[unit]}`;
}

/** `0.4s`, `12.3s`, `2m05s`. */
export function humanSeconds(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 99.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
}

const ageSteps: readonly (readonly [limit: number, size: number, name: string])[] = [
  [60, 1, 'second'],
  [3600, 60, 'minute'],
  [86_400, 3600, 'hour'],
  [7 * 86_400, 86_400, 'day'],
  [61 * 86_400, 7 * 86_400, 'week'],
  [730 * 86_400, 30 * 86_400, 'month'],
  [Number.POSITIVE_INFINITY, 365 * 86_400, 'year'],
];

/** `3 minutes`: the largest unit only. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [, size, name] = ageSteps.find(([limit]) => seconds < limit) ?? [0, 1, 'second'];
  const count = Math.floor(seconds / size);
  if (seconds < 1) return 'Less than a second';
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

/** `3 minutes ago`; `N/A` for no or an unreadable time. */
export function humanAge(time: string | undefined, now = Date.now()): string {
  const parsed = time === undefined ? Number.NaN : Date.parse(time);
  if (Number.isNaN(parsed) || parsed <= 0) return 'N/A';
  return `${humanDuration(now - parsed)} ago`;
}
