import { mkdir, rename, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { run } from './run.ts';
import type { Sandbox } from './sandbox.ts';

const folder = fileURLToPath(new URL('../../../node_modules/.cache/hawser', import.meta.url));
/** Milliseconds for which an archive is used again. */
const day = 24 * 3600 * 1000;

/** The archive that mmdebstrap makes of the release, kept for a day. */
async function debianArchive(name: string, args: readonly string[]): Promise<string> {
  const archive = `${folder}/${name}.tar`;
  const made = await stat(archive).catch(() => undefined);
  if (made === undefined || Date.now() - made.mtimeMs > day) {
    await mkdir(folder, { recursive: true });
    const fresh = `${archive}.${process.pid}.tar`;
    await run(['mmdebstrap', '--quiet', ...args, 'bookworm', fresh], { check: true, timeout: 300_000 });
    await rename(fresh, archive);
  }
  return archive;
}

/** Imports `debian:12`, made by mmdebstrap as scripts/quickstart.js makes it. */
export async function importDebian(sandbox: Sandbox): Promise<void> {
  const archive = await debianArchive('debian-12', ['--variant=minbase', '--include=ca-certificates']);
  await sandbox.hawser('image', 'import', '--change', 'CMD ["bash"]', archive, 'debian:12');
}

/**
 * The files of a package and of what it depends on, without installing them: for an architecture, or beside programs that
 * would choose otherwise if it were there.
 *
 * @returns an archive
 */
export function unpackedPackage(
  name: string,
  options: { readonly architecture?: string } = {},
): Promise<string> {
  const { architecture } = options;
  return debianArchive(architecture === undefined ? name : `${name}-${architecture}`, [
    '--variant=extract',
    `--include=${name}`,
    ...(architecture === undefined ? [] : [`--architectures=${architecture}`]),
  ]);
}
