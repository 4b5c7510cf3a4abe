// A process of its own that becomes a step: where no namespace is granted, unshare(1) is refused even for its chroot.
import { readFileSync, writeSync } from 'node:fs';
import { isHawserError, messageOf } from '../../errors/hawser-error.ts';
import { type EnteringStep, enterRoot } from '../enter-root.ts';

try {
  enterRoot(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as EnteringStep);
} catch (error) {
  const errno = isHawserError(error)
    ? (error.detail as { readonly errno?: string } | undefined)?.errno
    : undefined;
  writeSync(2, `${messageOf(error)}\n`);
  // As a shell says it.
  process.exitCode = errno === 'ENOENT' ? 127 : errno === 'EACCES' || errno === 'ENOEXEC' ? 126 : 125;
}
