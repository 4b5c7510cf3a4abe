import { posix } from 'node:path';
import type { AddInstruction, CopyInstruction } from '../../instructions.ts';
import { buildChecks } from '../build-checks.ts';
import type { LineWork } from './line-work.ts';

export function checkTransfer(line: CopyInstruction | AddInstruction, work: LineWork): void {
  const { node, sources, destination, chown, chmod } = line;
  const { scope, linter } = work;
  const fromContext = line.kind === 'add' || line.from === undefined;
  for (const source of sources) {
    const path = scope.expand(node, source, linter)?.text;
    if (path === undefined || !fromContext || isRemote(path)) continue;
    const clean = posix.normalize(path).replace(/^\/+/, '').replace(/\/+$/, '');
    const hidden = whyHidden(clean, work);
    if (hidden === undefined) continue;
    const action = line.kind === 'add' ? 'Add' : 'Copy';
    linter.report(
      buildChecks.copyIgnoredFile,
      { node, range: source },
      {
        message: `Attempting to ${action} file ${JSON.stringify(path)} that is excluded by .dockerignore`,
        hint: `${hidden} hides it; take it back below that line:`,
        mended: [`!${clean}`],
      },
    );
  }
  for (const word of [destination, chown, chmod]) if (word !== undefined) scope.expand(node, word, linter);
  if (line.kind === 'add' && line.checksum !== undefined) scope.expand(node, line.checksum, linter);
  for (const { content, expand } of line.files) if (expand) scope.expandBody(node, content, linter);
}

/** Also `git@host:…`, which has no scheme. */
export function isRemote(source: string): boolean {
  return /^(?:https?:\/\/|git:\/\/|ssh:\/\/|git@)/.test(source);
}

function whyHidden(clean: string, work: LineWork): string | undefined {
  // the context itself is always there, and what a wildcard finds is not hidden
  if (clean === '' || clean === '.' || /[*?[\\]/.test(clean)) return undefined;
  return work.whyHidden(clean);
}
