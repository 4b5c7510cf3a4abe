import { readdir, readFile, readlink } from 'node:fs/promises';

const LISTENING = '0A';

/** The inodes of the sockets that listen on `port`, from proc(5) net/tcp: fields 2 (local address), 4 (state), 10 (inode). */
async function listeningInodes(port: number): Promise<readonly string[]> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(path => readFile(path, 'latin1')));
  return tables
    .flatMap(table => table.split('\n').slice(1))
    .map(line => line.trim().split(/\s+/))
    .filter(fields => fields[1]?.endsWith(suffix) === true && fields[3] === LISTENING)
    .map(fields => fields[9] ?? '');
}

async function holdsSocket(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''); // closed since
    if (sockets.has(target)) return true;
  }
  return false;
}

/** The process that listens on a TCP port, e.g. `docker-registry (pid 812)`; undefined where it cannot be seen. */
export async function portOwner(port: number): Promise<string | undefined> {
  try {
    const sockets = new Set((await listeningInodes(port)).map(inode => `socket:[${inode}]`));
    if (sockets.size === 0) return undefined;
    for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
      const holds = await holdsSocket(pid, sockets).catch(() => false); // gone, or not ours to look at
      if (holds) return `${(await readFile(`/proc/${pid}/comm`, 'utf8')).trim()} (pid ${pid})`;
    }
    return undefined;
  } catch {
    return undefined; // no /proc: the error stands without the name
  }
}
