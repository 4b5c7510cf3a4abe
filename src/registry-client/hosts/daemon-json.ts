import { HawserError } from '../../errors/hawser-error.ts';
import { readJsonObject } from '../auth-file.ts';

/** What Docker's `/etc/docker/daemon.json` says of registries. */
export interface DaemonSettings {
  /** `host[:port]` or CIDR */
  readonly insecure: readonly string[];
  /** Mirrors of Docker Hub, in their order. */
  readonly mirrors: readonly URL[];
}

function texts(path: string, value: unknown, key: string): readonly string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((entry: unknown) => typeof entry === 'string')) return value;
  throw new HawserError('INVALID_ARGUMENT', `${path}: ${JSON.stringify(key)} is not a list of texts`);
}

function mirrorOf(path: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '') return url;
  throw new HawserError(
    'INVALID_ARGUMENT',
    `${path}: the mirror ${JSON.stringify(text)} is no URL of a registry`,
    {
      remedy: 'Use https://HOST[:PORT].',
    },
  );
}

/** https://docs.docker.com/reference/cli/dockerd/#insecure-registries */
export async function readDaemonJson(path: string): Promise<DaemonSettings> {
  const file = (await readJsonObject(path)) ?? {};
  return {
    // People write URLs here too; dockerd takes the scheme off.
    insecure: texts(path, file['insecure-registries'], 'insecure-registries').map(text =>
      text.replace(/^https?:\/\//, '').replace(/\/$/, ''),
    ),
    mirrors: texts(path, file['registry-mirrors'], 'registry-mirrors').map(text => mirrorOf(path, text)),
  };
}
