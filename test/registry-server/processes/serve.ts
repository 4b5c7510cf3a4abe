import { startRegistry } from '../../../src/registry-server/start-registry.ts';

// A registry of its own process, for tests that kill it or measure it: argv is the volume, a port
// (0: any).
const [root, port] = process.argv.slice(2) as [string, string];
const registry = await startRegistry({
  storage: { kind: 'filesystem', root },
  host: '127.0.0.1',
  port: Number(port),
});
process.stdout.write(`${registry.url}\n`);
process.once('SIGTERM', () => void registry.close().then(() => process.exit(0)));
// Whoever asks is told how many bytes are held once garbage is gone (`--expose-gc`).
process.on('message', () => {
  (globalThis as { gc?: () => void }).gc?.();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  process.send?.(arrayBuffers + heapUsed);
});
