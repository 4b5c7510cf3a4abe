import { once } from 'node:events';
import { expect } from 'chai';
import { Gate, gatedRun } from './support/gate.ts';
import { executable, Sandbox } from './support/sandbox.ts';
import { Terminal, type TerminalSize } from './support/terminal.ts';

const long = 'a long line '.repeat(20).trim();
/** As `printf` of a shell takes it: what programs do to terminals. */
const said = [
  'first\\n',
  `${long}\\n`,
  '漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字\\n',
  '\\033[2J\\033[H\\033[1;31mred\\033[0m\\t🚀\\n',
  '\\r 10%%\\r 50%%\\r100%%\\r\\n',
  '\\033[3A\\033]0;title\\007up\\n',
  'downloading [##    ]\\rdownloading [######]',
].join('');

const dockerfile = [
  'FROM busybox AS base',
  'RUN echo quick',
  'FROM base AS gated',
  gatedRun('true').replace('while', `printf '${said}'; while`),
  'FROM base',
  'COPY --from=gated /bin/busybox /gone',
  '',
].join('\n');

/** Times differ, and so does the room that they leave for the names; some steps take no time at all. */
const untimed = (lines: readonly string[]) =>
  lines
    .filter(line => !/ exporting /.test(line))
    .map(line =>
      line
        .replace(/^( => .{24}).*… +(?=\d+\.\ds$)/, '$1… ')
        .replace(/\d+\.\ds/, 'T')
        .replace(/ +T$/, ' T'),
    );

const isWhole = (lines: readonly string[]) => lines.some(line => line.includes('######'));

/** Whether more than the view's own lines is touched: a screen that is cleared, a title. */
const clears = (written: string) =>
  ['[1J', '[2J', '[3J', '[H', 'c', ']'].some(command => written.includes(`\u001b${command}`));

