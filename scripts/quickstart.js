// README's first command: from a bare Debian machine to nginx in a pod, by way of a Dockerfile and a registry of ours.
// Each step is an ordinary hawser command line, printed before it runs; it can be run again.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { installMissing, runtimePackages } from './packages.js';

const root = new URL('..', import.meta.url).pathname;
const hawser = join(root, 'bin/run.js');
const state = process.env.HAWSER_ROOT ?? '/var/lib/hawser';
const registryAddress = '127.0.0.1:5000';
const image = `${registryAddress}/nginx:1.22`;
const page = 'http://127.0.0.1:8888/';
const timings = [];
delete process.env.NODE_EXTRA_CA_CERTS;

class StepError extends Error {}

const bold = text => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[22m` : text);

async function step(title, work) {
  console.log(`\n${bold(`● ${title}`)}`);
  const start = performance.now();
  const detail = await work();
  timings.push([title, performance.now() - start, detail ?? '']);
}

function run(args, options = {}) {
  console.log(`  $ hawser ${args.join(' ')}`);
  const { status } = spawnSync(process.execPath, [hawser, ...args], {
    cwd: root,
    stdio: 'inherit',
    ...options,
  });
  if (status !== 0 && options.check !== false) throw new StepError(`hawser ${args.join(' ')} failed`);
  return status === 0;
}

function fetchText(url) {
  return new Promise((resolve, reject) => {
    const request = get(url, { timeout: 2000 }, response => {
      const chunks = [];
      response.on('data', chunk => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}

async function until(title, seconds, probe) {
  let last;
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await delay(200)) {
    try {
      const found = await probe();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
  }
  throw new StepError(`${title}: not within ${seconds} s${last === undefined ? '' : ` (${last.message})`}`);
}

function baseImage() {
  const local = spawnSync(process.execPath, [hawser, 'image', 'inspect', 'debian:12'], { stdio: 'ignore' });
  if (local.status === 0) return 'already there';
  if (
    run(['image', 'pull', 'debian:12'], {
      check: false,
      timeout: 120_000,
      stdio: ['ignore', 'inherit', 'ignore'],
    })
  ) {
    return 'pulled from Docker Hub';
  }
  console.log('  Docker Hub does not answer: making the image with mmdebstrap');
  const folder = join(state, 'quickstart');
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, 'debian-12.tar');
  const args = ['--variant=minbase', '--include=ca-certificates', 'bookworm', archive];
  console.log(`  $ mmdebstrap ${args.join(' ')}`);
  const made = spawnSync('mmdebstrap', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (made.status !== 0) throw new StepError('mmdebstrap failed');
  run(['image', 'import', '--change', 'CMD ["bash"]', archive, 'debian:12']);
  rmSync(archive);
  return 'made with mmdebstrap';
}

const answersAsRegistry = async () => {
  const { status, headers } = await fetchText(`http://${registryAddress}/v2/`);
  return status === 200 && headers['docker-distribution-api-version'] !== undefined ? true : undefined;
};

async function startRegistry() {
  if (await answersAsRegistry().catch(() => undefined)) return 'already running';
  const volume = join(state, 'registry');
  mkdirSync(volume, { recursive: true });
  const log = openSync(join(state, 'registry.log'), 'a');
  console.log(`  $ hawser registry serve --addr ${registryAddress} --root ${volume} &`);
  const args = [hawser, 'registry', 'serve', '--addr', registryAddress, '--root', volume];
  const server = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log] });
  let ended = false;
  server.once('exit', () => (ended = true));
  server.unref();
  await until('the registry answers', 20, async () => {
    if (ended) throw new StepError(`the registry ended; see ${join(state, 'registry.log')}`);
    return answersAsRegistry();
  });
  return `process ${server.pid}, volume ${volume}`;
}

function printTimings() {
  const width = Math.max(...timings.map(([title]) => title.length));
  console.log('');
  for (const [title, milliseconds, detail] of timings) {
    console.log(
      `  ${title.padEnd(width)}  ${(milliseconds / 1000).toFixed(1).padStart(6)} s  ${detail}`.trimEnd(),
    );
  }
  const total = timings.reduce((sum, [, milliseconds]) => sum + milliseconds, 0);
  console.log(`  ${'in all'.padEnd(width)}  ${(total / 1000).toFixed(1).padStart(6)} s`);
}

async function main() {
  await step('What the machine lacks', () => {
    const installed = installMissing(runtimePackages);
    return installed.length === 0 ? 'nothing' : installed.join(' ');
  });
  await step('A Debian base image', baseImage);
  await step('Dockerfile to image', () => void run(['image', 'build', '-t', 'nginx:1.22', 'examples/nginx']));
  await step('A registry on port 5000', startRegistry);
  await step('Tag and push', () => {
    run(['image', 'tag', 'nginx:1.22', image]);
    run(['image', 'push', image]);
  });
  await step('The pod API and its node agent', () => void run(['cluster', 'up']));
  await step('A pod from YAML', () => void run(['pod', 'apply', '-f', 'examples/nginx/pod.yaml']));
  await step('The page on port 8888', async () => {
    const title = await until('the page answers', 60, async () => {
      const { status, text } = await fetchText(page);
      return status === 200 ? /<title>(.*?)<\/title>/s.exec(text)?.[1] : undefined;
    });
    run(['pod', 'get', '-o', 'wide']);
    console.log(`  ${page} → ${title}`);
    return title;
  });
  printTimings();
  console.log(`
What to try next:
  node bin/run.js pod logs nginx                 what nginx says
  kubectl get pods -o wide                       the real kubectl, no configuration needed
  node bin/run.js image history nginx:1.22       the layers that the Dockerfile made
  docker pull ${image}          any client can pull from the registry
  node bin/run.js pod delete nginx               take the pod away
  node bin/run.js cluster down                   stop the pod API
  npm link                                       puts hawser itself on your PATH`);
}

try {
  await main();
} catch (error) {
  console.error(`\nquickstart: ${error instanceof StepError ? error.message : error.stack}`);
  process.exitCode = 1;
}
