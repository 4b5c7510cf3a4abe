import { expect } from 'chai';
import type { Instruction } from '../../../src/builder/dockerfile/instructions.ts';
import { interpret, parseTrigger } from '../../../src/builder/dockerfile/interpret.ts';
import { parseDockerfile } from '../../../src/builder/dockerfile/parse.ts';
import { resolveMount } from '../../../src/builder/dockerfile/resolve-mount.ts';

const ignored = new Set(['node', 'text', 'start', 'end']);

/** An instruction with its words as texts and without places. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  if ('start' in value && 'text' in value) return value.text;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !ignored.has(key))
      .map(([key, inner]) => [key, plain(inner)]),
  );
}

function instructionOf(text: string): Instruction {
  const node = parseDockerfile(text, { file: 'Dockerfile' }).nodes.at(-1);
  if (node === undefined) throw new Error('nothing was parsed');
  return interpret(node);
}

const transfer = { files: [], link: false, excludes: [] };
const runDefaults = { heredocs: [], mounts: [], network: 'default', security: 'sandbox', devices: [] };
const health = { interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 };

const rows: readonly (readonly [string, object])[] = [
  ['FROM alpine', { kind: 'from', image: 'alpine' }],
  ['from --platform=$P a:b aS Build-1.x', { kind: 'from', image: 'a:b', platform: '$P', name: 'build-1.x' }],
  ['RUN\fls', { kind: 'run', ...runDefaults, command: { shell: true, words: ['ls'] } }],
  [
    'RUN ["a", "b c", "\\u00e9\\/"]',
    { kind: 'run', ...runDefaults, command: { shell: false, words: ['a', 'b c', 'é/'] } },
  ],
  ['RUN [ -f x ] || y', { kind: 'run', ...runDefaults, command: { shell: true, words: ['[ -f x ] || y'] } }],
  ['RUN ["a"] b', { kind: 'run', ...runDefaults, command: { shell: true, words: ['["a"] b'] } }],
  ['RUN ["a",]', { kind: 'run', ...runDefaults, command: { shell: true, words: ['["a",]'] } }],
  ['RUN a \\\\\nCMD b', { kind: 'cmd', command: { shell: true, words: ['b'] } }],
  [
    'RUN --network=host --security=insecure --device=gpu,required -- --x',
    {
      kind: 'run',
      ...runDefaults,
      network: 'host',
      security: 'insecure',
      devices: [{ name: 'gpu', required: true }],
      command: { shell: true, words: ['--x'] },
    },
  ],
  ['CMD []', { kind: 'cmd', command: { shell: false, words: [] } }],
  ['CMD', { kind: 'cmd', command: { shell: true, words: [] } }],
  ['ENTRYPOINT ["/a"]', { kind: 'entrypoint', command: { shell: false, words: ['/a'] } }],
  ['SHELL ["/bin/bash", "-c"]', { kind: 'shell', words: ['/bin/bash', '-c'] }],
  ['COPY a b /c', { kind: 'copy', ...transfer, sources: ['a', 'b'], destination: '/c', parents: false }],
  ['COPY ["a b", "c"]', { kind: 'copy', ...transfer, sources: ['a b'], destination: 'c', parents: false }],
  [
    'COPY --from=0 --chown="a:b" --chmod=u+x --link --parents=true --exclude=*.md --exclude=x a b',
    {
      kind: 'copy',
      ...transfer,
      sources: ['a'],
      destination: 'b',
      from: '0',
      chown: 'a:b',
      chmod: 'u+x',
      link: true,
      parents: true,
      excludes: ['*.md', 'x'],
    },
  ],
  [
    'COPY <<-A <<"B" x /d\n\t$v\n\tA\n$v\nB',
    {
      kind: 'copy',
      ...transfer,
      sources: ['x'],
      destination: '/d',
      parents: false,
      files: [
        { name: 'A', content: '$v\n', expand: true },
        { name: 'B', content: '$v\n', expand: false },
      ],
    },
  ],
  [
    'ADD --keep-git-dir --checksum=sha256:00 --unpack=false u /x',
    {
      kind: 'add',
      ...transfer,
      sources: ['u'],
      destination: '/x',
      checksum: 'sha256:00',
      keepGitDir: true,
      unpack: false,
    },
  ],
  [
    'ENV a=1 b="x y" c=',
    {
      kind: 'env',
      pairs: [
        { name: 'a', value: '1', legacy: false },
        { name: 'b', value: '"x y"', legacy: false },
        { name: 'c', value: '', legacy: false },
      ],
    },
  ],
  ['ENV a b  c=d', { kind: 'env', pairs: [{ name: 'a', value: 'b  c=d', legacy: true }] }],
  ['LABEL "a b"=c', { kind: 'label', pairs: [{ name: '"a b"', value: 'c', legacy: false }] }],
  [
    'ARG a b= c="d e"',
    { kind: 'arg', args: [{ name: 'a' }, { name: 'b', value: '' }, { name: 'c', value: '"d e"' }] },
  ],
  ['EXPOSE 80 $P 90/udp', { kind: 'expose', ports: ['80', '$P', '90/udp'] }],
  ['HEALTHCHECK NONE', { kind: 'healthcheck', test: ['NONE'], options: health }],
  [
    'HEALTHCHECK --interval=1m30s --timeout=1.5h --start-period=2ms --start-interval=0 --retries=3 cmd a b',
    {
      kind: 'healthcheck',
      test: ['CMD-SHELL', 'a b'],
      options: { interval: 90e9, timeout: 5400e9, startPeriod: 2e6, startInterval: 0, retries: 3 },
    },
  ],
  ['HEALTHCHECK CMD ["a", "b"]', { kind: 'healthcheck', test: ['CMD', 'a', 'b'], options: health }],
  [
    'ONBUILD run <<E\nx\nE',
    {
      kind: 'onbuild',
      trigger: 'run <<E\nx\nE',
      instruction: {
        kind: 'run',
        ...runDefaults,
        command: { shell: true, words: ['<<E'] },
        heredocs: [{ name: 'E', fileDescriptor: 0, chomp: false, expand: true, content: 'x\n', line: 2 }],
      },
    },
  ],
  ['USER a:b', { kind: 'user', user: 'a:b' }],
  ['WORKDIR /a b', { kind: 'workdir', path: '/a b' }],
  ['VOLUME ["/a", "/b"]', { kind: 'volume', paths: ['/a', '/b'] }],
  ['VOLUME /a /b', { kind: 'volume', paths: ['/a', '/b'] }],
  ['STOPSIGNAL SIGQUIT', { kind: 'stopsignal', signal: 'SIGQUIT' }],
  ['MAINTAINER A B <c>', { kind: 'maintainer', name: 'A B <c>' }],
];

describe('Dockerfile instructions', () => {
  for (const [text, expected] of rows) {
    it(text.replaceAll('\n', ' ⏎ '), () => expect(plain(instructionOf(text))).to.deep.equal(expected));
  }

  it('reads ONBUILD triggers back from an image', () => {
    const instruction = parseTrigger('COPY <<E /a\nx\nE', { file: 'image' });
    expect(plain(instruction)).to.deep.include({
      kind: 'copy',
      files: [{ name: 'E', content: 'x\n', expand: true }],
    });
  });

  it('keeps the text of an instruction as history has it', () => {
    const text = '  RUN a \\ \n   # no\n\n   && b \\\n  c  \n';
    expect(instructionOf(text).text).to.equal('RUN a    && b   c');
  });
});

describe('heredocs', () => {
  const marks: readonly (readonly [string, readonly string[]])[] = [
    ['RUN <<E\nE', ['E']],
    ['RUN 3<<E\nE', ['E']],
    ['RUN <<-E\n\t\tE', ['E']],
    ['RUN <<A <<B\nA\nB', ['A', 'B']],
    ['RUN cat << E\nE', ['E']],
    ['RUN <<"E O F"\nE O F', ['E O F']],
    ['RUN <<E\r\nx\r\nE\r\n', ['E']],
    ['RUN <<E\n# text \\\nE', ['E']],
    ['RUN "<<E"', []],
    ['RUN cat<<E', []],
    ['RUN x <<<E', []],
    ['RUN <<', []],
    ['RUN ["<<E"]', []],
    ['USER <<E', []],
    ['RUN echo $((1<<2))', []],
    ['RUN "open <<E', []],
  ];
  for (const [text, names] of marks) {
    it(text.replaceAll('\n', ' ⏎ '), () => {
      const dockerfile = parseDockerfile(text, { file: 'Dockerfile' });
      expect(dockerfile.nodes).to.have.length(1);
      expect(dockerfile.nodes[0]?.heredocs.map(heredoc => heredoc.name)).to.deep.equal(names);
    });
  }
});

describe('RUN --mount', () => {
  const owner = { uid: 0, gid: 0 };
  const mounts: readonly (readonly [string, object])[] = [
    ['target=/a', { type: 'bind', target: '/a', source: '', readonly: true }],
    [
      'type=bind,from=x,src=/s,dst=a,rw',
      { type: 'bind', target: 'a', source: '/s', from: 'x', readonly: false },
    ],
    ['type=cache,target=/c', { type: 'cache', target: '/c', source: '', sharing: 'shared', readonly: false }],
    [
      'TYPE=cache,id=i,destination=/c,sharing=locked,mode=0700,uid=1,gid=2,ro=true',
      {
        type: 'cache',
        target: '/c',
        id: 'i',
        source: '',
        sharing: 'locked',
        readonly: true,
        owner: { mode: 0o700, uid: 1, gid: 2 },
      },
    ],
    ['type=tmpfs,target=/t,size=1m', { type: 'tmpfs', target: '/t', size: 1048576, readonly: false }],
    [
      'type=secret,id=a/b',
      { type: 'secret', id: 'a/b', target: '/run/secrets/b', required: false, mode: 0o400, ...owner },
    ],
    [
      'type=secret,id=a,env=A,required',
      { type: 'secret', id: 'a', env: 'A', required: true, mode: 0o400, ...owner },
    ],
    ['type=ssh', { type: 'ssh', id: 'default', required: false, mode: 0o600, ...owner }],
    ['"target=/a,b"', { type: 'bind', target: '/a,b', source: '', readonly: true }],
    ['target=$t', { type: 'bind', target: '/v', source: '', readonly: true }],
  ];
  for (const [text, expected] of mounts) {
    it(text, () => {
      const flag = { word: { text, start: 0, end: text.length } };
      const mount = resolveMount(flag, {
        location: () => ({ file: 'Dockerfile', line: 1 }),
        expand: value => value.replace('$t', '/v'),
      });
      expect(mount).to.deep.equal(expected);
    });
  }
});