describe('a build in a terminal', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let terminal: Terminal | undefined;
  beforeEach(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write({ 'app/Dockerfile': dockerfile });
  });
  afterEach(async () => {
    terminal?.kill();
    await terminal?.end();
    await sandbox.dispose();
  });

  function build(size: TerminalSize, ...args: string[]): Terminal {
    const words = ['sh', '-c', 'echo "$ before"; "$@"; code=$?; echo "$ after"; exit $code', 'sh'];
    const command = [process.execPath, executable, 'build', '--progress', 'tty', ...args, 'app'];
    terminal = new Terminal([...words, ...command], {
      ...size,
      cwd: sandbox.folder,
      env: { ...sandbox.env, TERM: 'xterm' },
    });
    return terminal;
  }

  const sizes: readonly (TerminalSize & { readonly running: string[]; readonly over: string[] })[] = [
    {
      columns: 80,
      rows: 24,
      running: [
        '[+] Building T (1/4)',
        ' => [gated 2/2] RUN --mount=… T',
        ` => => # ${long.slice(0, 69)}…`,
        ` => => # ${'漢字'.repeat(17)}…`,
        ' => => # red    🚀',
        ' => => # 100%',
        ' => => # up',
        ' => => # downloading [######]',
        ' => [base 2/2] RUN echo quick T',
      ],
      over: [
        '[+] Building T (4/4) FINISHED',
        ' => [base 2/2] RUN echo quick T',
        ' => [gated 2/2] RUN --mount=… T',
        ' => [stage-2 2/2] COPY --from=gated /bin/busybox /gone T',
      ],
    },
    {
      columns: 40,
      rows: 10,
      running: [
        '[+] Building T (1/4)',
        ' => [gated 2/2] RUN --mount=… T',
        ` => => # ${long.slice(0, 29)}…`,
        ` => => # ${'漢字'.repeat(7)}…`,
        ' => => # red    🚀',
        ' => => # 100%',
        ' => => # up',
        ' => => # downloading [######]',
        ' => [base 2/2] RUN echo quick T',
      ],
      over: [
        '[+] Building T (4/4) FINISHED',
        ' => [base 2/2] RUN echo quick T',
        ' => [gated 2/2] RUN --mount=… T',
        ' => [stage-2 2/2] COPY --fro… T',
      ],
    },
  ];
  for (const { columns, rows, running, over } of sizes) {
    it(`is drawn in ${columns} x ${rows}, whatever a step writes, and leaves the rest as it was`, async () => {
      const shown = build({ columns, rows });
      const gate = await Gate.reached(sandbox);
      expect(untimed(await shown.until(isWhole))).to.deep.equal(['$ before', ...running]);
      await gate.open();
      expect(await shown.end()).to.equal(0);
      const lines = untimed(shown.lines());
      expect(lines.slice(0, over.length + 1)).to.deep.equal(['$ before', ...over]);
      expect(lines.slice(over.length + 1).join('')).to.match(/^Image sha256:[0-9a-f]{64}\$ after$/);
      expect(clears(shown.written)).to.equal(false);
      expect(shown.written.lastIndexOf('\u001b[?25h')).to.be.above(shown.written.lastIndexOf('\u001b[?25l'));
    });
  }

  it('follows a terminal that changes its size', async () => {
    const shown = build({ columns: 80, rows: 24 });
    const gate = await Gate.reached(sandbox);
    await shown.until(isWhole);
    const [wide, narrow] = sizes;
    for (const { columns, rows, running } of [
      { ...narrow, rows: 22 },
      { ...wide, columns: 120 },
      { ...wide },
    ] as typeof sizes) {
      shown.resize({ columns, rows });
      const cut = Math.min(columns - 1, ` => => # ${long}`.length);
      const lines = await shown.until(all =>
        all.some(line => / # a long .*…$/.test(line) && line.length === cut),
      );
      expect(lines.filter(line => line.startsWith('[+]'))).to.have.length(1);
      if (columns !== 120) expect(untimed(lines)).to.deep.equal(['$ before', ...running]);
    }
    await gate.open();
    expect(await shown.end()).to.equal(0);
    expect(untimed(shown.lines()).slice(0, 5)).to.deep.equal(['$ before', ...(wide?.over ?? [])]);
  });

  it('says that a step waits for another build', async () => {
    const other = sandbox.start('build', '-q', '--target', 'gated', 'app');
    const ended = once(other, 'close');
    const gate = await Gate.reached(sandbox);
    const shown = build({ columns: 80, rows: 24 });
    const lines = await shown.until(all => all.includes(' => => waiting for another build'));
    expect(untimed(lines).slice(1, 4)).to.deep.equal([
      '[+] Building T (1/4)',
      sizes[0]?.running[1],
      ' => => waiting for another build',
    ]);
    await gate.open();
    expect(await shown.end()).to.equal(0);
    expect((await ended)[0]).to.equal(0);
    expect(untimed(shown.lines()).join('\n'))
      .to.match(/ => CACHED \[gated 2\/2\]/)
      .and.not.include('waiting');
  });

  it('shows what failed, and its last words', async () => {
    await sandbox.write({ 'app/Dockerfile': `FROM busybox\nRUN printf '${said}'; exit 3\n` });
    const shown = build({ columns: 80, rows: 24 });
    expect(await shown.end()).to.equal(1);
    const lines = shown.lines();
    expect(untimed(lines).slice(0, 3)).to.deep.equal([
      '$ before',
      '[+] Building T (1/2) FINISHED',
      " => ERROR [2/2] RUN printf '… T",
    ]);
    expect(lines.join('')).to.include('… ended with exit code 3 [BUILD_STEP_FAILED]:');
    expect(lines[3]).to.match(/^The whole log: hawser builder logs \w+$/);
    for (const line of ['  first', '  red    🚀', '  100%', '  up', '  downloading [######]', '$ after'])
      expect(lines).to.include(line);
    expect(clears(shown.written)).to.equal(false);
  });
});
