import type { TLSSettings } from '../http/tls-files.ts';
import { configError } from './config-node.ts';
import {
  boolean,
  duration,
  isLeftOut,
  list,
  mapOf,
  needless,
  oneOf,
  optionalSection,
  type Reader,
  refine,
  refused,
  requiredText,
  section,
  text,
} from './readers.ts';

const tlsVersions = {
  'tls1.0': 'TLSv1',
  'tls1.1': 'TLSv1.1',
  'tls1.2': 'TLSv1.2',
  'tls1.3': 'TLSv1.3',
} as const;

/** Go's names of cipher suites, as registry:2 lists them, and OpenSSL's. */
const cipherNames: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_RSA_WITH_AES_128_CBC_SHA256: 'AES128-SHA256',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: 'ECDHE-ECDSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: 'ECDHE-RSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
  TLS_CHACHA20_POLY1305_SHA256: 'TLS_CHACHA20_POLY1305_SHA256',
  TLS_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
};

const cipher: Reader<string> = refine(requiredText, (name, node) => {
  const found = Object.hasOwn(cipherNames, name) ? cipherNames[name] : undefined;
  if (found !== undefined) return found;
  throw configError(
    node,
    `there is no cipher suite ${name}`,
    'Use the names of IANA that are not known as weak.',
  );
});

const clientAuth = {
  'request-client-cert': 'requested',
  'require-any-client-cert': 'required',
  'verify-client-cert-if-given': 'given',
  'require-and-verify-client-cert': 'required',
} as const;
const clientAuthWords = Object.keys(clientAuth) as (keyof typeof clientAuth)[];

const tls = refine(
  optionalSection({
    certificate: text(''),
    key: text(''),
    clientcas: list(requiredText),
    clientauth: oneOf(clientAuthWords, 'require-and-verify-client-cert'),
    minimumtls: oneOf(Object.keys(tlsVersions) as (keyof typeof tlsVersions)[], 'tls1.2'),
    ciphersuites: list(cipher),
    letsencrypt: refused(
      'hawser asks no authority for certificates',
      'Let certbot or its like renew them, and name the files with certificate and key.',
    ),
  }),
  (value, node): TLSSettings | undefined => {
    // registry:2's image can have an empty section, which environment variables fill.
    if (value === undefined || (value.certificate === '' && value.key === '')) return undefined;
    if (value.certificate === '' || value.key === '') {
      throw configError(node, 'certificate and key must both be set');
    }
    const { clientauth } = value;
    if (clientauth === 'require-any-client-cert') {
      throw configError(
        node,
        'clientauth: certificates of unknown authorities are not let in',
        'Name clientcas.',
      );
    }
    return {
      certificate: value.certificate,
      key: value.key,
      clientAuthorities: value.clientcas,
      clients: value.clientcas.length > 0 ? clientAuth[clientauth] : 'none',
      minVersion: tlsVersions[value.minimumtls],
      ciphers: value.ciphersuites,
    };
  },
);

/** A header has one value or several. */
const headerValues: Reader<readonly string[]> = (node, context) => {
  const values = list(text(''))(node, context);
  for (const value of values) {
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) throw configError(node, 'is no value of a header');
  }
  return values;
};

const headers = refine(mapOf(headerValues), (value, node) => {
  for (const name of Object.keys(value)) {
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name))
      throw configError(node, `${JSON.stringify(name)} is no header`);
  }
  return value;
});

const host = refine(text(''), (value, node) => {
  if (value === '') return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '') {
    return url.origin + url.pathname.replace(/\/+$/, '');
  }
  throw configError(
    node,
    `is ${JSON.stringify(value)}, not the URL of this registry`,
    'E.g. https://registry.example.',
  );
});

const prefix = refine(text('/'), (value, node) => {
  const path = value.replace(/\/+$/, '');
  if (/^(?:\/[A-Za-z0-9._~-]+)*$/.test(path)) return path;
  throw configError(node, `is ${JSON.stringify(value)}, not a path`, 'E.g. /registry/.');
});

const debug = section({
  addr: text(''),
  prometheus: section({ enabled: boolean(false), path: text('/metrics') }),
});

const readHttp = section({
  addr: text(':5000'),
  net: oneOf(['tcp', 'unix'], 'tcp'),
  prefix,
  host,
  secret: needless(text(''), 'the state of an upload lies on the volume: there is nothing to sign'),
  relativeurls: boolean(false),
  draintimeout: duration(undefined),
  tls,
  headers,
  debug,
  http2: section({ disabled: boolean(false) }),
  h2c: refused('hawser speaks HTTP/2 over TLS alone', 'Remove h2c, or set http.tls.'),
});

/** `http` */
export const httpSection: typeof readHttp = (node, context) => {
  const value = readHttp(node, context);
  if (value.net === 'unix' && !value.addr.startsWith('/')) {
    throw configError(node, `net is unix, so addr must be a path, not ${JSON.stringify(value.addr)}`);
  }
  if (isLeftOut(node)) return value;
  if (value.debug.prometheus.enabled && value.debug.addr === '') {
    throw configError(node, 'debug.prometheus is enabled, but debug.addr is not set');
  }
  return value;
};
