import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../../content/finding.ts';
import type { BlobReader } from '../../content/store.ts';
import { systemErrorCode } from '../../errors/hawser-error.ts';
import type { Digest } from '../../image/digest.ts';
import { namesIn } from '../../util/names-in.ts';
import { BuildCache } from './build-cache.ts';

/** Of `<file>.<pid>.<random>.tmp`. */
function isLeft(name: string): boolean {
  const maker = /\.(\d+)\.[0-9a-f]+\.tmp$/.exec(name);
  if (maker === null) return false;
  try {
    process.kill(Number(maker[1]), 0);
    return false;
  } catch (error) {
    return systemErrorCode(error) !== 'EPERM';
  }
}

/**
 * Looks through the records of the build cache: each can be read, and its layer is in the store. A broken one costs a
 * step that is run again.
 *
 * @param root `$HAWSER_ROOT/build-cache`
 * @param damaged Blobs that are there and do not count.
 */
export async function checkBuildCache(
  root: string,
  store: BlobReader,
  damaged: ReadonlySet<Digest>,
): Promise<{ readonly count: number; readonly findings: readonly Finding[] }> {
  const folder = join(root, 'steps');
  const findings: Finding[] = [];
  const cache = new BuildCache(root);
  const known = new Map((await cache.list()).map(({ key, record }) => [`${key.slice(7)}.json`, record]));
  const add = (name: string, problem: string, severity: Finding['severity']) => {
    const repair = () => rm(join(folder, name), { force: true });
    findings.push({ part: 'build cache', subject: name.replace(/\.json$/, ''), problem, severity, repair });
  };
  for (const name of await namesIn(folder)) {
    if (name.endsWith('.tmp')) {
      if (isLeft(name)) add(name, 'half written by a process that is gone', 'leftover');
      continue;
    }
    const record = known.get(name);
    if (record === undefined) {
      // One that was written since the list is no finding.
      if (!(await isRecord(join(folder, name)))) add(name, 'it is no record of a step', 'damage');
      continue;
    }
    const { digest, size } = record.descriptor;
    const info = await store.stat(digest);
    if (damaged.has(digest)) add(name, `its layer ${digest} is damaged`, 'damage');
    // The collector keeps layers of records; a record that outlives its layer is forgotten when it is met.
    else if (info?.size !== size) add(name, `its layer ${digest} is missing`, 'leftover');
  }
  return { count: known.size, findings };
}

async function isRecord(path: string): Promise<boolean> {
  try {
    JSON.parse(await readFile(path, 'utf8'));
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'ENOENT';
  }
}
