/* Quantities such as 500m, 64Mi and 1e3: apimachinery pkg/api/resource/quantity.go and suffix.go. */

const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9})|([KMGTPE]i|[numkMGTPE])?)$/;

/** Characters; nobody writes longer ones, and each costs time. */
const LENGTH_LIMIT = 128;
const NANO = 1_000_000_000n;
/** The greatest amount is that of a 64-bit integer. */
const LARGEST = ((1n << 63n) - 1n) * NANO;

interface Quantity {
  /** Rounded up to whole ones. */
  readonly nanos: bigint;
  readonly form: 'decimal' | 'binary' | 'exponent';
}

/** `digits` × 10^`exponent`, rounded up to whole numbers. */
function scaled(digits: bigint, exponent: number): bigint {
  if (digits === 0n) return 0n;
  if (exponent >= 0) return exponent > 60 ? LARGEST : digits * 10n ** BigInt(exponent);
  if (exponent < -LENGTH_LIMIT) return 1n;
  const divisor = 10n ** BigInt(-exponent);
  return (digits + divisor - 1n) / divisor;
}

function read(text: string): Quantity | undefined {
  const match = text.length > LENGTH_LIMIT ? null : pattern.exec(text);
  const [, sign, whole = '', fraction = '', exponent, suffix = ''] = match ?? [];
  if (match === null || whole + fraction === '') return undefined;
  const power = binarySuffixes.indexOf(suffix);
  const isBinary = power > 0;
  const ten = isBinary ? 0 : Number(exponent ?? (decimalSuffixes.indexOf(suffix) - 3) * 3);
  const digits = BigInt(whole + fraction) * (isBinary ? 1n << BigInt(power * 10) : 1n);
  const amount = scaled(digits, ten - fraction.length + 9);
  const nanos = amount > LARGEST ? LARGEST : amount;
  const form = exponent === undefined ? (isBinary ? 'binary' : 'decimal') : 'exponent';
  return { nanos: sign === '-' ? -nanos : nanos, form };
}

/** The number that a quantity is; NaN where it is none. Equal quantities are equal numbers. */
export function parseQuantity(text: string | number): number {
  const quantity = read(String(text));
  return quantity === undefined ? Number.NaN : Number(quantity.nanos) / 1e9;
}

/** How often `base` divides an amount, `limit` times at most, and what is left of it. */
function reduce(amount: bigint, base: bigint, limit: number): readonly [rest: bigint, times: number] {
  let rest = amount;
  let times = 0;
  while (times < limit && rest !== 0n && rest % base === 0n) {
    rest /= base;
    times++;
  }
  return [rest, times];
}

/** The one way in which Kubernetes writes a quantity: `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`. */
export function canonicalQuantity(text: string | number): string | undefined {
  const quantity = read(String(text));
  if (quantity === undefined) return undefined;
  const { nanos, form } = quantity;
  if (nanos === 0n) return '0';
  const isSmall = nanos > -1024n * NANO && nanos < 1024n * NANO;
  if (form === 'binary' && !isSmall && nanos % NANO === 0n) {
    const [rest, times] = reduce(nanos / NANO, 1024n, binarySuffixes.length - 1);
    return `${rest}${binarySuffixes[times]}`;
  }
  const [rest, times] = reduce(nanos, 1000n, decimalSuffixes.length - 1);
  if (form !== 'exponent') return `${rest}${decimalSuffixes[times]}`;
  return times === 3 ? String(rest) : `${rest}e${times * 3 - 9}`;
}
