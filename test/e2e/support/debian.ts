import { mkdir, rename, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { run } from './run.ts';
import type { Sandbox } from './sandbox.ts';

const folder = fileURLToPath(new URL('../../../node_modules/.cache/hawser', import.meta.url));
const archive = `${folder}/debian-12.tar`;
/** Milliseconds for which an archive is used again. */
const day = 24 * 3600 * 1000;

/** Imports `debian:12`, made by mmdebstrap as scripts/quickstart.js makes it. */
export async function importDebian(sandbox: Sandbox): Promise<void> {
  const made = await stat(archive).catch(() => undefined);
  if (made === undefined || Date.now() - made.mtimeMs > day) {
    await mkdir(folder, { recursive: true });
    const fresh = `${archive}.${process.pid}.tar`;
    const args = ['--quiet', '--variant=minbase', '--include=ca-certificates', 'bookworm', fresh];
    await run(['mmdebstrap', ...args], { check: true, timeout: 300_000 });
    await rename(fresh, archive);
  }
  await sandbox.hawser('image', 'import', '--change', 'CMD ["bash"]', archive, 'debian:12');
}
