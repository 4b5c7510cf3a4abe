// How long does it take to pull and unpack, and to push, one 170 MB layer? hawser beside docker and podman, all with the
// same registry (Debian's docker-registry). `npm run bench:pull`
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../test/e2e/support/ports.ts';
import { run } from '../test/e2e/support/run.ts';
import { compare } from './support/measure.ts';
import { type Peers, startPeers } from './support/peers.ts';

async function startRegistry(folder: string): Promise<{ host: string; stop: () => void }> {
  const host = `127.0.0.1:${await freePort()}`;
  const config = `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}}, delete: {enabled: true}}\nhttp: {addr: ${host}}\nlog: {level: error, accesslog: {disabled: true}}\n`;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.yml'), config);
  const server = spawn('/usr/bin/docker-registry', ['serve', join(folder, 'config.yml')], {
    stdio: 'ignore',
  });
  while ((await run(['curl', '-sf', `http://${host}/v2/`])).code !== 0) await delay(100);
  return { host, stop: () => void server.kill() };
}

/** 8,700 files, 170 MB, of which gzip leaves about a third: like a distribution's layer. */
async function writeRootfs(folder: string): Promise<void> {
  const words = randomBytes(6000);
  for (let index = 0; index < 8700; index++) {
    const target = join(folder, `usr/share/d${index % 300}`);
    if (index < 300) await mkdir(target, { recursive: true });
    const unique = randomBytes(6000);
    await writeFile(
      join(target, `file-${index}`),
      Buffer.concat([unique, words, words.subarray(0, 1500), words]),
    );
  }
}

async function layerImage(peers: Peers, image: string): Promise<void> {
  const context = join(peers.folder, 'layer');
  await writeRootfs(join(context, 'rootfs'));
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY rootfs /\nCMD ["/none"]\n');
  await peers.docker.docker('build', '-q', '-t', image, context);
  await peers.docker.docker('push', '-q', image);
  // The builder's cache would keep the layer, and a pull of it would be no work.
  await peers.docker.docker('builder', 'prune', '-af');
}

const peers = await startPeers();
const registry = await startRegistry(join(peers.folder, 'registry'));
try {
  const image = `${registry.host}/layer:1`;
  await layerImage(peers, image);
  await compare(
    'pull and unpack one layer of 170 MB',
    [
      {
        name: 'hawser',
        env: peers.hawser.env,
        async prepare() {
          await peers.hawser.try(['image', 'rm', '-f', image]);
          await peers.hawser.hawser('image', 'prune', '--force', '--all');
          await peers.hawser.importBusybox('bench-base:latest');
        },
        command: () => peers.hawserCommand('image', 'pull', '-q', '--unpack', image),
      },
      {
        name: 'docker',
        env: peers.dockerEnv,
        prepare: async () => void (await peers.docker.try('rmi', '-f', image)),
        command: () => peers.dockerCommand('pull', '-q', image),
      },
      {
        name: 'podman',
        prepare: async () => void (await run(peers.podmanCommand('rmi', '-f', image))),
        command: () => peers.podmanCommand('pull', '-q', '--tls-verify=false', image),
      },
    ],
    3,
  );
} finally {
  registry.stop();
  await peers.stop();
}
