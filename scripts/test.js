// npm test: installs what the tests need, builds, then runs everything: checks, unit tests, end-to-end tests.
import { spawnSync } from 'node:child_process';
import { installMissing, peerPackages } from './packages.js';

const bin = name => new URL(`../node_modules/.bin/${name}`, import.meta.url).pathname;

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
run('tests', bin('mocha'), ['--reporter', 'scripts/reporter.cjs', '--forbid-only', 'test/**/*.test.ts']);
