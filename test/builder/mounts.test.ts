import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import type { BuildOptions } from '../../src/builder/environment.ts';
import { pruneCacheMounts } from '../../src/builder/execute/mounts/cache-mounts.ts';
import { addBusybox, BuildSandbox, type ContextFile, errorOf, Log, whyNoRun } from './support.ts';

const from = 'FROM busybox\n';

describe('RUN --mount in a build', () => {
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

  const build = (
    lines: string,
    files: Readonly<Record<string, ContextFile>> = {},
    options: Partial<BuildOptions> = {},
  ) => sandbox.build(sandbox.context({ ...files, Dockerfile: lines }), options);
  const states = (log: Log) => log.steps.map(step => step.split(' ')[0]);

  describe('type=bind', () => {
    const files = {
      '.dockerignore': 'hidden\n',
      hidden: '',
      'src/a': { content: 'a', mode: 0o640 },
      'src/sub/b': { content: '', mode: 0o755 },
    };

    it('trap 50: shows the context as COPY would see it, read-only, and leaves nothing', async () => {
      const script =
        'exec 2>&1; ls /m; stat -c "%a %u %n" /m/src/a /m/src/sub/b; touch /m/new || echo refused';
      const { image, log } = await build(`${from}RUN --mount=target=/m ${script}\n`, files);
      expect(log.output).to.equal(
        'Dockerfile\nsrc\n640 0 /m/src/a\n755 0 /m/src/sub/b\ntouch: /m/new: Read-only file system\nrefused\n',
      );
      expect(await sandbox.layer(image, -1)).to.deep.equal([]);
    });

    it('trap 50: discards what is written to a mount that is rw, of the context and of a stage', async () => {
      const text = [
        'FROM busybox AS one',
        'RUN mkdir /d && echo 1 > /d/file',
        'FROM busybox',
        'RUN --mount=source=src,target=/m,rw --mount=from=one,source=/d,target=/d,rw echo 2 > /m/a && echo 2 > /d/file && touch /d/new',
        'RUN --mount=source=src,target=/m --mount=from=one,source=/d,target=/d cat /m/a /d/file; ls /d',
      ].join('\n');
      const { image, log } = await build(text, files);
      expect(log.output).to.equal('a1\nfile\n');
      expect(await sandbox.layer(image, -1)).to.deep.equal([]);
      expect(readFileSync(sandbox.path('context/src/a'), 'utf8')).to.equal('a');
    });

    it('shows a file, a part of an image, and WORKDIR where it has no target', async () => {
      const text = `${from}WORKDIR /w\nARG dir=src\nRUN --mount=source=src/a,target=one --mount=from=busybox,source=etc,target=/m cat one /m/group\nRUN --mount=source=$dir ls /w\n`;
      const { log } = await build(text, files);
      expect(log.output).to.equal('aroot:x:0:\napp:x:1001:\na\nsub\n');
    });

    it('misses the cache for what it shows, and for nothing else', async () => {
      const text = `${from}RUN --mount=source=src,target=/m cat /m/a\n`;
      await build(text, files);
      expect(states((await build(text, { ...files, other: '' })).log)).to.deep.equal(['cached']);
      expect(states((await build(text, { ...files, 'src/a': 'A' })).log)).to.deep.equal(['done']);
    });

    it('is found by content when the stage that it shows was built again to the same files', async () => {
      const text = `${from.trim()} AS one\nRUN echo same > /file\nFROM busybox\nRUN --mount=from=one,source=file,target=/m cat /m > /copy\n`;
      await build(text);
      const { log } = await build(text.replace('RUN echo', 'RUN echo noise; echo'));
      expect(states(log)).to.deep.equal(['done', 'cached']);
    });

    it('is not kept in the cache when what it shows changes meanwhile', async () => {
      const context = sandbox.context({
        ...files,
        Dockerfile: `${from}RUN touch /1\nRUN --mount=target=/m cat /m/src/a\n`,
      });
      const warnings: string[] = [];
      const log = new Log();
      const observer = Object.assign(log, {
        // the key of the second step is made by now
        vertexStarted: ({ name }: { readonly name: string }) => {
          if (name.includes('cat')) writeFileSync(`${context}/src/a`, 'changed');
        },
        warning: (message: string) => void warnings.push(message),
      });
      await sandbox.build(context, {}, { observer });
      expect(log.output).to.equal('changed');
      expect(warnings.join()).to.match(/the build context changed while it was read/);
      writeFileSync(`${context}/src/a`, 'a');
      expect((await sandbox.build(context)).log.output).to.equal('a');
    });

    const failures: readonly (readonly [string, string, object])[] = [
      [
        'a source that is not there',
        'RUN --mount=source=sc,target=/m ls',
        { code: 'COPY_SOURCE_UNKNOWN', remedy: 'Did you mean "src"?' },
      ],
      [
        'a source that .dockerignore hides',
        'RUN --mount=source=hidden,target=/m ls',
        { message: 'RUN --mount source "hidden" is hidden by .dockerignore:1: hidden' },
      ],
      [
        'a source that the stage lacks',
        'RUN --mount=from=busybox,source=/etc/grup,target=/m ls',
        { code: 'COPY_SOURCE_UNKNOWN', remedy: 'Did you mean "etc/group"?' },
      ],
      ['the root as target', 'RUN --mount=target=. ls', { message: 'invalid mount target "/"' }],
      [
        'a stage that is misspelt',
        'RUN --mount=from=bas,target=/m ls',
        { code: 'STAGE_UNKNOWN', remedy: 'Did you mean stage base?' },
      ],
      ['a stage by its number', 'RUN --mount=from=0,target=/m ls', { code: 'IMAGE_UNKNOWN' }],
    ];
    for (const [name, line, expected] of failures) {
      it(`fails for ${name}, with the line`, async () => {
        const error = await errorOf(() => build(`FROM scratch AS base\nFROM busybox\n${line}\n`, files));
        expect(error).to.include(expected);
        expect(error.location).to.include({ file: 'Dockerfile', line: 3 });
      });
    }
  });

  describe('type=cache', () => {
    const count = 'ls -A /c | wc -l; touch /c/$RANDOM$RANDOM';

    it('trap 51: keeps what a build left, by id or target, and is no part of the key', async () => {
      const run = (options: string, words: string) =>
        build(`${from}RUN --mount=type=cache,${options} ${words}\n`).then(({ log }) => log);
      await run('target=/c/', 'echo 1 > /c/a');
      expect((await run('target=/c', 'cat /c/a; echo 2 > /c/a')).output).to.equal('1\n');
      expect((await run('target=/d,id=/c', 'cat /d/a; # by id')).output).to.equal('2\n');
      expect((await run('target=/c,id=other', 'ls /c')).output).to.equal('');
      expect(states(await run('target=/d,id=else', 'cat /d/a; # by id'))).to.deep.equal(['cached']);
    });

    it('trap 51: has owner and mode of its own when it is new, which make it another cache', async () => {
      const run = (options: string, words: string) =>
        build(`${from}USER app\nRUN --mount=type=cache,id=owned,target=/c,${options} ${words}\n`).then(
          ({ log }) => log.output,
        );
      const show = 'stat -c "%a %u:%g" /c; ls /c; touch /c/mine';
      expect(await run('uid=1000,gid=5,mode=0700', show)).to.equal('700 1000:5\n');
      expect(await run('uid=1000,gid=5,mode=0700', `${show} # again`)).to.equal('700 1000:5\nmine\n');
      expect(await run('ro', 'stat -c "%a %u:%g" /c; ls /c')).to.equal('755 0:0\n');
    });

    it('begins with a part of a stage', async () => {
      const text = `${from.trim()} AS seed\nRUN mkdir /s && echo seed > /s/f && chown 7 /s && chmod 701 /s\nFROM busybox\nRUN --mount=type=cache,from=seed,source=/s,target=/c stat -c "%a %u" /c; cat /c/f; echo more >> /c/f\nRUN --mount=type=cache,from=seed,source=/s,target=/c cat /c/f; # again\n`;
      expect((await build(text)).log.output).to.equal('701 7\nseed\nseed\nmore\n');
    });

    /** Two builds at once, each of which says when it has the cache and then waits for a while. */
    const twice = async (sharing: string) => {
      const events: string[] = [];
      const one = async (name: string) => {
        const context = sandbox.context(
          {
            Dockerfile: `${from}RUN --mount=type=cache,id=${sharing},target=/c,sharing=${sharing} ls /c; touch /c/${name}; sleep 0.5; echo end # ${name} ${sharing}\n`,
          },
          `context-${name}`,
        );
        const log = new Log();
        const observer = Object.assign(log, {
          vertexOutput(_vertex: unknown, _stream: unknown, chunk: Uint8Array) {
            events.push(
              ...Buffer.from(chunk)
                .toString()
                .trim()
                .split('\n')
                .map(text => `${name} ${text}`),
            );
          },
          vertexStarted: () => void events.push(`${name} begins`),
          warning: (message: string) => void events.push(`${name} warns: ${message}`),
        });
        await sandbox.build(context, {}, { observer });
        events.push(`${name} is done`);
      };
      await Promise.all([one('a'), one('b')]);
      return events;
    };

    it('trap 51: locked lets one build in after the other', async () => {
      const all = await twice('locked');
      const events = all.filter(event => /a$|b$|end$/.test(event) && !/begins|warns/.test(event));
      const [first, second] = events[0]?.startsWith('a') ? ['a', 'b'] : ['b', 'a'];
      expect(all).to.include(
        `${second} warns: waiting for the cache locked, which another step has for itself`,
      );
      expect(events).to.deep.equal([`${first} end`, `${second} ${first}`, `${second} end`]);
    });

    it('trap 51: private gives each a cache of its own, and both are found again', async () => {
      const events = await twice('private');
      expect(events.filter(event => /^[ab] [ab]$/.test(event))).to.deep.equal([]);
      const folders = readdirSync(sandbox.path('root/build-cache/mounts'))
        .map(key =>
          readdirSync(sandbox.path('root/build-cache/mounts', key)).filter(name => /^\d+$/.test(name)),
        )
        .filter(numbers => numbers.length > 1);
      expect(folders.map(numbers => numbers.sort())).to.deep.equal([['0', '1']]);
    });

    it('trap 51: shared lets both in', async () => {
      await twice('shared');
      const { log } = await build(`${from}RUN --mount=type=cache,id=shared,target=/c ls /c; # both\n`);
      expect(log.output).to.equal('a\nb\n');
    });

    it('may be mounted twice in one step, also locked, and together with others', async () => {
      const mount = (id: string, target: string) =>
        `--mount=type=cache,sharing=locked,id=${id},target=${target} `;
      const line = `RUN ${mount('x', '/one')}${mount('y', '/two')}${mount('x', '/three')}touch /one/f; ls /three; ${count.replaceAll('/c', '/two')}\n`;
      expect((await build(from + line)).log.output).to.equal('f\n0\n');
    });

    it('is emptied by a prune, unless somebody uses it', async () => {
      const root = sandbox.path('root/build-cache/mounts');
      const text = (words: string) => `${from}RUN --mount=type=cache,id=pruned,target=/c ${words}\n`;
      let during = '';
      const log = new Log();
      const observer = Object.assign(log, {
        vertexOutput: () => void pruneCacheMounts(root).then(() => (during = 'pruned')),
      });
      const context = sandbox.context({
        Dockerfile: text('touch /c/used; echo ready; sleep 0.3; ls /c > /out'),
      });
      const { image } = await sandbox.build(context, {}, { observer });
      expect([during, await sandbox.fileIn(image, 'out')]).to.deep.equal(['pruned', 'used\n']);
      expect(await pruneCacheMounts(root)).to.be.above(0);
      expect((await build(text('ls /c | wc -l; # after'))).log.output).to.equal('0\n');
    });

    it('has a namespace by BUILDKIT_CACHE_MOUNT_NS', async () => {
      const text = `${from}RUN --mount=type=cache,id=ns,target=/c ${count}\n`;
      const buildArgs = { BUILDKIT_CACHE_MOUNT_NS: 'mine' };
      const once = async (options: object) =>
        (await build(text, {}, { ...options, noCache: true })).log.output;
      expect(await once({})).to.equal('0\n');
      expect(await once({ buildArgs })).to.equal('0\n');
      expect(await once({ buildArgs })).to.equal('1\n');
    });
  });

  it('type=tmpfs is empty, of the size that it says, and gone afterwards', async () => {
    const script = 'stat -c %a /t; touch /t/x; df -k /t | tail -1';
    const { image, log } = await build(
      `${from}RUN ln -s busybox /bin/df && ln -s busybox /bin/tail\nRUN --mount=type=tmpfs,target=/t,size=1m ${script}\n`,
    );
    expect(log.output).to.match(/^1777\ntmpfs +1024 /);
    expect(await sandbox.layer(image, -1)).to.deep.equal([]);
  });
});
