import { type ConfigNode, configError } from './config-node.ts';
import { duration, optionalSection, type Reader, refine, refused, text } from './readers.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** Which registry this one is a cache of. */
export interface ProxySettings {
  /** Scheme, host and port. */
  readonly remote: URL;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** Milliseconds after which content is asked for again; 0 for never. */
  readonly ttl: number;
  /** Milliseconds for which a blob goes on coming when nobody waits for it any more. */
  readonly patience: number;
}

function remoteOf(value: string, node: ConfigNode): URL {
  // registry:2 takes a host alone, over TLS.
  const whole = /^https?:\/\//.test(value) ? value : `https://${value}`;
  const remote = URL.canParse(whole) ? new URL(whole) : undefined;
  if (remote === undefined || remote.pathname !== '/' || remote.search !== '' || remote.username !== '') {
    throw configError(
      node,
      `remoteurl ${JSON.stringify(value)} is not the URL of a registry`,
      'Use https://HOST[:PORT].',
    );
  }
  return remote;
}

/** `proxy`: a cache in front of one other registry; undefined where none is named. */
export const proxySection: Reader<ProxySettings | undefined> = refine(
  optionalSection({
    remoteurl: text(''),
    username: text(''),
    password: text(''),
    exec: refused('no program is run for credentials', 'Use username and password.'),
    ttl: duration(168 * HOUR),
    cachewritetimeout: duration(5 * MINUTE),
  }),
  (value, node): ProxySettings | undefined => {
    if (value === undefined || value.remoteurl === '') return undefined;
    const { username, password, ttl, cachewritetimeout } = value;
    return {
      remote: remoteOf(value.remoteurl, node),
      credentials: username === '' ? undefined : { username, password },
      ttl,
      patience: cachewritetimeout,
    };
  },
);
