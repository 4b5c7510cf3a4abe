import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { BuildOptions } from '../../src/builder/environment.ts';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { addBusybox, BuildSandbox, type ContextFile, whyNoRun } from './support.ts';

/*
 * Advisories of other builders about mounts and links, each tried on ours: whatever the Dockerfile and its files are, the
 * folder `victim` of the host, which no build was given, is neither read nor changed.
 */
interface Attack {
  /** The advisory, and what it was. */
  readonly name: string;
  /** VICTIM stands for the folder's path. */
  readonly dockerfile: string;
  readonly files?: Readonly<Record<string, ContextFile>>;
  readonly options?: Partial<BuildOptions>;
  /** How the build ends: with an error of this code, or well. */
  readonly ends: string;
  /** What RUN wrote, where it ends well. */
  readonly output?: RegExp;
}

const attacks: readonly Attack[] = [
  {
    name: 'CVE-2024-1753 (buildah, podman): a bind mount whose source is a link to / in the context',
    dockerfile:
      'FROM busybox\nRUN --mount=source=root,target=/m,rw ls /m VICTIM /mVICTIM; touch /mVICTIM/x\n',
    files: { root: { link: '/' } },
    ends: 'BUILD_STEP_FAILED',
  },
  {
    name: 'CVE-2024-1753: a source that goes up and through a link',
    dockerfile: 'FROM busybox\nRUN --mount=source=way/../../../..VICTIM,target=/m ls /m\n',
    files: { way: { link: '../../../../..' } },
    ends: 'COPY_SOURCE_UNKNOWN',
  },
  {
    name: 'CVE-2024-11218 (buildah): a source that another stage made a link to the host',
    dockerfile:
      'FROM busybox AS evil\nRUN mkdir -p /a && ln -s VICTIM /a/b\nFROM busybox\nRUN --mount=from=evil,source=/a/b,target=/m,rw ls /m\n',
    ends: 'COPY_SOURCE_UNKNOWN',
  },
  {
    name: 'CVE-2024-9407 (buildah): options of a bind mount that the host would take',
    dockerfile: 'FROM busybox\nRUN --mount=type=bind,target=/m,bind-propagation=shared true\n',
    ends: 'DOCKERFILE_INVALID',
  },
  {
    name: 'CVE-2024-9675 (buildah): a cache id that is a path',
    dockerfile:
      'FROM busybox\nRUN --mount=type=cache,id=../../../../../../..VICTIM,target=/m ls -A /m | wc -l; touch /m/written\n',
    ends: 'well',
    output: /^0\n$/,
  },
  {
    name: 'CVE-2024-23651 (buildkit): a link in a cache, through which another step mounts a part of it',
    dockerfile:
      'FROM busybox\nRUN --mount=type=cache,id=c,target=/m ln -sf VICTIM /m/sub\nRUN --mount=type=cache,id=c,source=/sub,target=/m ls -A /m | wc -l; touch /m/written\n',
    ends: 'well',
    output: /^0\n$/,
  },
  {
    name: 'CVE-2024-23652 (buildkit): what a mount left is removed through a link that the step made',
    dockerfile:
      'FROM busybox\nRUN --mount=type=tmpfs,target=/a/empty --mount=type=secret,id=s,target=/a/file mv /a /b && ln -s VICTIM /a\n',
    options: { secrets: [{ id: 's', env: 'PATH' }] },
    ends: 'well',
  },
  {
    name: 'CVE-2024-23653 (buildkit): a step with more rights than the build was given',
    dockerfile: 'FROM busybox\nRUN --security=insecure touch VICTIM/x\n',
    ends: 'ENTITLEMENT_MISSING',
  },
  {
    name: 'CVE-2024-9676 (containers/storage): /etc/passwd of an image is a link to the host',
    dockerfile:
      'FROM busybox\nRUN rm /etc/passwd /etc/group && ln -s VICTIM/file /etc/passwd && ln -s VICTIM/file /etc/group\nUSER spy\nWORKDIR /w\nRUN id -u\n',
    ends: 'INVALID_ARGUMENT',
  },
  {
    name: 'CVE-2024-9676: /etc/passwd of an image is a FIFO, which nobody writes to',
    dockerfile:
      'FROM busybox\nRUN rm /etc/passwd && busybox mkfifo /etc/passwd\nCOPY --chown=7 file /f\nUSER 7\nWORKDIR /w\nRUN id -u\n',
    files: { file: '' },
    ends: 'INVALID_ARGUMENT',
  },
  {
    name: 'CVE-2026-55686 (buildah): WORKDIR through a link of the image',
    dockerfile:
      'FROM busybox\nRUN ln -s VICTIM /w && ln -s ../../../../../../VICTIM /u\nWORKDIR /w/made\nWORKDIR /u/made/too\nRUN pwd -P; touch written\n',
    ends: 'well',
    output: /made\/too\n$/,
  },
  {
    name: 'CVE-2026-55686: COPY, ADD and mounts to a target behind a link of the image',
    dockerfile:
      'FROM busybox\nRUN ln -s VICTIM /w && ln -s VICTIM/file /l\nCOPY file /w/\nCOPY file /l\nADD file /w/sub/\nRUN --mount=type=cache,target=/w/cache --mount=source=file,target=/l true\n',
    files: { file: 'written' },
    ends: 'well',
  },
  {
    name: 'CVE-2024-21626 (runc): WORKDIR by way of a file descriptor',
    dockerfile: 'FROM busybox\nWORKDIR /proc/self/fd/8\nRUN ls ../../../../..VICTIM\n',
    ends: 'INVALID_ARGUMENT',
  },
  {
    name: 'CVE-2021-30465 (runc): a mount below another, which holds a link',
    dockerfile:
      'FROM busybox\nRUN --mount=type=cache,id=l,target=/m ln -sf VICTIM /m/l\nRUN --mount=type=cache,id=l,target=/m --mount=type=tmpfs,target=/m/l/x touch /m/l/x/y\n',
    ends: 'either',
  },
  {
    name: 'CVE-2025-31133 (runc): /dev/null and /proc of the image are links',
    dockerfile:
      'FROM busybox\nCOPY dev /dev/\nRUN echo x > /dev/null; echo x > /dev/full 2>/dev/null || echo full\n',
    files: {
      'dev/null': { link: '/proc/sys/kernel/core_pattern' },
      'dev/full': { link: '/proc/sysrq-trigger' },
    },
    ends: 'well',
    output: /^full\n$/,
  },
];

