import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { array, assert, boolean, constantFrom, property } from 'fast-check';
import { unifiedDiff } from '../../src/util/unified-diff.ts';

const names = { before: 'a', after: 'b' };

describe('unifiedDiff', () => {
  it('shows changes with three lines around them', () => {
    const before = '1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n';
    const after = before.replace('4\n', 'four\nfour and a half\n').replace('15\n', '15');
    expect(unifiedDiff(before, after, names)).to.deep.equal([
      '--- a',
      '+++ b',
      '@@ -1,7 +1,8 @@',
      ' 1',
      ' 2',
      ' 3',
      '-4',
      '+four',
      '+four and a half',
      ' 5',
      ' 6',
      ' 7',
      '@@ -12,4 +13,4 @@',
      ' 12',
      ' 13',
      ' 14',
      '-15',
      '+15',
      '\\ No newline at end of file',
    ]);
  });

  it('is empty for equal texts, and has ranges of no lines', () => {
    expect(unifiedDiff('a\n', 'a\n', names)).to.deep.equal([]);
    expect(unifiedDiff('', 'a\n', names).slice(2)).to.deep.equal(['@@ -0,0 +1 @@', '+a']);
    expect(unifiedDiff('a\nb\n', '', names).slice(2)).to.deep.equal(['@@ -1,2 +0,0 @@', '-a', '-b']);
  });

  it('is what patch understands', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hawser-diff-'));
    const text = array(constantFrom('a', 'b', 'c', 'd', ''), { maxLength: 30 });
    try {
      assert(
        property(text, text, boolean(), (left, right, ended) => {
          const before = left.map(line => `${line}\n`).join('');
          const after = right.join('\n') + (ended && right.length > 0 ? '\n' : '');
          const diff = unifiedDiff(before, after, { before: 'file', after: 'file' });
          writeFileSync(join(folder, 'file'), before);
          if (diff.length > 0) {
            execFileSync(
              'git',
              ['apply', '--unsafe-paths', '--unidiff-zero', '-p0', '--whitespace=nowarn', '-'],
              {
                cwd: folder,
                input: `${diff.join('\n')}\n`,
                env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() },
              },
            );
          }
          const patched = execFileSync('cat', ['file'], { cwd: folder, encoding: 'utf8' });
          expect(patched).to.equal(after);
        }),
        { numRuns: 40 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
