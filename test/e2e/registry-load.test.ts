import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { Digest } from '../../src/image/digest.ts';
import { isInstalled } from '../registry-server/support/registry.ts';
import { freePort } from './support/ports.ts';
import { serveDebian } from './support/registry.ts';
import { LoadClient, LoadError } from './support/registry-load.ts';
import { Sandbox } from './support/sandbox.ts';

const CLIENTS = 8;
/** HAWSER_STRESS_SECONDS=60 and HAWSER_STRESS_KILLS=50 for as long as anybody likes. */
const seconds = Number(process.env.HAWSER_STRESS_SECONDS ?? 15);
const kills = Number(process.env.HAWSER_STRESS_KILLS ?? 50);

describe('registry under load', function () {
  this.timeout(180_000 + seconds * 2000 + kills * 3000);
  let sandbox: Sandbox;
  let clients: LoadClient[];

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    clients = Array.from({ length: CLIENTS }, (_, id) => new LoadClient(id));
  });
  afterEach(() => sandbox.dispose());

  const volume = () => join(sandbox.folder, 'volume');

  /** A registry that collects all the time, as quick as it can. */
  async function serve() {
    const port = await freePort();
    await sandbox.write({
      'registry.yml': [
        'version: 0.1',
        'log: {accesslog: {disabled: true}, level: error}',
        `storage: {filesystem: {rootdirectory: ${volume()}}, delete: {enabled: true}}`,
        `http: {addr: "127.0.0.1:${port}"}`,
        'hawser: {gc: {delay: 50ms, interval: 500ms, grace: 3s, untagged: true}}',
      ].join('\n'),
    });
    const child = sandbox.start('registry', 'serve', 'registry.yml');
    child.stdout.resume();
    const said: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    const url = `http://127.0.0.1:${port}`;
    while ((await fetch(`${url}/v2/`).catch(() => undefined))?.status !== 200) {
      if (child.exitCode !== null) throw new Error(Buffer.concat(said).toString());
      await delay(10);
    }
    const end = async (signal: NodeJS.Signals) => {
      child.kill(signal);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      const errors = Buffer.concat(said)
        .toString()
        .split('\n')
        .filter(line => line.includes('level=error'));
      return errors;
    };
    return { url, end };
  }

  /** A break of the connection is what a kill is for; everything else is an error of the registry. */
  const unlessCut = (error: unknown) => {
    if (error instanceof LoadError) throw error;
  };

  const collect = (...flags: string[]) =>
    sandbox.hawser('registry', 'gc', '--untagged', '--root', volume(), ...flags);

  /** What is stored must be what the tags need, and nothing else. */
  function expectNothingElse(): void {
    const needed = new Set(clients.flatMap(client => [...client.digests()]));
    const base = join(volume(), 'docker/registry/v2');
    const folder = join(base, 'blobs/sha256');
    const stored = readdirSync(folder).flatMap(prefix =>
      readdirSync(join(folder, prefix)).map(hex => `sha256:${hex}`),
    );
    expect(stored.filter(digest => !needed.has(digest as Digest))).to.deep.equal([]);
    expect(stored).to.have.length(needed.size);
    for (const path of readdirSync(base, { recursive: true, encoding: 'utf8' })) {
      if (path.endsWith('/link')) expect(statSync(join(base, path)).size, path).to.equal(71);
      if (!path.startsWith('_hawser/')) expect(path).not.to.match(/\.tmp$/);
    }
    const aside = join(base, '_hawser/collecting');
    expect(existsSync(aside) ? readdirSync(aside) : []).to.deep.equal([]);
  }

  it(`${CLIENTS} clients push, retag and delete beside collectors inside and outside: what is tagged pulls, all else is gone`, async () => {
    const { url, end } = await serve();
    let isOver = false;
    const timer = setTimeout(() => (isOver = true), seconds * 1000);
    const running = clients.map(client => client.run(url, () => isOver));
    const outside = (async () => {
      for (let runs = 0; ; runs++) {
        if (isOver) return runs;
        await collect('--grace', '3s');
      }
    })();
    await Promise.all(running).finally(() => {
      isOver = true;
      clearTimeout(timer);
    });
    const runs = await outside;
    for (const client of clients) await client.check(url);
    await delay(3100);
    await collect('--grace', '3s');
    for (const client of clients) await client.check(url);
    expectNothingElse();
    expect(await end('SIGTERM')).to.deep.equal([]);
    const done = clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
    const retried = clients.reduce((sum, client) => sum + client.retried, 0);
    console.log(
      `      ${done} requests of clients in ${seconds} s, ${retried} pushed twice, ${runs} collections from outside`,
    );
  });

  it(`${kills} times kill -9 under the same load: nothing acknowledged is lost, no link is empty`, async () => {
    for (let round = 0; round < kills; round++) {
      const { url, end } = await serve();
      for (const client of clients) await client.check(url);
      const before = clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
      let isOver = false;
      const running = clients.map(client => client.run(url, () => isOver).catch(unlessCut));
      // Every kill hits at another moment, in the middle of pushes and of collections.
      while (clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0) < before + 10 + (round % 25))
        await delay(2);
      await end('SIGKILL');
      isOver = true;
      await Promise.all(running);
    }
    const { url, end } = await serve();
    for (const client of clients) await client.check(url);
    await end('SIGTERM');
    await delay(3100);
    await collect('--grace', '3s');
    expect((await sandbox.try(['registry', 'verify', '--root', volume()])).stdout).to.equal('');
    expectNothingElse();
    if (!isInstalled('docker-registry')) return;
    const peer = await serveDebian(sandbox, volume());
    try {
      for (const client of clients) await client.check(`http://${peer.host}`);
    } finally {
      await peer.stop();
    }
    const done = clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
    console.log(`      ${done} requests of clients were acknowledged over ${kills} kills`);
  });
});
