import { parseDuration } from '../builder/dockerfile/duration.ts';
import { HawserError } from '../errors/hawser-error.ts';

const units: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** Bytes of e.g. `500MB`, `1.5GiB` or `4096`, as `du` and `df` here show them. @throws HawserError INVALID_ARGUMENT */
export function parseSize(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?$/i.exec(text.trim()) ?? [];
  const factor = units[unit.toLowerCase()];
  if (number === undefined || factor === undefined) {
    throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(text)} is no size`, {
      remedy: 'Use a number with B, kB, MB, GB, KiB, MiB or GiB, e.g. 10GB.',
    });
  }
  return Math.round(Number(number) * factor);
}

/** Milliseconds since 1970 of `24h` ago, or of a date. @throws HawserError INVALID_ARGUMENT */
export function parseUntil(text: string, now = Date.now()): number {
  const ago = parseDuration(text);
  const date = Date.parse(text);
  if (ago !== undefined) return now - ago / 1e6;
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(date)) return date;
  throw new HawserError('INVALID_ARGUMENT', `until=${JSON.stringify(text)} is no time`, {
    remedy: 'Use a duration, e.g. until=24h, or a date, e.g. until=2026-01-31.',
  });
}
