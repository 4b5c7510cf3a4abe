import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { cachedDigests } from '../../src/builder/cache/build-cache.ts';
import { collectGarbage } from '../../src/content/gc.ts';
import { resolveImage } from '../../src/content/resolve-image.ts';
import { openSnapshotter } from '../../src/layers/open-snapshotter.ts';
import { readTar } from '../../src/tar/reader.ts';
import { textOf } from '../../src/util/byte-string.ts';
import { chunked } from '../content/conformance.ts';
import { addBusybox, BuildSandbox, errorOf, whyNoRun } from './support.ts';

const from = 'FROM busybox\n';

describe('building with RUN', () => {
  let sandbox: BuildSandbox;
  before(async function () {
    const reason = whyNoRun();
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    sandbox = await BuildSandbox.open();
    await addBusybox(sandbox.store);
  });
  after(() => sandbox?.close());
  afterEach(() => {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
    expect(mounts).not.to.contain(sandbox.folder, 'something is left mounted');
  });

  const dockerfile = (text: string, files = {}) => sandbox.context({ ...files, Dockerfile: text });

  it('makes layer, config and history as BuildKit does', async () => {
    const lines = [
      'ARG VERSION=1',
      'ENV NAME=value OTHER="two words"',
      'LABEL a=1 b="$OTHER"',
      'WORKDIR /work',
      'RUN echo $VERSION > out && rm /etc/group',
      'USER app',
      'EXPOSE 443/udp 80',
      'VOLUME /data',
      'STOPSIGNAL SIGINT',
      'HEALTHCHECK --interval=30s CMD exit 0',
      'ENTRYPOINT ["/bin/sh"]',
      'CMD ["-c", "echo \\"hi\\""]',
    ];
    const { image } = await sandbox.build(dockerfile(from + lines.join('\n')), { labels: { c: '3' } });
    expect(await sandbox.layer(image, 1)).to.deep.equal(['d0755 0:0 work']);
    expect(await sandbox.layer(image, 2)).to.deep.equal([
      'd0755 0:0 etc',
      '-0000 0:0 etc/.wh.group',
      'd0755 0:0 work',
      '-0644 0:0 work/out',
    ]);
    expect(image.config.value.config).to.deep.equal({
      Cmd: ['-c', 'echo "hi"'],
      Labels: { base: 'yes', a: '1', b: 'two words', c: '3' },
      Env: [
        'FROM_BASE=1',
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        'NAME=value',
        'OTHER=two words',
      ],
      WorkingDir: '/work',
      User: 'app',
      ExposedPorts: { '443/udp': {}, '80/tcp': {} },
      Volumes: { '/data': {} },
      StopSignal: 'SIGINT',
      Healthcheck: { Test: ['CMD-SHELL', 'exit 0'], Interval: 30e9 },
      Entrypoint: ['/bin/sh'],
      ArgsEscaped: true,
    });
    expect(image.config.value.history?.slice(1).map(entry => entry.created_by)).to.deep.equal([
      'ARG VERSION=1',
      'ENV NAME=value OTHER=two words',
      'LABEL a=1 b=two words',
      'WORKDIR /work',
      'RUN |1 VERSION=1 /bin/sh -c echo $VERSION > out && rm /etc/group # buildkit',
      'USER app',
      'EXPOSE [443/udp 80/tcp]',
      'VOLUME [/data]',
      'STOPSIGNAL SIGINT',
      'HEALTHCHECK &{["CMD-SHELL" "exit 0"] "30s" "0s" "0s" "0s" \'\\x00\'}',
      'ENTRYPOINT ["/bin/sh"]',
      'CMD ["-c" "echo \\"hi\\""]',
    ]);
    const filled = image.config.value.history?.filter(entry => entry.empty_layer !== true);
    expect(filled?.length).to.equal(image.config.value.rootfs.diff_ids.length);
  });

  it('gives the very same image from the cache, without opening a snapshot', async () => {
    const context = dockerfile(`${from}COPY d /d\nRUN cat /d/a > /b\nRUN echo 2 > /c\n`, { 'd/a': 'a' });
    const first = await sandbox.build(context, { tags: ['app'] });
    expect(first.log.steps.every(step => step.startsWith('done'))).to.equal(true);
    const openSnapshotter = () => Promise.reject(new Error('a snapshot was asked for'));
    const again = await sandbox.build(context, { tags: ['app'] }, { openSnapshotter });
    expect(again.log.steps.every(step => step.startsWith('cached'))).to.equal(true);
    expect(again.descriptor).to.deep.equal(first.descriptor);
    const anew = await sandbox.build(context, { noCache: true });
    expect(anew.log.steps.every(step => step.startsWith('done'))).to.equal(true);
  });

  it('unpacks again what a pruning beside it takes before it stands on it', async () => {
    const taken: string[] = [];
    const openPruned = async () => {
      const snapshots = await openSnapshotter({
        root: sandbox.path('root/snapshots'),
        run: sandbox.path('run'),
      });
      const prepare = snapshots.prepare.bind(snapshots);
      const met = new Set<string | undefined>();
      return Object.assign(snapshots, {
        async prepare(...[key, parent, options]: Parameters<typeof prepare>) {
          if (key.startsWith('build-') && !met.has(parent)) {
            for (const { chainID, users } of await snapshots.list())
              if (users === 0 && (await snapshots.remove(chainID))) taken.push(chainID);
          }
          met.add(parent);
          return prepare(key, parent, options);
        },
      });
    };
    const context = dockerfile(`${from}RUN echo 1 > /1\nRUN cat /1 > /2\nRUN cat /1 /2 > /3\n`);
    const { image } = await sandbox.build(context, { noCache: true }, { openSnapshotter: openPruned });
    expect(taken.length).to.be.greaterThan(2);
    expect(await sandbox.layer(image, -1)).to.deep.equal(['-0644 0:0 3']);
  });

  it('runs again from the first line that changed', async () => {
    const text = (second: string) => `${from}RUN echo 1 > /1\nRUN echo ${second} > /2\nRUN echo 3 > /3\n`;
    await sandbox.build(dockerfile(text('two')));
    const { log } = await sandbox.build(dockerfile(text('zwei')));
    expect(log.steps.map(step => step.split(' ')[0])).to.deep.equal(['cached', 'done', 'done']);
  });

  it('trap 68: an ARG misses the cache at the RUN after it, not before', async () => {
    const context = dockerfile(`${from}RUN echo 1\nARG V=1\nRUN echo used $V\n`);
    await sandbox.build(context);
    const { log } = await sandbox.build(context, { buildArgs: { V: '2', HTTP_PROXY: 'http://127.0.0.1:1' } });
    expect(log.steps.map(step => step.split(' ')[0])).to.deep.equal(['cached', 'done']);
    const proxied = await sandbox.build(context, { buildArgs: { V: '2' } });
    expect(proxied.log.steps.map(step => step.split(' ')[0])).to.deep.equal(['cached', 'cached']);
  });

  it('trap 65: a touched file is no change; another mode, name or content is', async () => {
    const text = 'FROM scratch\nCOPY d /d\n';
    const build = (files: object) => sandbox.build(dockerfile(text, files));
    await build({ 'd/a': 'content' });
    const changes: [object, string][] = [
      [{ 'd/a': 'content' }, 'cached'],
      [{ 'd/a': 'CONTENT' }, 'done'],
      [{ 'd/a': { content: 'content', mode: 0o755 } }, 'done'],
      [{ 'd/b': 'content' }, 'done'],
      [{ 'd/a': 'content', 'd/e': { folder: true } }, 'done'],
    ];
    for (const [files, expected] of changes) {
      expect((await build(files)).log.steps[0]?.split(' ')[0], JSON.stringify(files)).to.equal(expected);
    }
  });

  it('finds a copy from a stage that was built again to the same files', async () => {
    const text = `${from.trim()} AS one\nRUN echo same > /file && touch -d @0 /file\n${from}COPY --from=one /file /copy\n`;
    const context = dockerfile(text);
    await sandbox.build(context);
    const { log } = await sandbox.build(
      dockerfile(text.replace('RUN echo same', 'RUN echo noise; echo same')),
    );
    expect(log.steps.map(step => step.split(' ')[0])).to.deep.equal(['done', 'cached']);
  });

  it('builds only the stages that the target needs', async () => {
    const text = `${from.trim()} AS a\nRUN echo a\n${from.trim()} AS b\nRUN false\nFROM a AS c\nRUN echo c\n`;
    const { log } = await sandbox.build(dockerfile(text), { target: 'C' });
    expect(log.steps).to.deep.equal(['done [a 2/2] RUN echo a', 'done [c 2/2] RUN echo c']);
    const error = await errorOf(() => sandbox.build(dockerfile(text), { target: 'cc' }));
    expect(error).to.include({ code: 'STAGE_UNKNOWN', remedy: 'Did you mean c?' });
  });

  it('trap 32: a stage on a stage sees its ARGs and config', async () => {
    const text = `${from.trim()} AS a\nARG X=1\nENV Y=2\nCMD ["a"]\nFROM a\nRUN echo "x=$X y=$Y f=$FROM_BASE"\nENTRYPOINT ["e"]\n`;
    const { log, image } = await sandbox.build(dockerfile(text));
    expect(log.output).to.equal('x=1 y=2 f=1\n');
    expect(image.config.value.config?.Cmd).to.equal(undefined);
  });

  it('trap 45: ONBUILD lines run in the child, once', async () => {
    await sandbox.build(dockerfile(`${from}ONBUILD RUN echo from the base > /onbuild\n`), {
      tags: ['parent'],
    });
    const { image } = await sandbox.build(dockerfile('FROM parent\nRUN cat /onbuild\n'));
    expect(await sandbox.fileIn(image, 'onbuild')).to.equal('from the base\n');
    expect(image.config.value.config?.OnBuild).to.equal(undefined);
  });

  it('trap 39: WORKDIR makes folders that belong to USER', async () => {
    const { image } = await sandbox.build(dockerfile(`${from}USER app\nWORKDIR /x/../y/z\nWORKDIR w\n`));
    expect(await sandbox.layer(image, 1)).to.deep.equal(['d0755 1000:1001 y', 'd0755 1000:1001 y/z']);
    expect(image.config.value.config?.WorkingDir).to.equal('/y/z/w');
  });

  it('trap 49: nothing of the mounts of a RUN is in its layer', async () => {
    const { image } = await sandbox.build(dockerfile(`${from}RUN echo 1 > /one\n`));
    expect(await sandbox.layer(image, 1)).to.deep.equal(['-0644 0:0 one']);
    const empty = await sandbox.build(
      dockerfile(`${from}RUN cat /proc/self/status /etc/resolv.conf > /dev/null\n`),
    );
    expect(await sandbox.layer(empty.image, 1)).to.deep.equal([]);
  });

  it('runs here-documents, with the shell or by their own program', async () => {
    const text = `${from}RUN <<EOF\necho one\necho $0\nEOF\nRUN <<EOF\n#!/bin/cat\nthe text itself\nEOF\nSHELL ["/bin/sh", "-e", "-c"]\nRUN echo "$-"\n`;
    const { log } = await sandbox.build(dockerfile(text));
    expect(log.output).to.contain('one\n').and.contain('#!/bin/cat\nthe text itself\n').and.match(/e/);
  });

  it('names line, command, exit code and output of a RUN that fails, and keeps what was done', async () => {
    const context = dockerfile(`${from}RUN echo fine\n\nRUN echo output; \\\n  exit 7\n`);
    const error = await errorOf(() => sandbox.build(context));
    expect(error.code).to.equal('BUILD_STEP_FAILED');
    expect(error.message).to.contain('ended with exit code 7').and.contain('\n  output');
    expect(error.location).to.include({ file: 'Dockerfile', line: 4, endLine: 5 });
    expect(error.detail).to.deep.equal({ exitCode: 7, output: ['output'] });
    const { log } = await sandbox.build(dockerfile(`${from}RUN echo fine\n`));
    expect(log.steps).to.deep.equal(['cached [2/2] RUN echo fine']);
    expect(await sandbox.store.leases.list()).to.deep.equal([]);
  });

  it('trap 52: tells the last 20 lines of a RUN that fails, of both its streams', async () => {
    const loop = 'i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo line $i; done; echo last >&2';
    const error = await errorOf(() => sandbox.build(dockerfile(`${from}RUN exec 2>&1; ${loop}; exit 3\n`)));
    const expected = [...Array.from({ length: 19 }, (_, index) => `line ${index + 12}`), 'last'];
    expect(error.detail).to.deep.equal({ exitCode: 3, output: expected });
    expect(error.message.split('\n').slice(1)).to.deep.equal(expected.map(line => `  ${line}`));
    const missing = await errorOf(() => sandbox.build(dockerfile(`${from}RUN ["no-such-program"]\n`)));
    expect(missing.code).to.equal('BUILD_STEP_FAILED');
    expect(missing.detail).to.deep.include({ exitCode: 127 });
  });

  it('runs stages side by side', async () => {
    const stage = (name: string) => `FROM busybox AS ${name}\nRUN touch /${name}; sleep 0.3; echo ${name}\n`;
    const text = `${['a', 'b', 'c'].map(stage).join('')}FROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\nCOPY --from=c /c /\n`;
    const running = new Set<string>();
    let most = 0;
    const observer = {
      vertexStarted: ({ name }: { name: string }) => {
        if (name.includes('RUN')) running.add(name);
        most = Math.max(most, running.size);
      },
      vertexDone: ({ name }: { name: string }) => void running.delete(name),
      vertexCached: () => undefined,
      vertexFailed: () => undefined,
      vertexOutput: () => undefined,
    };
    await sandbox.build(dockerfile(text), { jobs: 3 }, { observer });
    expect(most).to.equal(3);
  });

  it('stops at once when it is cancelled, and leaves nothing', async () => {
    const abort = new AbortController();
    const context = dockerfile(`${from}RUN echo begun; sleep 60\n`);
    const observer = {
      vertexStarted: () => undefined,
      vertexDone: () => undefined,
      vertexCached: () => undefined,
      vertexFailed: () => undefined,
      vertexOutput: () => abort.abort(),
    };
    const error = await errorOf(() => sandbox.build(context, {}, { signal: abort.signal, observer }));
    expect(error.code).to.equal('ABORTED');
  });

  it('survives kill -9 in the middle of a RUN', async () => {
    const context = dockerfile(`${from}RUN echo kept > /kept\nRUN echo begun; sleep 60\n`);
    const script = fileURLToPath(new URL('./processes/build-forever.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, sandbox.folder, context], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const next = dockerfile(`${from}RUN echo kept > /kept\nRUN echo after\n`);
    const { log } = await sandbox.build(next);
    expect(log.steps.map(step => step.split(' ')[0])).to.deep.equal(['cached', 'done']);
  });

  it('keeps cached layers from a collection, and forgets those that are gone', async () => {
    const context = dockerfile(`${from}RUN echo unique > /unique\n`);
    await sandbox.build(context, { tags: ['once'] });
    await sandbox.store.references.remove('docker.io/library/once:latest');
    const cacheRoot = sandbox.path('root/build-cache');
    await collectGarbage(sandbox.store, { keep: () => cachedDigests(cacheRoot) });
    expect((await sandbox.build(context)).log.steps[0]).to.match(/^cached/);
    for (const { name } of await sandbox.store.references.list()) {
      if (!name.includes('busybox')) await sandbox.store.references.remove(name);
    }
    await collectGarbage(sandbox.store);
    expect((await sandbox.build(context)).log.steps[0]).to.match(/^done/);
  });

  it('writes every kind of output', async () => {
    const context = dockerfile(`${from}RUN mkdir /o && echo out > /o/f && touch -d @1000 /o/f\n`);
    const out = sandbox.path('out');
    mkdirSync(out, { recursive: true });
    const outputs = (['oci', 'docker', 'tar', 'local'] as const).map(type => ({
      type,
      dest: `${out}/${type}`,
    }));
    const { names } = await sandbox.build(context, { outputs, tags: ['out:1'], iidfile: `${out}/iid` });
    expect(names).to.deep.equal(['docker.io/library/out:1']);
    expect((await errorOf(() => resolveImage(sandbox.store, 'out:1'))).code).to.equal('IMAGE_UNKNOWN');
    expect(readFileSync(`${out}/local/o/f`, 'utf8')).to.equal('out\n');
    expect(readFileSync(`${out}/iid`, 'utf8')).to.match(/^sha256:/);
    const members = new Map<string, string[]>();
    for (const type of ['oci', 'docker', 'tar']) {
      const paths: string[] = [];
      for await (const { entry } of readTar(chunked(readFileSync(`${out}/${type}`), 65_536)))
        paths.push(textOf(entry.name));
      members.set(type, paths);
    }
    expect(members.get('oci')).to.include('index.json').and.not.include('manifest.json');
    expect(members.get('docker')).to.include('manifest.json');
    expect(members.get('tar')).to.include.members(['bin/busybox', 'o/f', 'etc/passwd']);
    expect(readdirSync(out).sort()).to.deep.equal(['docker', 'iid', 'local', 'oci', 'tar']);
  });

  it('fetches a base image that is not here, and names the line when there is none', async () => {
    const busybox = await resolveImage(sandbox.store, 'busybox');
    const asked: string[] = [];
    const images = {
      resolve: async (reference: string) => {
        asked.push(reference);
        return busybox;
      },
    };
    const { image } = await sandbox.build(
      dockerfile('FROM registry.example:5000/far:1\nRUN echo far\n'),
      {},
      { images },
    );
    expect(asked).to.deep.equal(['registry.example:5000/far:1']);
    expect(image.config.value.config?.Labels).to.deep.equal({ base: 'yes' });
    const error = await errorOf(() => sandbox.build(dockerfile('# first line\nFROM busybx\n')));
    expect(error).to.include({ code: 'IMAGE_UNKNOWN' });
    expect(error.remedy).to.contain('busybox:latest');
    expect(error.location).to.include({ line: 2, column: 6 });
  });

  it('gives equal bytes at another time with SOURCE_DATE_EPOCH', async () => {
    const context = dockerfile(`${from}WORKDIR /w\nCOPY d /d\nRUN echo 1 > one\n`, { 'd/a': 'a' });
    const options = { sourceDateEpoch: 1_000_000_000, noCache: true };
    const first = await sandbox.build(context, options);
    writeFileSync(`${context}/d/a`, 'a');
    // Times in layers are whole seconds.
    await new Promise(resolve => setTimeout(resolve, 1100));
    const second = await sandbox.build(context, options);
    expect(second.descriptor).to.deep.equal(first.descriptor);
    expect(first.image.config.value.created).to.equal('2001-09-09T01:46:40.000Z');
  });
});
