import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Pod, Volume, VolumeMount } from '../../../src/api/pod.ts';
import { messageOf } from '../../../src/errors/hawser-error.ts';
import { fsOps, mountFlags } from '../../../src/layers/fs-ops.ts';
import { containerMounts } from '../../../src/orchestrator/node-agent/container-mounts.ts';
import {
  podFolder,
  prepareVolume,
  removePodFolder,
} from '../../../src/orchestrator/node-agent/pod-volumes.ts';
import { mountSubPath } from '../../../src/orchestrator/node-agent/sub-path.ts';
import { podOf, useFakeAgent } from './fake-agent.ts';

const isRoot = process.getuid?.() === 0;

function mounts(): string {
  return readFileSync('/proc/self/mountinfo', 'utf8');
}

async function failureOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return '';
  } catch (error) {
    return messageOf(error);
  }
}

describe('node agent: volumes', function () {
  let folder: string;
  let root: string;
  let host: string;

  before(function () {
    if (!isRoot) this.skip();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-volumes-'));
    root = join(folder, 'root');
    host = join(folder, 'host');
    mkdirSync(root);
    mkdirSync(host);
  });
  afterEach(async () => {
    await removePodFolder(root, 'uid-web');
    expect(mounts()).to.not.contain(folder);
    rmSync(folder, { recursive: true, force: true });
  });

  const prepare = (volume: Volume, spec: Parameters<typeof podOf>[0] = {}) =>
    prepareVolume(root, podOf(spec), volume);
  const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

  describe('emptyDir', () => {
    it('is a folder of the pod that every user may write to', async () => {
      const path = await prepare({ name: 'data', emptyDir: {} });
      expect(path).to.equal(join(podFolder(root, 'uid-web'), 'volumes', 'data'));
      expect(modeOf(path)).to.equal('777');
      expect(await prepare({ name: 'data' })).to.equal(path);
    });

    it('keeps what a container has made of it', async () => {
      const path = await prepare({ name: 'data', emptyDir: {} });
      chmodSync(path, 0o700);
      writeFileSync(join(path, 'a'), 'kept');
      await prepare({ name: 'data', emptyDir: {} });
      expect(modeOf(path)).to.equal('700');
      expect(readFileSync(join(path, 'a'), 'utf8')).to.equal('kept');
    });

    it('is finished where its making was cut off', async () => {
      const volumes = join(podFolder(root, 'uid-web'), 'volumes');
      mkdirSync(join(volumes, '.data'), { recursive: true, mode: 0o700 });
      expect(modeOf(await prepare({ name: 'data', emptyDir: {} }))).to.equal('777');
      expect(readdirSync(volumes)).to.deep.equal(['data']);
    });

    it('belongs to fsGroup', async () => {
      const path = await prepare({ name: 'data', emptyDir: {} }, { securityContext: { fsGroup: 1234 } });
      expect(modeOf(path)).to.equal('2777');
      expect(statSync(path).gid).to.equal(1234);
    });

    it('in memory is mounted once, with its size', async () => {
      const volume: Volume = { name: 'data', emptyDir: { medium: 'Memory', sizeLimit: '64Ki' } };
      const path = await prepare(volume, { securityContext: { fsGroup: 1234 } });
      expect(await prepare(volume)).to.equal(path);
      const lines = mounts()
        .split('\n')
        .filter(line => line.includes(` ${path} `));
      expect(lines).to.have.lengthOf(1);
      expect(lines[0]).to.contain(' tmpfs ').and.to.contain('size=64k');
      expect(modeOf(path)).to.equal('2777');
      expect(statSync(path).gid).to.equal(1234);
      expect(await failureOf(() => writeFileSync(join(path, 'a'), Buffer.alloc(70_000)))).to.contain(
        'ENOSPC',
      );
    });
  });

  describe('hostPath', () => {
    /* What is there; the types that take it, of all. */
    const kinds: readonly (readonly [string, (path: string) => unknown, readonly string[]])[] = [
      ['nothing', () => undefined, ['', 'DirectoryOrCreate', 'FileOrCreate']],
      ['a folder', path => mkdirSync(path), ['', 'Directory', 'DirectoryOrCreate']],
      ['a file', path => writeFileSync(path, 'x'), ['', 'File', 'FileOrCreate']],
      ['a link to a folder', path => symlinkSync('/etc', path), ['', 'Directory', 'DirectoryOrCreate']],
      [
        'a character device',
        path => fsOps.mknod(path, { type: 'character-device', mode: 0o600, major: 1, minor: 3 }),
        ['', 'CharDevice'],
      ],
      [
        'a block device',
        path => fsOps.mknod(path, { type: 'block-device', mode: 0o600, major: 7, minor: 99 }),
        ['', 'BlockDevice'],
      ],
    ];
    const types = [
      '',
      'DirectoryOrCreate',
      'Directory',
      'FileOrCreate',
      'File',
      'Socket',
      'CharDevice',
      'BlockDevice',
    ];
    for (const [title, make, expected] of kinds) {
      it(`${title} is taken as ${expected.join(', ') || 'any'}`, async () => {
        const taken: string[] = [];
        for (const type of types) {
          const path = join(host, `${type}x`);
          make(path);
          const failure = await failureOf(() => prepare({ name: 'h', hostPath: { path, type } }));
          if (failure === '') taken.push(type);
          else expect(failure).to.equal(`hostPath type check failed: ${path} is not a ${type}`);
        }
        expect(taken).to.have.members(expected);
      });
    }

    it('a socket is taken as Socket', async () => {
      const path = join(host, 'socket');
      const server = createServer().listen(path);
      await new Promise(resolve => server.once('listening', resolve));
      const taken = await failureOf(() => prepare({ name: 'h', hostPath: { path, type: 'Socket' } }));
      const refused = await failureOf(() => prepare({ name: 'h', hostPath: { path, type: 'File' } }));
      await new Promise(resolve => server.close(resolve));
      expect(taken).to.equal('');
      expect(refused).to.contain('is not a File');
    });

    it('is made with modes of its own', async () => {
      const [path, file] = [join(host, 'a/b'), join(host, 'f')];
      await prepare({ name: 'h', hostPath: { path, type: 'DirectoryOrCreate' } });
      await prepare({ name: 'h', hostPath: { path: file, type: 'FileOrCreate' } });
      expect([modeOf(path), modeOf(file)]).to.deep.equal(['755', '644']);
    });

    it('has no unknown type', async () => {
      const volume: Volume = { name: 'h', hostPath: { path: host, type: 'toString' } };
      expect(await failureOf(() => prepare(volume))).to.equal('hostPath type "toString" is unknown');
    });
  });

  it('of other kinds are refused by name', async () => {
    const volume = { name: 'c', configMap: { name: 'x' } } as Volume;
    expect(await failureOf(() => prepare(volume))).to.equal(
      'volume c is a configMap, which is not offered yet',
    );
  });

  describe('subPath', () => {
    let target: string;
    beforeEach(() => {
      target = join(podFolder(root, 'uid-web'), 'subpaths', 'app', '0');
      mkdirSync(join(host, 'volume'));
      writeFileSync(join(host, 'secret'), 'of the host');
    });
    const volume = (...parts: readonly string[]) => join(host, 'volume', ...parts);
    const mount = (subPath: string) => failureOf(() => mountSubPath(volume(), subPath, target));
    const leaves = /^subPath ".*" (leaves its volume|leaves its volume by a link)$/;

    it('mounts a folder, made with the mode of the volume', async () => {
      chmodSync(volume(), 0o2777);
      expect(await mount('a/./b//c')).to.equal('');
      writeFileSync(join(target, 'x'), 'x');
      expect(readFileSync(volume('a/b/c/x'), 'utf8')).to.equal('x');
      expect(modeOf(volume('a/b'))).to.equal('2777');
    });

    it('mounts a file', async () => {
      writeFileSync(volume('conf'), 'text');
      expect(await mount('conf')).to.equal('');
      expect(readFileSync(target, 'utf8')).to.equal('text');
    });

    it('takes the place of an earlier mount', async () => {
      mkdirSync(volume('a'));
      writeFileSync(volume('a/x'), '');
      expect(await mount('b')).to.equal('');
      expect(await mount('a')).to.equal('');
      expect(readdirSync(target)).to.deep.equal(['x']);
      expect(
        mounts()
          .split('\n')
          .filter(line => line.includes(` ${target} `)),
      ).to.have.lengthOf(1);
    });

    it('follows links inside the volume', async () => {
      mkdirSync(volume('releases/v1'), { recursive: true });
      writeFileSync(volume('releases/v1/x'), 'v1');
      symlinkSync('releases/v1', volume('current'));
      symlinkSync('../current/../v1', volume('releases/same'));
      for (const path of ['current', 'releases/same']) {
        expect(await mount(path)).to.equal('');
        expect(readFileSync(join(target, 'x'), 'utf8')).to.equal('v1');
      }
    });

    const attacks: readonly (readonly [string, string, () => void])[] = [
      ['an absolute path', '/etc', () => undefined],
      ['a way up', '../secret', () => undefined],
      ['a way up in the middle', 'a/../../secret', () => mkdirSync(volume('a'))],
      ['an absolute link', 'l', () => symlinkSync(host, volume('l'))],
      ['an absolute link into the volume', 'l', () => symlinkSync(volume(), volume('l'))],
      ['a link up', 'l', () => symlinkSync('../secret', volume('l'))],
      [
        'a link up, deeper',
        'a/l/secret',
        () => {
          mkdirSync(volume('a'));
          symlinkSync('../..', volume('a/l'));
        },
      ],
      [
        'a link over a link',
        'one',
        () => {
          symlinkSync('two/..', volume('one'));
          symlinkSync('/etc', volume('two'));
        },
      ],
      [
        'links in a circle',
        'one',
        () => {
          symlinkSync('two', volume('one'));
          symlinkSync('one', volume('two'));
        },
      ],
      ['a link to the root of processes', 'l', () => symlinkSync('/proc/self/root/etc', volume('l'))],
    ];
    for (const [title, path, prepareAttack] of attacks) {
      it(`refuses ${title}`, async () => {
        prepareAttack();
        expect(await mount(path)).to.match(leaves);
        expect(mounts()).to.not.contain(target);
        expect(readdirSync(host)).to.have.members(['secret', 'volume']);
      });
    }

    it('makes nothing where a link leads out', async () => {
      symlinkSync('../new', volume('l'));
      expect(await mount('l/x')).to.match(leaves);
      expect(existsSync(join(host, 'new'))).to.equal(false);
    });

    it('refuses a way over a file', async () => {
      writeFileSync(volume('f'), '');
      expect(await mount('f/x')).to.equal('subPath "f/x" goes over something that is no folder');
    });
  });

  describe('of a container', () => {
    const mountsOf = (volumes: readonly Volume[], volumeMounts: readonly VolumeMount[]) => {
      const pod: Pod = podOf({ volumes, containers: [{ name: 'app', volumeMounts }] });
      const [container] = pod.spec.containers;
      if (container === undefined) throw new Error('no container');
      return containerMounts(root, pod, { container, variables: new Map([['NAME', 'web']]) });
    };

    it('are mounted whole or in part', async () => {
      const found = await mountsOf(
        [
          { name: 'e', emptyDir: {} },
          { name: 'h', hostPath: { path: host } },
        ],
        [
          { name: 'e', mountPath: '/e' },
          { name: 'h', mountPath: '/h', readOnly: true },
          { name: 'e', mountPath: '/s', subPath: 'a$(NAME)' },
          { name: 'e', mountPath: '/x', subPathExpr: 'x-$(NAME)' },
        ],
      );
      const pod = podFolder(root, 'uid-web');
      expect(found).to.deep.equal([
        { source: join(pod, 'volumes/e'), target: '/e', readOnly: false },
        { source: host, target: '/h', readOnly: true },
        { source: join(pod, 'subpaths/app/2'), target: '/s', readOnly: false },
        { source: join(pod, 'subpaths/app/3'), target: '/x', readOnly: false },
      ]);
      expect(readdirSync(join(pod, 'volumes/e'))).to.have.members(['a$(NAME)', 'x-web']);
    });

    it('need the variables of subPathExpr', async () => {
      const volumeMounts = [{ name: 'e', mountPath: '/e', subPathExpr: '$(NONE)' }];
      expect(await failureOf(() => mountsOf([{ name: 'e' }], volumeMounts))).to.equal(
        'subPathExpr: there is no variable NONE',
      );
    });

    it('need a volume of the pod', async () => {
      expect(await failureOf(() => mountsOf([], [{ name: 'e', mountPath: '/e' }]))).to.equal(
        'volumeMount e: the pod has no such volume',
      );
    });
  });

  describe('when the pod goes', () => {
    it('leave what the host has, also by way of a link to the root', async () => {
      mkdirSync(join(host, 'data'));
      writeFileSync(join(host, 'data/precious'), 'kept');
      const linked = join(folder, 'linked');
      symlinkSync(root, linked);
      const target = join(podFolder(linked, 'uid-web'), 'subpaths/app/0');
      mountSubPath(host, 'data', target);
      await prepareVolume(linked, podOf(), { name: 'm', emptyDir: { medium: 'Memory' } });
      await prepareVolume(linked, podOf(), { name: 'm', emptyDir: { medium: 'Memory' } });
      expect(mounts().match(/volumes\/m /g)).to.have.lengthOf(1);
      await removePodFolder(linked, 'uid-web');
      expect(existsSync(podFolder(root, 'uid-web'))).to.equal(false);
      expect(readFileSync(join(host, 'data/precious'), 'utf8')).to.equal('kept');
    });

    it('are unmounted however often they were mounted', async () => {
      const path = await prepare({ name: 'm', emptyDir: { medium: 'Memory' } });
      mkdirSync(join(path, 'inner'));
      fsOps.mount(host, join(path, 'inner'), { flags: mountFlags.bind });
      fsOps.mount(host, path, { flags: mountFlags.bind });
      writeFileSync(join(host, 'precious'), 'kept');
      await removePodFolder(root, 'uid-web');
      expect(readdirSync(host)).to.deep.equal(['precious']);
    });
  });
});

describe('node agent: volumes that cannot be had', () => {
  const agent = useFakeAgent();

  it('hold up the pod, with an event', async () => {
    const path = join(agent().root, 'later');
    await agent().run(podOf({ volumes: [{ name: 'h', hostPath: { path, type: 'Directory' } }] }));
    const message = `MountVolume.SetUp failed for volume "h" : hostPath type check failed: ${path} is not a Directory`;
    expect(agent().state()).to.equal('waiting ContainerCreating');
    expect(agent().status().state.waiting?.message).to.equal(message);
    expect(agent().api.events[0]).to.deep.include({ type: 'Warning', reason: 'FailedMount', message });
    expect(agent().runtime.containers.size).to.equal(0);
    mkdirSync(path);
    await agent().clock.advance(2);
    expect(agent().state()).to.equal('running');
  });

  it('in part hold up the container', async () => {
    const volumeMounts = [{ name: 'e', mountPath: '/e', subPath: '../x' }];
    await agent().run(podOf({ volumes: [{ name: 'e' }], containers: [{ name: 'app', volumeMounts }] }));
    expect(agent().state()).to.equal('waiting CreateContainerConfigError');
    expect(agent().status().state.waiting?.message).to.equal('subPath "../x" leaves its volume');
  });
});
