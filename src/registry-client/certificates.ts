import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { systemErrorCode } from '../errors/hawser-error.ts';

export interface Certificates {
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
}

/**
 * CAs (`*.crt`) and the client certificate (`*.cert` with `*.key`) that Docker and podman users have put down for a
 * `host[:port]`; the first folder that is there counts.
 */
export async function certificatesFor(host: string): Promise<Certificates> {
  const folders = [
    '/etc/containers/certs.d',
    '/etc/docker/certs.d',
    join(homedir(), '.config/containers/certs.d'),
  ];
  for (const folder of folders.map(parent => join(parent, host))) {
    let names: string[];
    try {
      names = await readdir(folder);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemErrorCode(error) ?? '')) continue;
      throw error;
    }
    const read = (name: string) => readFile(join(folder, name), 'utf8');
    const authorities = await Promise.all(
      names
        .filter(name => name.endsWith('.crt'))
        .sort()
        .map(read),
    );
    const client = names.find(name => name.endsWith('.cert'));
    return {
      ...(authorities.length === 0 ? {} : { ca: [...rootCertificates, ...authorities] }),
      ...(client === undefined
        ? {}
        : { cert: await read(client), key: await read(client.replace(/cert$/, 'key')) }),
    };
  }
  return {};
}
