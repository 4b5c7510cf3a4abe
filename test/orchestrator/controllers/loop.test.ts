import { expect } from 'chai';
import { pods } from '../../../src/orchestrator/apiserver/resources/pods.ts';
import { startLoop } from '../../../src/orchestrator/controllers/loop.ts';
import { type OpenedApi, openApi, podNamed, podsPath } from '../support/open-api.ts';

describe('controller loop', () => {
  let api: OpenedApi;
  beforeEach(async () => {
    api = await openApi();
  });
  afterEach(() => api.close());

  /** A loop whose work waits for `step`. */
  function openLoop(work: () => Promise<void> = async () => undefined) {
    const count = { runs: 0, running: 0, most: 0 };
    let notify = () => {};
    const log: string[] = [];
    const loop = startLoop({
      name: 'test',
      context: api.context,
      kinds: [pods],
      log: line => log.push(line),
      work: async () => {
        count.runs++;
        count.running++;
        count.most = Math.max(count.most, count.running);
        try {
          await work();
        } finally {
          count.running--;
          notify();
        }
      },
    });
    const until = async (runs: number) => {
      while (count.runs < runs) {
        await new Promise<void>(resolve => {
          notify = resolve;
        });
      }
    };
    return { loop, log, until, count };
  }

  it('works at once, and again after every change, never twice at a time', async () => {
    const { loop, until, count, log } = openLoop(() => new Promise(resolve => setImmediate(resolve)));
    await until(1);
    for (const name of ['a', 'b', 'c']) await api.call('POST', podsPath, { body: podNamed(name) });
    await until(3);
    await loop.close();
    expect(count.most).to.equal(1);
    expect(log).to.deep.equal([]);
  });

  it('tells of what failed, and tries again', async () => {
    let failures = 1;
    const { loop, until, log } = openLoop(async () => {
      if (failures-- > 0) throw new Error('not yet');
    });
    await until(2);
    await loop.close();
    expect(log).to.deep.equal(['test: not yet']);
  });

  it('ends while it waits', async () => {
    const { loop, until } = openLoop();
    await until(1);
    await loop.close();
  });
});
