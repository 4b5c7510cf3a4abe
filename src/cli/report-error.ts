import { errorCodes, exitCodeOf } from '../errors/codes.ts';
import { HawserError, messageOf, type SourceLocation, systemErrorCode } from '../errors/hawser-error.ts';
import { isInUserNamespace } from '../util/user-namespace.ts';

/** System errors whose cause lies outside hawser, told in the user's words. */
const systemRemedies: Readonly<Record<string, string>> = {
  EACCES: 'Check the permissions, or run as root.',
  EPERM: 'Check the permissions, or run as root.',
  ENOENT: 'Check the path.',
  ENOSPC: 'The disk is full: free space and run it again.',
  EROFS: 'The file system is read-only.',
  EMFILE: 'Raise the limit of open files (ulimit -n).',
};

/** `file:line:column`, then the source lines with a caret under the range. */
export function renderLocation(location: SourceLocation): string[] {
  const place = [location.file, location.line, location.column].filter(part => part !== undefined).join(':');
  const excerpt = location.excerpt ?? [];
  const width = String(location.line + excerpt.length - 1).length;
  const lines = [`  at ${place}`];
  for (const [index, text] of excerpt.entries()) {
    lines.push(`  ${String(location.line + index).padStart(width)} | ${text}`);
    if (index === 0 && location.column !== undefined) {
      const blanks = text.slice(0, location.column - 1).replaceAll(/[^\t]/g, ' ');
      const length = Math.max(1, (location.endColumn ?? location.column + 1) - location.column);
      lines.push(
        `  ${' '.repeat(width)} | ${blanks}${'^'.repeat(Math.min(length, Math.max(1, text.length - blanks.length)))}`,
      );
    }
  }
  return lines;
}

function causesOf(error: HawserError): string[] {
  const lines: string[] = [];
  for (let cause = error.cause; cause !== undefined && cause !== null && lines.length < 4; ) {
    const message = messageOf(cause);
    if (message !== '' && !error.message.includes(message)) lines.push(`  because: ${message}`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return lines;
}

/** chown(2) in a user namespace, of an id that is not mapped. */
function isUnmappedOwner(error: unknown): boolean {
  const syscall = error instanceof Error && 'syscall' in error ? String(error.syscall) : '';
  return systemErrorCode(error) === 'EINVAL' && syscall.endsWith('chown') && isInUserNamespace();
}

/** The text of an error for a person: what, where, why and the next step; no stack trace. */
export function renderError(error: unknown): string {
  if (!(error instanceof HawserError)) {
    const remedy = isUnmappedOwner(error)
      ? 'The owner is not among your ids: give yourself more in /etc/subuid and /etc/subgid (docs/rootless.md).'
      : systemRemedies[systemErrorCode(error) ?? ''];
    return [`hawser: ${messageOf(error)}`, ...(remedy === undefined ? [] : [`  ${remedy}`])].join('\n');
  }
  const [first = '', ...more] = error.message.split('\n');
  // What the message quotes below its first line, e.g. the output of a step, comes after the code.
  const head =
    first.endsWith(':') && more.length > 0
      ? `${first.slice(0, -1)} [${error.code}]:`
      : `${first} [${error.code}]`;
  const lines = [`hawser: ${head}`, ...more];
  if (error.location !== undefined) lines.push(...renderLocation(error.location));
  lines.push(...causesOf(error), `  ${error.remedy ?? errorCodes[error.code].remedy}`);
  return lines.join('\n');
}

/** Writes the error to stderr and returns the exit code: DESIGN section 3. */
export function reportError(error: unknown): number {
  process.stderr.write(`${renderError(error)}\n`);
  if (process.env.HAWSER_DEBUG === '1' && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  if (error instanceof HawserError) return error.exitCode ?? exitCodeOf(error.code);
  return 1;
}
