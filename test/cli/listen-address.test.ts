import { expect } from 'chai';
import { parseListenAddress } from '../../src/cli/listen-address.ts';
import { isHawserError } from '../../src/errors/hawser-error.ts';

const rows: readonly (readonly [string, string | undefined, number])[] = [
  [':5000', undefined, 5000],
  ['5000', undefined, 5000],
  ['127.0.0.1:5000', '127.0.0.1', 5000],
  ['localhost:0', 'localhost', 0],
  ['[::1]:5000', '::1', 5000],
];

describe('parseListenAddress', () => {
  for (const [text, host, port] of rows) {
    it(text, () => expect(parseListenAddress(text)).to.deep.equal({ host, port }));
  }
  for (const text of ['', ':', 'host', ':65536', '::1:5000', ':5000/x', ':-1']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      let thrown: unknown;
      try {
        parseListenAddress(text);
      } catch (error) {
        thrown = error;
      }
      expect(isHawserError(thrown, 'INVALID_ARGUMENT')).to.equal(true);
    });
  }
});
