import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { sha256 } from './support/fake-registry.ts';
import { type ServedRegistry, serveDebian, serveHawser } from './support/registry.ts';
import { Sandbox } from './support/sandbox.ts';

/** Each RUN leaves a number that no second run would find again. */
const random = 'head -c 16 /dev/urandom | od -An -tx1';
const dockerfile = (base: string, last = 'echo end > /end') =>
  [
    `FROM ${base} AS build`,
    'COPY in /in',
    `RUN ${random} > /made`,
    `RUN ${random} > /other`,
    `FROM ${base}`,
    'COPY --from=build /made /made',
    `RUN ${random} > /own`,
    `RUN ${last}`,
    '',
  ].join('\n');

const mounting = (step: string) => `FROM busybox\nRUN --mount=type=cache,target=/c ${step}\n`;

interface Built {
  readonly id: string;
  readonly ran: readonly string[];
  readonly cached: readonly string[];
  readonly log: string;
}

/** Names of a build's steps by how they ended, e.g. `build 3/4`. */
function stepsOf(log: string, end: 'CACHED' | 'DONE'): string[] {
  const names = new Map(
    [...log.matchAll(/^#(\d+) \[((?:[^\] ]+ )?\d+\/\d+)\]/gm)].map(([, number, name]) => [number, name]),
  );
  const ended = [...log.matchAll(new RegExp(`^#(\\d+) ${end}`, 'gm'))].map(([, number]) => names.get(number));
  return ended.filter(name => name !== undefined).sort();
}

const allSteps = ['build 2/4', 'build 3/4', 'build 4/4', 'stage-1 2/4', 'stage-1 3/4', 'stage-1 4/4'];

describe('build cache of another machine', function () {
  this.timeout(120_000);
  const open: Sandbox[] = [];
  const running: ServedRegistry[] = [];
  let base: Sandbox;

  before(async () => {
    base = await Sandbox.create();
    await base.importBusybox();
    await base.hawser('save', '-o', 'base.tar', 'busybox');
  });
  after(() => base?.dispose());
  afterEach(async () => {
    for (const registry of running.splice(0)) await registry.stop();
    for (const sandbox of open.splice(0)) {
      const mounts = await sandbox.mounts();
      await sandbox.dispose();
      expect(mounts).to.deep.equal([]);
    }
  });

  /** A machine with a store that has nothing but the base image, and the project. */
  const machine = async (last?: string) => {
    const sandbox = await Sandbox.create();
    open.push(sandbox);
    await sandbox.write({ 'app/Dockerfile': dockerfile('busybox', last), 'app/in': 'input\n' });
    await sandbox.hawser('load', '-q', '-i', join(base.folder, 'base.tar'));
    return sandbox;
  };
  const build = async (sandbox: Sandbox, ...flags: string[]): Promise<Built> => {
    const args = ['build', '--progress', 'plain', '--iidfile', 'id', ...flags, 'app'];
    const { code, stderr } = await sandbox.try(args);
    expect(code, stderr).to.equal(0);
    const id = readFileSync(join(sandbox.folder, 'id'), 'utf8');
    return { id, ran: stepsOf(stderr, 'DONE'), cached: stepsOf(stderr, 'CACHED'), log: stderr };
  };
  const serve = async (kind: 'hawser' | 'debian', sandbox: Sandbox) => {
    const registry = await (kind === 'hawser' ? serveHawser : serveDebian)(
      sandbox,
      join(sandbox.folder, 'volume'),
    );
    running.push(registry);
    return registry.host;
  };
  const blobsOf = (sandbox: Sandbox) => readdirSync(join(sandbox.root, 'images/blobs/sha256'));

  for (const kind of ['hawser', 'debian'] as const) {
    it(`is found in a registry (${kind}): nothing runs, and the image is the same`, async () => {
      const one = await machine();
      const ref = `${await serve(kind, one)}/app/cache`;
      const made = await build(one, '--cache-to', `type=registry,ref=${ref},mode=max`);
      expect(made.ran).to.deep.equal(allSteps);
      const two = await machine();
      const built = await build(two, '--cache-from', ref, '-t', 'app');
      expect(built.cached).to.deep.equal(allSteps);
      expect(built.id).to.equal(made.id);
      expect(await two.hawser('run', '--rm', 'app', 'cat', '/end')).to.equal('end');
      expect((await build(two, '--cache-from', ref)).cached).to.deep.equal(allSteps);
    });
  }

  it('of mode=max fetches only layers whose files are needed', async () => {
    const one = await machine();
    const ref = `${await serve('hawser', one)}/cache`;
    await build(one, '--cache-to', `type=registry,ref=${ref},mode=max`);
    const two = await machine();
    const before = blobsOf(two).length;
    await build(two, '--cache-from', ref);
    // Three layers of the image, its config and manifest; and nothing of the stage before.
    expect(blobsOf(two).length - before).to.equal(5);
  });

  it('leaves the layers of a base where they are until a step reads its files', async () => {
    const one = await machine();
    const host = await serve('hawser', one);
    await one.hawser('tag', 'busybox', `${host}/sdk`);
    await one.hawser('push', '-q', `${host}/sdk`);
    const text = (step: string) =>
      `FROM ${host}/sdk AS build\nRUN ${step} > /made\nFROM scratch\nCOPY --from=build /made /made\n`;
    await one.write({ 'app/Dockerfile': text(random) });
    const cache = `${host}/cache`;
    const made = await build(one, '--cache-to', `type=registry,ref=${cache},mode=max`);

    const two = await Sandbox.create();
    open.push(two);
    await two.write({ 'app/Dockerfile': text(random), 'app/in': 'input\n' });
    const same = await build(two, '--cache-from', cache);
    expect([same.ran, same.id]).to.deep.equal([[], made.id]);
    expect(same.log).not.to.include('pull ');
    expect(await two.hawser('image', 'ls')).not.to.include('sdk');

    await two.write({ 'app/Dockerfile': text('echo other') });
    const other = await build(two, '--cache-from', cache);
    expect(other.ran).to.deep.equal(['build 2/2', 'stage-1 2/2']);
    expect(other.log).to.include(`pull ${host}/sdk`);
    expect(await two.hawser('image', 'ls')).to.include('sdk');
  });

  it('of mode=min names steps whose layers it lacks, and they run when their files are needed', async () => {
    const one = await machine();
    const ref = `${await serve('hawser', one)}/cache`;
    const made = await build(one, '--cache-to', `type=registry,ref=${ref}`);
    const two = await machine();
    const same = await build(two, '--cache-from', ref);
    expect([same.cached, same.id]).to.deep.equal([allSteps, made.id]);
    const three = await machine();
    const changed = dockerfile('busybox').replace('/made /made', '/other /other');
    await three.write({ 'app/Dockerfile': changed });
    const other = await build(three, '--cache-from', ref);
    expect(other.ran).to.include.members(['build 3/4', 'build 4/4', 'stage-1 2/4']);
    expect(other.id).not.to.equal(made.id);
  });

  it('lets a changed step run on what came from the registry', async () => {
    const one = await machine();
    const ref = `${await serve('hawser', one)}/cache`;
    await build(one, '--cache-to', `type=registry,ref=${ref},mode=max`);
    const two = await machine('cat /own > /copy');
    const built = await build(two, '--cache-from', ref, '-t', 'app');
    expect(built.ran).to.deep.equal(['stage-1 4/4']);
    const [own, copy] = (await two.hawser('run', '--rm', 'app', 'sh', '-c', 'cat /own; cat /copy')).split(
      '\n',
    );
    expect(copy).to.equal(own);
  });

  it('goes on from one registry to another without the layers here', async () => {
    const one = await machine();
    const first = `${await serve('hawser', one)}/cache`;
    const made = await build(one, '--cache-to', `type=registry,ref=${first},mode=max`);
    const two = await machine();
    const second = `${await serve('debian', two)}/cache`;
    const flags = [
      '--cache-to',
      `type=registry,ref=${second},mode=max`,
      '--cache-to',
      'type=local,dest=kept,mode=max',
    ];
    await build(two, '--cache-from', first, ...flags);
    const three = await machine();
    const built = await build(three, '--cache-from', second);
    expect([built.cached, built.id]).to.deep.equal([allSteps, made.id]);
    const four = await machine();
    const local = await build(four, '--cache-from', `type=local,src=${two.folder}/kept`);
    expect([local.cached, local.id]).to.deep.equal([allSteps, made.id]);
  });

  for (const compression of ['gzip', 'zstd', 'uncompressed']) {
    it(`is found in a folder (${compression})`, async () => {
      const one = await machine();
      const folder = join(one.folder, 'kept');
      const made = await build(
        one,
        '--cache-to',
        `type=local,dest=${folder},mode=max,compression=${compression}`,
      );
      const two = await machine();
      const built = await build(two, '--cache-from', `type=local,src=${folder}`);
      expect([built.cached, built.id]).to.deep.equal([allSteps, made.id]);
    });
  }

  it('in a folder does not grow for ever', async () => {
    const one = await machine();
    const blobs = () => readdirSync(join(one.folder, 'kept/blobs/sha256')).length;
    await build(one, '--cache-to', 'type=local,dest=kept,mode=max');
    const before = blobs();
    await build(one, '--no-cache', '--cache-to', 'type=local,dest=kept,mode=max');
    expect(blobs()).to.equal(before);
  });

  it('inline is in the image itself, whose id it leaves alone', async () => {
    const one = await machine();
    const ref = `${await serve('debian', one)}/app:1`;
    const made = await build(one, '-t', ref, '--cache-to', 'type=inline');
    expect((await build(one)).id).to.equal(made.id);
    await build(one, '-t', ref, '--cache-to', 'type=inline');
    await one.hawser('push', '-q', ref);
    const two = await machine();
    const built = await build(two, '--cache-from', ref);
    expect([built.cached, built.id]).to.deep.equal([allSteps, made.id]);
  });

  it('is ignored with a note where it is none or cannot be reached', async () => {
    const one = await machine();
    const host = await serve('hawser', one);
    await build(one, '-t', `${host}/plain:1`);
    await one.hawser('push', '-q', `${host}/plain:1`);
    const two = await machine();
    const sources = [`${host}/plain:1`, `${host}/none:1`, 'type=local,src=nowhere', '127.0.0.1:1/x'];
    const { ran, log } = await build(two, ...sources.flatMap(source => ['--cache-from', source]));
    expect(ran).to.deep.equal(allSteps);
    expect(log.match(/^warning: nothing is taken from/gm)).to.have.length(sources.length);
  });

  for (const place of ['registry', 'local'] as const) {
    it(`takes cache mounts along (${place}), and later builds go on with them`, async () => {
      const one = await machine();
      const isFolder = place === 'local';
      const where = isFolder ? join(one.folder, 'cache') : `${await serve('debian', one)}/cache`;
      const to = `type=${place},${isFolder ? 'dest' : 'ref'}=${where},mounts=true`;
      const from = `type=${place},${isFolder ? 'src' : 'ref'}=${where}`;
      await one.write({ 'app/Dockerfile': mounting('echo one >> /c/n') });
      await build(one, '--cache-to', to);
      // All of it cached: the mounts stay in the artifact.
      expect((await build(one, '--cache-to', to)).ran).to.deep.equal([]);
      const two = await machine();
      await two.write({ 'app/Dockerfile': mounting('echo two >> /c/n && cp /c/n /seen') });
      await build(two, '--cache-from', from, '--output', 'out');
      expect(readFileSync(join(two.folder, 'out/seen'), 'utf8')).to.equal('one\ntwo\n');
    });
  }

  it('gives an empty cache mount, and a note, where that is broken', async () => {
    const one = await machine();
    await one.write({ 'app/Dockerfile': mounting(`${random} > /c/n`) });
    await build(one, '--cache-to', 'type=local,dest=kept,mounts=true');
    const { layers } = manifestOf(join(one.folder, 'kept'));
    const mount = layers.find(({ annotations }) => annotations !== undefined)?.digest ?? '';
    const path = join(one.folder, 'kept/blobs/sha256', mount.slice(7));
    writeFileSync(path, readFileSync(path).subarray(0, -9));
    const two = await machine();
    await two.write({ 'app/Dockerfile': mounting('ls -A /c > /seen') });
    const source = `type=local,src=${one.folder}/kept`;
    const { log } = await build(two, '--cache-from', source, '--output', 'out');
    expect(log).to.match(/a cache mount begins empty, since local cache .* does not give it/);
    expect(readFileSync(join(two.folder, 'out/seen'), 'utf8')).to.equal('');
  });

  const spoil: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
    'other content': bytes => Buffer.from(bytes.map(byte => byte ^ 1)),
    'half of it': bytes => bytes.subarray(0, bytes.length / 2),
    nothing: () => Buffer.alloc(0),
  };
  for (const [what, change] of Object.entries(spoil)) {
    it(`with ${what} in its blobs gives no wrong image: steps run again`, async () => {
      const one = await machine();
      const made = await build(one, '--cache-to', 'type=local,dest=kept,mode=max');
      const folder = join(one.folder, 'kept/blobs/sha256');
      const { layers } = manifestOf(join(one.folder, 'kept'));
      for (const { digest } of layers) {
        const path = join(folder, digest.slice(7));
        writeFileSync(path, change(readFileSync(path)));
      }
      const two = await machine();
      const built = await build(two, '--cache-from', `type=local,src=${one.folder}/kept`, '-t', 'app');
      expect(built.log).to.match(/^warning: nothing more is taken from local cache/m);
      expect(built.id).not.to.equal(made.id);
      expect(await two.hawser('run', '--rm', 'app', 'cat', '/end')).to.equal('end');
      await two.hawser('system', 'fsck');
    });
  }

  it('that swaps its layers, or lies about their size, gives no wrong image', async () => {
    const lies: readonly ((steps: { layer: number; size: number }[]) => void)[] = [
      steps => {
        for (const step of steps) step.layer = (step.layer + 1) % 3;
      },
      steps => {
        for (const step of steps) step.size++;
      },
      steps => {
        for (const step of steps) step.layer = 99;
      },
    ];
    const one = await machine();
    const made = await build(one, '--cache-to', 'type=local,dest=kept,mode=max');
    for (const lie of lies) {
      const kept = join(one.folder, 'kept');
      await build(one, '--cache-to', 'type=local,dest=kept,mode=max');
      rewriteCache(kept, lie);
      const two = await machine();
      const built = await build(two, '--cache-from', `type=local,src=${kept}`, '-t', 'app');
      expect(built.log).to.match(/^warning: nothing (more )?is taken from local cache/m);
      expect(built.id).not.to.equal(made.id);
      expect(await two.hawser('run', '--rm', 'app', 'cat', '/end')).to.equal('end');
    }
  });

  it('--no-cache-filter runs the steps of one stage only', async () => {
    const one = await machine();
    await build(one);
    const built = await build(one, '--no-cache-filter', 'BUILD,nosuch');
    expect(built.ran).to.include.members(['build 3/4', 'build 4/4']);
    expect(built.log).to.contain('no stage is called "nosuch"');
    const own = await build(one, '--no-cache-filter', '1');
    expect(own.ran).to.deep.equal(['stage-1 2/4', 'stage-1 3/4', 'stage-1 4/4']);
  });

  it('refuses flags that it does not know, and tells of a cache that cannot be put', async () => {
    const one = await machine();
    for (const flag of [
      'type=gha',
      'type=registry',
      'type=local,dest=x,mode=all',
      'type=local,dest=x,odd=1',
    ]) {
      const { code, stderr } = await one.try(['build', '--cache-to', flag, 'app']);
      expect([flag, code]).to.deep.equal([flag, 2]);
      expect(stderr).to.contain('--cache-to');
    }
    const gone = 'type=registry,ref=127.0.0.1:1/x';
    expect((await one.try(['build', '--cache-to', gone, 'app'])).code).to.equal(1);
    expect((await one.try(['build', '--cache-to', `${gone},ignore-error=true`, 'app'])).code).to.equal(0);
  });
});

function manifestOf(folder: string): {
  config: { digest: string; size: number };
  layers: { digest: string; annotations?: object }[];
} {
  const { manifests } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
  return JSON.parse(readFileSync(join(folder, 'blobs/sha256', manifests[0].digest.slice(7)), 'utf8'));
}

/** Writes other steps into a cache, with digests that are right. */
function rewriteCache(folder: string, change: (steps: { layer: number; size: number }[]) => void): void {
  const put = (value: unknown) => {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = sha256(bytes);
    writeFileSync(join(folder, 'blobs/sha256', digest.slice(7)), bytes);
    return { digest, size: bytes.length };
  };
  const manifest = manifestOf(folder);
  const cache = JSON.parse(
    readFileSync(join(folder, 'blobs/sha256', manifest.config.digest.slice(7)), 'utf8'),
  );
  change(cache.steps);
  const path = join(folder, 'index.json');
  const index = JSON.parse(readFileSync(path, 'utf8'));
  const config = { ...manifest.config, ...put(cache) };
  Object.assign(index.manifests[0], put({ ...manifest, config }));
  writeFileSync(path, JSON.stringify(index));
}
