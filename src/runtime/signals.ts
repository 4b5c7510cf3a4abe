import { constants } from 'node:os';
import { HawserError } from '../errors/hawser-error.ts';

/** @returns 1 … 64 for `SIGTERM`, `term`, `15` or `RTMIN+3`. @throws HawserError INVALID_ARGUMENT */
export function parseSignal(text: string): number {
  const named: Readonly<Record<string, number | undefined>> = constants.signals;
  const upper = text.toUpperCase();
  const realTime = /^(?:SIG)?RT(MIN(?:\+(\d+))?|MAX(?:-(\d+))?)$/.exec(upper);
  const number =
    realTime !== null
      ? realTime[1]?.startsWith('MIN') === true
        ? 34 + Number(realTime[2] ?? 0)
        : 64 - Number(realTime[3] ?? 0)
      : /^\d+$/.test(upper)
        ? Number(upper)
        : named[upper.startsWith('SIG') ? upper : `SIG${upper}`];
  if (number !== undefined && number >= 1 && number <= 64) return number;
  throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(text)} is not a signal`, {
    remedy: 'Use a name such as SIGTERM, or a number from 1 to 64.',
  });
}
