import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { unlessAborted } from '../../src/util/abort.ts';

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('waiting unless aborted', () => {
  it('gives the result or the failure of the work', async () => {
    const { signal } = new AbortController();
    expect(await unlessAborted(Promise.resolve(1), signal)).to.equal(1);
    const failure = new Error('no');
    expect(await failureOf(unlessAborted(Promise.reject(failure), signal))).to.equal(failure);
  });

  it('ends when the signal fires, or has fired', async () => {
    const stop = new AbortController();
    const waiting = failureOf(unlessAborted(new Promise(() => {}), stop.signal));
    stop.abort();
    expect(isHawserError(await waiting, 'ABORTED')).to.equal(true);
    const late = failureOf(unlessAborted(Promise.reject(new Error('late')), stop.signal));
    expect(isHawserError(await late, 'ABORTED')).to.equal(true);
  });
});
