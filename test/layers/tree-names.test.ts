import { expect } from 'chai';
import { type Branch, rootIndex, TreeNames } from '../../src/layers/tree-names.ts';
import { byteString } from '../../src/util/byte-string.ts';

describe('layers/tree-names', () => {
  const add = (names: TreeNames, text: string, options: { folder?: number; branch?: Branch } = {}) =>
    names.add(options.folder ?? rootIndex, { text: byteString(text), file: 0, branch: options.branch ?? 0 });
  const list = (names: TreeNames, branch: Branch) =>
    names.sortedChildrenOf(rootIndex, branch).map(name => names.textOf(name));

  it('finds each of many names in its folder only', () => {
    const names = new TreeNames();
    const folders = ['a', 'b'].map(text => add(names, text));
    const made = Array.from({ length: 5000 }, (_, index) =>
      add(names, `f${index >> 1}`, { folder: folders[index & 1] as number }),
    );
    const found = made.map((_, index) =>
      names.find(folders[index & 1] as number, byteString(`f${index >> 1}`), 0),
    );
    expect(found).to.deep.equal(made);
    expect(names.find(rootIndex, byteString('f0'), 0)).to.equal(undefined);
    expect(names.pathOf(made[3] as number)).to.equal('b/f1');
  });

  it('keeps branches apart: what one adds or removes the others do not see', () => {
    const names = new TreeNames();
    const [kept, gone] = [add(names, 'kept'), add(names, 'gone')];
    names.remove(gone, 0);
    const other = add(names, 'other');
    names.remove(kept, 1);
    add(names, 'kept', { branch: 1 });
    add(names, 'one', { branch: 1 });
    names.remove(other, 2);
    names.remove(kept, 2);
    add(names, 'two', { branch: 2 });
    expect(([0, 1, 2] as const).map(branch => list(names, branch))).to.deep.equal([
      ['kept', 'other'],
      ['kept', 'one', 'other'],
      ['two'],
    ]);
    expect(names.find(rootIndex, byteString('kept'), 0)).to.equal(kept);
    expect(names.find(rootIndex, byteString('kept'), 2)).to.equal(undefined);
  });

  it('adds and removes one name again and again, and walks over what goes meanwhile', () => {
    const names = new TreeNames();
    for (let round = 0; round < 20_000; round++) names.remove(add(names, 'x'), 0);
    const made = ['a', 'b', 'c'].map(text => add(names, text));
    for (const name of names.childrenOf(rootIndex, 0)) {
      if (name !== made[1]) names.remove(name, 0);
    }
    expect(list(names, 0)).to.deep.equal(['b']);
  });
});
