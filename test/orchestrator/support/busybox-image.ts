import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importArchive } from '../../../src/content/archive/import.ts';
import type { LayoutStore } from '../../../src/content/store.ts';
import { formatReference, parseReference } from '../../../src/image/reference.ts';
import { findBusybox, makeBusyboxRootfs } from '../../runtime/support/busybox.ts';

/** Puts an image made of busybox into the store. */
export async function addBusyboxImage(store: LayoutStore, name: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'hawser-busybox-'));
  try {
    // It becomes the root folder of the image, which all users need.
    chmodSync(folder, 0o755);
    makeBusyboxRootfs(folder, findBusybox() ?? '');
    const tar = spawn('tar', ['-C', folder, '-cf', '-', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const config = { Env: ['PATH=/bin'], Cmd: ['sleep', '1000'] };
    const reference = formatReference(parseReference(name));
    await importArchive(store, tar.stdout, { name: reference, config });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
