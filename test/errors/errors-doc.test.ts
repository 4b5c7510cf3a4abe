import { expect } from 'chai';
import { isErrorsDocumentCurrent } from '../../scripts/errors-doc.ts';

describe('docs/errors.md', () => {
  it('says what the code table says (npm run docs:errors mends it)', async () => {
    expect(await isErrorsDocumentCurrent()).to.equal(true);
  });
});
