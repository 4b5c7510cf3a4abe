import { HawserError } from '../errors/hawser-error.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `10m` or `1h30m` → milliseconds; undefined where it is no duration. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(text)) return undefined;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g);
  return [...parts].reduce((sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0), 0);
}

/**
 * The time of `--since` and `--until`: RFC 3339, seconds since 1970, or how long ago (`10m`); as RFC 3339.
 *
 * @throws HawserError INVALID_ARGUMENT
 */
export function parseLogTime(flag: string, text: string, now = Date.now()): string {
  const ago = parseDuration(text);
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : undefined;
  const time = ago === undefined ? (seconds ?? Date.parse(text)) : now - ago;
  if (Number.isNaN(time)) {
    throw new HawserError('INVALID_ARGUMENT', `--${flag} ${JSON.stringify(text)} is not a time`, {
      remedy: 'Use 10m, 2026-01-02T15:04:05Z, or seconds since 1970.',
    });
  }
  return new Date(time).toISOString();
}

/** `--tail N`, or `all`. @throws HawserError INVALID_ARGUMENT */
export function parseTail(text: string): { readonly tail?: number } {
  if (text === 'all' || text === '-1') return {};
  if (!/^\d+$/.test(text)) {
    throw new HawserError('INVALID_ARGUMENT', `--tail ${JSON.stringify(text)} is not a number`, {
      remedy: 'Use a number, or all.',
    });
  }
  return { tail: Number(text) };
}
