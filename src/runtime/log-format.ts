/** A line of a container's log, in the CRI format that conmon and Kubernetes write: `TIME stdout|stderr F|P text`. */
export interface LogLine {
  /** RFC 3339 with nanoseconds and an offset, as it was written. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** Bytes as the container wrote them, with its newline unless the line is partial. */
  readonly content: Buffer;
  readonly partial: boolean;
}

const SPACE = 0x20;

/** One line without its newline; undefined for what is no log line (the rest of a write that a crash cut off). */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  const third = line.indexOf(SPACE, second + 1);
  if (first < 0 || second < 0) return undefined;
  const time = line.toString('latin1', 0, first);
  const stream = line.toString('latin1', first + 1, second);
  const tag = line.toString('latin1', second + 1, third < 0 ? line.length : third);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  // Tags may be followed by others after a colon; Kubernetes reads the first.
  const partial = tag.startsWith('P');
  if ((!partial && !tag.startsWith('F')) || !/^\d{4}-\d\d-\d\dT/.test(time)) return undefined;
  const text = third < 0 ? Buffer.alloc(0) : line.subarray(third + 1);
  return {
    time,
    stream,
    partial,
    content: partial ? Buffer.from(text) : Buffer.concat([text, Buffer.from('\n')]),
  };
}

/** Nanoseconds since 1970 of an RFC 3339 time; undefined where it is none. */
export function timeOfLog(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)$/.exec(text);
  if (match === null) return undefined;
  const zone = match[3] === 'Z' ? 'Z' : (match[3] ?? '').replace(/^(...):?(..)$/, '$1:$2');
  const milliseconds = Date.parse(`${match[1]}${zone}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
}
