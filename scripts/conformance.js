// npm run test:conformance: the OCI distribution conformance suite, with every row on, against `hawser registry serve` on
// an empty volume. Fails unless nothing failed, was skipped or disabled. Needs Go 1.24 or newer and its module proxy.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';

/** The suite has no releases, so this is a commit: find a newer one with `go list -m MODULE@latest`. */
const suite = {
  module: 'github.com/opencontainers/distribution-spec/conformance',
  version: 'v0.0.0-20260831232431-97274622c111',
};

const root = new URL('..', import.meta.url).pathname;

function findGo() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/go/bin'];
  return folders
    .map(folder => join(folder, 'go'))
    .find(path => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Builds the suite, once for each version; the path of the program. */
function buildSuite() {
  const folder = join(root, 'node_modules/.cache/oci-conformance', suite.version);
  const program = join(folder, 'conformance');
  const built = spawnSync(program, ['--help'], { stdio: 'ignore' }).error === undefined;
  if (built) return program;
  const go = findGo();
  if (go === undefined) throw new Error('Go is not installed: the suite is a Go module');
  const env = { ...process.env, GOBIN: folder };
  const { status } = spawnSync(go, ['install', `${suite.module}@${suite.version}`], {
    env,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`go install ${suite.module}@${suite.version} failed`);
  return program;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function serve(folder) {
  const host = `127.0.0.1:${await freePort()}`;
  const args = ['bin/run.js', 'registry', 'serve', '--addr', host, '--root', join(folder, 'volume')];
  const env = { ...process.env, HAWSER_ROOT: join(folder, 'root'), HAWSER_RUN: join(folder, 'run') };
  const server = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'pipe'] });
  const said = [];
  server.stderr.on('data', chunk => said.push(chunk));
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
    if (answer?.ok) return { host, server };
    if (tries === 200 || server.exitCode !== null)
      throw new Error(`the registry does not answer\n${Buffer.concat(said)}`);
    await delay(50);
  }
}

/** Ends the server and waits for it: until it is gone it writes to the volume, which is to be removed. */
async function stop(server) {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill();
  await ended;
}

/** Runs the suite to its end; what it printed. */
function runSuite(program, host, folder) {
  const env = {
    ...process.env,
    OCI_REGISTRY: host,
    OCI_TLS: 'disabled',
    OCI_VERSION: 'dev',
    OCI_DATA_SPARSE: 'true',
    OCI_RESULTS_DIR: folder,
  };
  const child = spawn(program, [], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const printed = [];
  child.stdout.on('data', chunk => printed.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', code => resolve({ code, text: Buffer.concat(printed).toString() }));
  });
}

/** The switches of the suite's configuration that are off. */
function switchesOff(value, path = '') {
  if (value === false) return [path];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    switchesOff(each, path === '' ? key : `${path}.${key}`),
  );
}

/** Prints the rows and counts; what is wrong with them. */
function judge({ code, text }, results) {
  const rows = [...Object.entries(results.apis), ...Object.entries(results.data)];
  for (const [name, status] of rows) console.log(`  ${name.padEnd(30)} ${status}`);
  const count = name => Number(new RegExp(`^  ${name}\\.+: +(\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  const [failed, errors, skipped, disabled, passed] = ['FAIL', 'Error', 'Skip', 'Disabled', 'Pass'].map(
    count,
  );
  const inRows = status => rows.filter(([, each]) => each === status).length;
  console.log(`  suite ${suite.version}, version ${results.config.version}`);
  console.log(`  rows: ${inRows('Pass')} of ${rows.length} pass`);
  console.log(
    `  checks: ${passed} passed, ${failed + errors} failed, ${skipped} skipped, ${disabled} disabled`,
  );
  const off = switchesOff({ ...results.config.apis, ...results.config.data });
  const isClean = failed === 0 && errors === 0 && skipped === 0 && disabled === 0 && passed > 0;
  if (code === 0 && isClean && off.length === 0 && inRows('Pass') === rows.length) return undefined;
  return `the suite ended with ${code}${off.length > 0 ? `, switched off: ${off.join(', ')}` : ''}`;
}

const program = buildSuite();
const folder = mkdtempSync(join(tmpdir(), 'hawser-conformance-'));
let registry;
try {
  registry = await serve(folder);
  const ended = await runSuite(program, registry.host, folder);
  const results = parse(readFileSync(join(folder, 'results.yaml'), 'utf8'));
  const failure = judge(ended, results);
  if (failure !== undefined) {
    console.error(`conformance: ${failure}`);
    process.exitCode = 1;
  }
} finally {
  if (registry !== undefined) await stop(registry.server);
  rmSync(folder, { recursive: true, force: true });
}
