// npm test: installs what the tests need, builds, then runs everything: checks, unit tests, end-to-end tests.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { installMissing, peerPackages } from './packages.js';

const bin = name => new URL(`../node_modules/.bin/${name}`, import.meta.url).pathname;

/** Of all tests; a test that hangs must not take the whole time of a CI run. */
const TIME_LIMIT = 45 * 60_000;

function run(title, command, args) {
  console.log(`\n== ${title}`);
  const { status, signal } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`${title}: failed (${signal ?? `exit code ${status}`})`);
    process.exit(1);
  }
}

installMissing(peerPackages);
run('build', process.execPath, ['scripts/build.js']);
run('check', 'npm', ['run', '--silent', 'check']);
console.log('\n== tests');
// A process that a failed test left behind holds a pipe of ours then, not the output that somebody waits for.
const args = ['--reporter', 'scripts/reporter.cjs', '--forbid-only', '--exit', 'test/**/*.test.ts'];
const tests = spawn(bin('mocha'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
tests.stdout.on('data', chunk => process.stdout.write(chunk));
tests.stderr.on('data', chunk => process.stderr.write(chunk));
const timer = setTimeout(() => tests.kill('SIGKILL'), TIME_LIMIT);
const [code, signal] = await once(tests, 'exit');
clearTimeout(timer);
if (code !== 0)
  console.error(
    `tests: failed (${signal === 'SIGKILL' ? 'not over in 45 minutes' : (signal ?? `exit code ${code}`)})`,
  );
process.exit(code === 0 ? 0 : 1);
