import { expect } from 'chai';
import { renderError } from '../../src/cli/report-error.ts';
import { HawserError } from '../../src/errors/hawser-error.ts';

describe('renderError', () => {
  it('shows place, source, caret, cause and remedy', () => {
    const error = new HawserError('DOCKERFILE_INVALID', 'unknown instruction: RUM', {
      cause: new Error('a deeper reason'),
      remedy: 'Did you mean RUN?',
      location: { file: 'Dockerfile', line: 12, column: 3, endColumn: 6, excerpt: ['\t RUM true'] },
    });
    expect(renderError(error).split('\n')).to.deep.equal([
      'hawser: unknown instruction: RUM [DOCKERFILE_INVALID]',
      '  at Dockerfile:12:3',
      '  12 | \t RUM true',
      '     | \t ^^^',
      '  because: a deeper reason',
      '  Did you mean RUN?',
    ]);
  });

  it('falls back to the remedy of the code table', () => {
    expect(renderError(new HawserError('BLOB_UNKNOWN', 'no blob'))).to.match(
      /Push or pull the image again\.$/,
    );
  });

  it('tells what to do about a system error', () => {
    const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    expect(renderError(error)).to.match(/disk is full/);
  });
});
