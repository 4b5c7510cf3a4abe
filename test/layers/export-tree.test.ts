import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { exportTree } from '../../src/layers/export-tree.ts';
import { makeTestRoots } from './support/roots.ts';
import { describeTree } from './support/tree-ops.ts';

describe('layers/export-tree', () => {
  it('gives a tree as an archive that GNU tar makes the same tree of', async () => {
    const roots = makeTestRoots();
    try {
      const [tree, copy] = [join(roots.folder, 'tree'), join(roots.folder, 'copy')];
      mkdirSync(`${tree}/d`, { recursive: true });
      mkdirSync(copy);
      writeFileSync(`${tree}/d/large`, Buffer.alloc(1_000_001, 7));
      linkSync(`${tree}/d/large`, `${tree}/link`);
      symlinkSync('d', `${tree}/symlink`);
      const archive = join(roots.folder, 'tree.tar');
      await writeFile(archive, exportTree(tree));
      execFileSync('tar', ['-x', '-f', archive, '-C', copy]);
      expect(describeTree(copy)).to.deep.equal(describeTree(tree));
    } finally {
      roots.remove();
    }
  });
});
