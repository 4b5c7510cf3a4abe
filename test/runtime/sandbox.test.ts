import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { findContainer, stateOf } from '../../src/runtime/container-state.ts';
import type { ContainerRequest } from '../../src/runtime/container-types.ts';
import { createContainer } from '../../src/runtime/create-container.ts';
import { removeContainer } from '../../src/runtime/remove-container.ts';
import { runAttached } from '../../src/runtime/run-attached.ts';
import { createSandbox } from '../../src/runtime/sandbox.ts';
import { startContainer } from '../../src/runtime/start-container.ts';
import { stopContainer } from '../../src/runtime/stop-container.ts';
import { lackingForContainers, openTestEngine, type TestEngine } from './support/engine.ts';

describe('a pod’s sandbox', function () {
  this.timeout(60_000);
  let test: TestEngine;

  before(async function () {
    const missing = lackingForContainers();
    if (missing !== undefined) {
      console.log(`      skipped: ${missing} is missing`);
      this.skip();
    }
    test = await openTestEngine();
  });
  after(() => test?.dispose());

  const run = async (script: string, over: Partial<ContainerRequest>) => {
    const args = ['sh', '-c', script];
    const { record } = await createContainer(test.engine, {
      image: test.image,
      args,
      autoRemove: true,
      ...over,
    });
    let output = '';
    const onOutput = (_: string, chunk: Uint8Array) => {
      output += Buffer.from(chunk).toString();
    };
    await runAttached(test.engine, record.id, { onOutput });
    return output;
  };

  for (const kind of ['bridge', 'host', 'none'] as const) {
    it(`holds the namespaces that containers join, network ${kind}`, async () => {
      const { record } = await createSandbox(test.engine, { hostname: 'pod-a', network: { kind } });
      await startContainer(test.engine, record.id);
      const { pid } = stateOf(test.engine, record.id);
      const namespaces = { id: record.id };
      const links = await run('for name in net ipc uts; do readlink /proc/self/ns/$name; done; hostname', {
        namespaces,
      });
      const own = (name: string) => readNamespace(pid ?? 0, name);
      expect(links.trim().split('\n')).to.deep.equal([own('net'), own('ipc'), own('uts'), 'pod-a']);
      const first = await run('echo shared > /dev/shm/x; grep pod-a /etc/hosts', { namespaces });
      const address = findContainer(test.engine, record.id).start?.network?.address ?? '127.0.1.1';
      expect(first).to.equal(`${address}\tpod-a\n`);
      expect(await run('cat /dev/shm/x', { namespaces })).to.equal('shared\n');
      const state = await stopContainer(test.engine, record.id);
      expect(state).to.include({ status: 'exited', exitCode: 0 });
      await removeContainer(test.engine, record.id);
      expect(existsSync(join(test.engine.run, 'containers', record.id))).to.equal(false);
    });
  }

  it('shares processes when asked', async () => {
    const { record } = await createSandbox(test.engine, { hostname: 'pod-b', network: { kind: 'none' } });
    await startContainer(test.engine, record.id);
    expect(await run('ps -o comm', { namespaces: { id: record.id, pid: true } })).to.contain('pause');
    await removeContainer(test.engine, record.id, { force: true });
  });
});

function readNamespace(pid: number, name: string): string {
  return readlinkSync(`/proc/${pid}/ns/${name}`);
}
