import { startRegistry } from '../../../src/registry-server/start-registry.ts';

// A registry of its own process, for tests that kill it or measure it: argv is the volume, a port
// (0: any), and `sparse` where it must take images before their layers.
const [root, port, sparse] = process.argv.slice(2) as [string, string, string?];
const registry = await startRegistry({
  root,
  host: '127.0.0.1',
  port: Number(port),
  sparseImages: sparse === 'sparse',
});
process.stdout.write(`${registry.url}\n`);
process.once('SIGTERM', () => void registry.close().then(() => process.exit(0)));