for (const isolation of ['oci', 'chroot'] as const) {
  describe(`advisories about mounts and links, isolation ${isolation}`, () => {
    let sandbox: BuildSandbox;
    let victim: string;
    before(async function () {
      const reason = whyNoRun();
      if (reason !== undefined) {
        console.log(`      skipped: ${reason}`);
        this.skip();
      }
      sandbox = await BuildSandbox.open();
      await addBusybox(sandbox.store);
      victim = join(sandbox.folder, 'victim');
      mkdirSync(join(victim, 'empty'), { recursive: true });
      for (const name of ['file', 'passwd']) writeFileSync(join(victim, name), 'spy:x:0:0::/:/bin/sh\n');
    });
    after(() => sandbox?.close());

    for (const { name, dockerfile, files = {}, options = {}, ends, output } of attacks) {
      it(name, async () => {
        const context = sandbox.context({ ...files, Dockerfile: dockerfile.replaceAll('VICTIM', victim) });
        const ended = await sandbox
          .build(context, { ...options, noCache: true }, { isolation })
          .then(({ log }) => ({ how: 'well', output: log.output }))
          .catch((error: unknown) => {
            if (!isHawserError(error)) throw error;
            return { how: error.code, output: error.message };
          });
        if (ends !== 'either') expect(ended.how, ended.output).to.equal(ends);
        if (output !== undefined) expect(ended.output).to.match(output);
        expect(readdirSync(victim).sort()).to.deep.equal(['empty', 'file', 'passwd']);
        expect(readdirSync(join(victim, 'empty'))).to.deep.equal([]);
        expect(readFileSync(join(victim, 'file'), 'utf8')).to.contain('spy');
        expect(existsSync(join(sandbox.folder, 'run/steps/x'))).to.equal(false);
      });
    }
  });
}
