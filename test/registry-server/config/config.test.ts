import { expect } from 'chai';
import * as fc from 'fast-check';
import { HawserError } from '../../../src/errors/hawser-error.ts';
import { configOfEnvironment } from '../../../src/registry-server/config/load-config.ts';
import { optionsOfConfig } from '../../../src/registry-server/config/options-of-config.ts';
import { everyKey } from './every-key.ts';

type Environment = Readonly<Record<string, string>>;

const base = 'version: 0.1\nstorage: {filesystem: {rootdirectory: /r}}\n';
/** A configuration that has `text`, and what must be there besides. */
const whole = (text: string) => {
  if (text.startsWith('version:')) return `${text}\nstorage: inmemory`;
  return text.startsWith('storage:') ? `version: 0.1\n${text}` : base + text;
};
const load = (text: string, env: Environment = {}) => configOfEnvironment(text, env);
const optionsOf = (text: string, env: Environment = {}) => optionsOfConfig(load(text, env).config);

function errorOf(work: () => unknown): HawserError {
  try {
    work();
  } catch (error) {
    if (error instanceof HawserError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce((each: unknown, key) => (each as Record<string, unknown> | undefined)?.[key], value);
}

/** registry:2's and registry:3's own configuration, as their images have them. */
const imageConfigs: Readonly<Record<string, string>> = {
  'registry:2': `
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
`,
  'registry:3': `
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
  tag:
    concurrencylimit: 5
  delete:
    enabled: true
http:
  addr: :5000
  debug:
    addr: :5001
    prometheus:
      enabled: true
      path: /metrics
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
`,
};

describe('registry-server: configuration', () => {
  for (const [image, text] of Object.entries(imageConfigs)) {
    it(`takes that of ${image}`, () => {
      const { config, notes } = load(text);
      expect(optionsOfConfig(config)).to.deep.include({
        host: undefined,
        port: 5000,
        storage: { kind: 'filesystem', root: '/var/lib/registry' },
        deleteEnabled: image === 'registry:3',
        readOnly: false,
        accessLog: true,
        headers: { 'X-Content-Type-Options': ['nosniff'] },
      });
      expect(notes.join()).to.contain('storage.cache.blobdescriptor changes nothing');
    });
  }

  /** What registry:2's documentation and its users set, and where it ends up. */
  const honoured: readonly (readonly [string, Environment, string, unknown])[] = [
    ['', { REGISTRY_HTTP_ADDR: '127.0.0.1:5001' }, 'port', 5001],
    ['', { REGISTRY_HTTP_ADDR: '"[::1]:80"' }, 'host', '::1'],
    ['', { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '/other' }, 'storage.root', '/other'],
    ['', { REGISTRY_STORAGE_DELETE_ENABLED: 'true' }, 'deleteEnabled', true],
    ['', { REGISTRY_STORAGE_DELETE: '{enabled: yes}' }, 'deleteEnabled', true],
    ['', { REGISTRY_STORAGE: '{inmemory: {}, delete: {enabled: true}}' }, 'storage.kind', 'inmemory'],
    ['', { REGISTRY_STORAGE: 'inmemory' }, 'storage.kind', 'inmemory'],
    ['', { REGISTRY_HTTP_TLS_CERTIFICATE: 'c', REGISTRY_HTTP_TLS_KEY: 'k' }, 'tls.key', 'k'],
    ['http: {tls: {certificate: c, key: k, minimumtls: tls1.3}}', {}, 'tls.minVersion', 'TLSv1.3'],
    [
      'http: {tls: {certificate: c, key: k, ciphersuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}}',
      {},
      'tls.ciphers',
      ['ECDHE-RSA-AES128-GCM-SHA256'],
    ],
    ['http: {tls: {certificate: c, key: k, clientcas: [ca]}}', {}, 'tls.clients', 'required'],
    [
      'http: {tls: {certificate: c, key: k, clientcas: [ca], clientauth: verify-client-cert-if-given}}',
      {},
      'tls.clients',
      'given',
    ],
    [
      '',
      {
        REGISTRY_AUTH: 'htpasswd',
        REGISTRY_AUTH_HTPASSWD_REALM: 'Registry Realm',
        REGISTRY_AUTH_HTPASSWD_PATH: '/auth/htpasswd',
      },
      'auth',
      { kind: 'htpasswd', realm: 'Registry Realm', path: '/auth/htpasswd' },
    ],
    ['auth: none', {}, 'auth', undefined],
    ['auth: {token: {realm: r, service: s, issuer: i, rootcertbundle: b}}', {}, 'auth.kind', 'token'],
    [
      'auth: {token: {realm: r, service: s, issuer: i, jwks: b, signingalgorithms: [ES256]}}',
      {},
      'auth.signingalgorithms',
      ['ES256'],
    ],
    ['http: {headers: {X-A: [a]}}', { 'REGISTRY_HTTP_HEADERS_X-A': '[b, c]' }, 'headers.X-A', ['b', 'c']],
    ['', { 'REGISTRY_HTTP_HEADERS_X-New': '[b]' }, 'headers.x-new', ['b']],
    ['http: {host: "https://r.example/x/"}', {}, 'externalURL', 'https://r.example/x'],
    ['http: {prefix: /registry/}', {}, 'prefix', '/registry'],
    ['http: {relativeurls: true}', {}, 'relativeURLs', true],
    ['http: {draintimeout: 1m30s}', {}, 'drainTimeout', 90_000],
    ['http: {net: unix, addr: /run/r.sock}', {}, 'socket', '/run/r.sock'],
    ['http: {http2: {disabled: true}}', {}, 'http2', false],
    [
      'http: {debug: {addr: "localhost:5001", prometheus: {enabled: true}}}',
      {},
      'debug.metricsPath',
      '/metrics',
    ],
    ['log: {accesslog: {disabled: true}}', {}, 'accessLog', false],
    ['', { REGISTRY_STORAGE_MAINTENANCE_READONLY: '{enabled: true}' }, 'readOnly', true],
    ['', { REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_AGE: '24h' }, 'purge.age', 86_400_000],
    ['', { REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_ENABLED: 'false' }, 'purge', undefined],
    ['catalog: {maxentries: 5}', {}, 'catalogLimit', 5],
    ['tags: {maxtags: 5}', {}, 'tagLimit', 5],
    ['validation: {manifests: {indexes: {platforms: all}}}', {}, 'push.children', 'all'],
    [
      'validation: {manifests: {indexes: {platforms: list, platformlist: [{os: linux, architecture: arm64}]}}}',
      {},
      'push.children',
      [{ os: 'linux', architecture: 'arm64' }],
    ],
    ['validation: {manifests: {urls: {allow: ["^https://"]}}}', {}, 'push.urls.allow', [/^https:\/\//u]],
    ['validation: {disabled: true, manifests: {urls: {allow: ["^https://"]}}}', {}, 'push.urls', undefined],
    ['policy: {repository: {classes: [image]}}', {}, 'push.classes', ['image']],
    ['hawser: {sparseimages: false}', {}, 'push.sparseImages', false],
    [
      '',
      {
        REGISTRY_NOTIFICATIONS_ENDPOINTS_0_NAME: 'a',
        REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL: 'http://x/',
        REGISTRY_NOTIFICATIONS_ENDPOINTS_0_TIMEOUT: '500ms',
      },
      'notifications.endpoints.0.timeout',
      500,
    ],
    [
      'notifications: {endpoints: [{name: a, url: "http://x/"}]}',
      { REGISTRY_NOTIFICATIONS_ENDPOINTS_0_BACKOFF: '2000000000' },
      'notifications.endpoints.0.backoff',
      2000,
    ],
    ['health: {tcp: [{addr: "redis:6379", interval: 5s}]}', {}, 'health.tcp.0.interval', 5000],
  ];
  it('takes another registry to be a cache of', () => {
    const { proxy } = load(
      `${base}proxy: {remoteurl: registry-1.docker.io, username: u, password: p, ttl: 0, cachewritetimeout: 1m}`,
    ).config;
    expect(proxy?.remote.href).to.equal('https://registry-1.docker.io/');
    expect(proxy).to.deep.include({
      credentials: { username: 'u', password: 'p' },
      ttl: 0,
      patience: 60_000,
    });
    expect(load(base).config.proxy).to.equal(undefined);
    expect(load(`${base}proxy: {remoteurl: "http://x:1"}`).config.proxy?.ttl).to.equal(168 * 3_600_000);
  });

  it('takes a bucket by every key of it', () => {
    const text = [
      'storage: {redirect: {disable: true}, s3: {accesskey: a, secretkey: s, sessiontoken: t, region: r,',
      'regionendpoint: "minio:9000", redirectendpoint: "https://cdn.example", bucket: b, rootdirectory: /x/y/,',
      'encrypt: true, keyid: k, secure: false, skipverify: true, v4auth: true, accelerate: false,',
      'usedualstack: true, usefipsendpoint: true, chunksize: 6000000, multipartcopychunksize: 7000000,',
      'multipartcopymaxconcurrency: 8, multipartcopythresholdsize: 9000000, storageclass: STANDARD_IA,',
      'objectacl: bucket-owner-full-control, useragent: u, loglevel: debug}}',
    ];
    const options = optionsOf(whole(text.join('\n  ')));
    expect(options.redirects).to.equal(false);
    expect(options.storage).to.deep.equal({
      kind: 's3',
      bucket: 'b',
      region: 'r',
      prefix: 'x/y',
      endpoint: 'http://minio:9000',
      redirectEndpoint: 'https://cdn.example',
      credentials: { accessKeyId: 'a', secretAccessKey: 's', sessionToken: 't' },
      pathStyle: true,
      accelerate: false,
      dualStack: true,
      fips: true,
      skipVerify: true,
      userAgent: 'u',
      encryption: 'aws:kms',
      keyID: 'k',
      storageClass: 'STANDARD_IA',
      acl: 'bucket-owner-full-control',
      chunkSize: 6_000_000,
      copyThreshold: 9_000_000,
      copyChunkSize: 7_000_000,
      copyConcurrency: 8,
    });
  });
  for (const [text, env, path, expected] of honoured) {
    it(`takes ${text || Object.entries(env).join().slice(0, 70)}`, () => {
      expect(at(optionsOf(base + text, env), path)).to.deep.equal(expected);
    });
  }

  /** What cannot be honoured, or is a slip, and what the error says. */
  const refused: readonly (readonly [string, Environment, RegExp])[] = [
    ['strage: {}', {}, /^strage: there is no such key.*/],
    ['http: {adr: ":1"}', {}, /^http\.adr: there is no such key/],
    [
      '',
      { REGISTRY_STORAGE_DELETE_ENABLE: 'true' },
      /^REGISTRY_STORAGE_DELETE_ENABLE: storage\.delete\.enable: there is no/,
    ],
    ['', { REGISTRY_STORAGE_S3_BUCKET: 'b' }, /there are two storage drivers, filesystem and s3/],
    ['storage: {s3: {bucket: b}}', {}, /storage\.s3\.region: must be set/],
    ['storage: {s3: {region: r, bucket: b, accesskey: a}}', {}, /accesskey and secretkey must both be set/],
    ['storage: {s3: {region: r, bucket: b, v4auth: false}}', {}, /v4auth: cannot be honoured/],
    ['storage: {s3: {region: r, bucket: b, chunksize: 1000}}', {}, /not a number of 5242880 to/],
    ['storage: {s3: {region: r, bucket: b, secure: false}}', {}, /needs a regionendpoint/],
    ['', { REGISTRY_STORAGE: 'gcs' }, /storage\.gcs: cannot be honoured/],
    ['', { REGISTRY_STORAGE: 'floppy' }, /there is no such storage driver/],
    ['', { REGISTRY_STORAGE: '{delete: {enabled: true}}' }, /no storage configuration provided/],
    ['', { REGISTRY_STORAGE_DELETE_ENABLED: 'perhaps' }, /is "perhaps", not true or false/],
    ['', { REGISTRY_HTTP_ADDR: '5000' }, /http\.addr: invalid address "5000"/],
    ['', { REGISTRY_HTTP_SECRET: '%x' }, /^REGISTRY_HTTP_SECRET: /],
    ['', { REGISTRY_NOTIFICATIONS_ENDPOINTS_1_NAME: 'a' }, /has 0 items|there is no such key|name/],
    ['http: {net: unix}', {}, /addr must be a path/],
    ['http: {tls: {certificate: c}}', {}, /certificate and key must both be set/],
    ['http: {tls: {letsencrypt: {email: a@b.c}}}', {}, /letsencrypt: cannot be honoured/],
    ['http: {tls: {certificate: c, key: k, minimumtls: ssl3}}', {}, /not one of tls1\.0/],
    ['http: {tls: {certificate: c, key: k, ciphersuites: [RC4]}}', {}, /there is no cipher suite RC4/],
    ['http: {host: registry.example}', {}, /not the URL of this registry/],
    ['http: {prefix: "a b"}', {}, /not a path/],
    ['http: {h2c: {enabled: true}}', {}, /h2c: cannot be honoured/],
    ['http: {headers: {"a b": [x]}}', {}, /is no header/],
    ['http: {headers: {X-A: ["a\\r\\nb"]}}', {}, /is no value of a header/],
    ['http: {debug: {prometheus: {enabled: true}}}', {}, /debug\.addr is not set/],
    ['log: {level: loud}', {}, /not one of error, warn, info, debug/],
    ['log: {hooks: [{type: mail, levels: [panic]}]}', {}, /hawser sends no mail/],
    ['log: {reportcaller: true}', {}, /reportcaller: cannot be honoured/],
    ['proxy: {remoteurl: "ftp://x"}', {}, /not the URL of a registry/],
    ['proxy: {remoteurl: "https://x/y"}', {}, /not the URL of a registry/],
    ['proxy: {remoteurl: "https://x", exec: {command: c}}', {}, /exec: cannot be honoured/],
    ['redis: {addr: "localhost:6379"}', {}, /redis: cannot be honoured/],
    ['storage: {filesystem: {}, cache: {blobdescriptor: redis}}', {}, /not one of inmemory/],
    ['auth: {silly: {realm: r, service: s}}', {}, /silly: cannot be honoured/],
    ['auth: {htpasswd: {realm: r, path: p}, token: {}}', {}, /there are two ways, htpasswd and token/],
    ['auth: {htpasswd: {realm: r}}', {}, /auth\.htpasswd\.path: must be set/],
    ['auth: {token: {realm: r, service: s, issuer: i}}', {}, /rootcertbundle or jwks must be set/],
    [
      'auth: {token: {realm: r, service: s, issuer: i, jwks: j, signingalgorithms: [none]}}',
      {},
      /no signing algorithm "none"/,
    ],
    [
      'auth: {token: {realm: r, service: s, issuer: i, jwks: j, signingalgorithms: [HS256]}}',
      {},
      /no signing algorithm "HS256"/,
    ],
    ['middleware: {storage: [{name: cloudfront, options: {}}]}', {}, /hawser has no middleware/],
    ['compatibility: {schema1: {enabled: true}}', {}, /schema 1 is from before 2017/],
    ['reporting: {newrelic: {licensekey: x}}', {}, /reporting: cannot be honoured/],
    ['validation: {manifests: {urls: {allow: ["("]}}}', {}, /is no regular expression/],
    ['notifications: {endpoints: [{name: ../x, url: "http://x"}]}', {}, /has other characters/],
    ['notifications: {endpoints: [{name: a, url: "ftp://x"}]}', {}, /not a URL/],
    [
      'notifications: {endpoints: [{name: a, url: "http://x"}, {name: a, url: "http://y"}]}',
      {},
      /two endpoints named/,
    ],
    ['storage: {filesystem: {maxthreads: 3}}', {}, /not a number of 25 or more/],
    ['storage: {filesystem: {}, maintenance: {uploadpurging: {age: tomorrow}}}', {}, /not a duration/],
    ['version: 7', {}, /which is not known/],
    ['a: &x 1\nb: *x', {}, /aliases|there is no such key/],
    ['http: [1]', {}, /is not a section of keys/],
    ['http: {addr: {a: b}}', {}, /is a map, not a word/],
    ['\t- x', {}, /./],
  ];
  for (const [text, env, message] of refused) {
    it(`refuses ${text || Object.entries(env).join()}`, () => {
      const error = errorOf(() => optionsOf(whole(text), env));
      expect(error.code).to.equal('REGISTRY_CONFIG_INVALID');
      expect(error.message).to.match(message);
    });
  }

  it('says the line of what it refuses, and what was meant', () => {
    const error = errorOf(() => load(`${base}http:\n  addr: :5000\n  debug:\n    adr: :5001\n`));
    expect(error.location).to.include({ file: 'built-in configuration', line: 6, column: 10 });
    expect(error.location?.excerpt).to.deep.equal(['    adr: :5001']);
    expect(error.remedy).to.equal('Did you mean addr?');
  });

  it('passes over variables that name no section, and says so', () => {
    const env = { REGISTRY_PORT: 'tcp://10.0.0.1:5000', REGISTRY_SERVICE_HOST: '10.0.0.1', OTHER: 'x' };
    const { notes } = load(base, env);
    expect(notes).to.deep.equal([
      'REGISTRY_PORT: no section of the configuration has that name; it is not used',
      'REGISTRY_SERVICE_HOST: no section of the configuration has that name; it is not used',
    ]);
  });

  it('lays variables over each other in the order of their names', () => {
    const env = {
      REGISTRY_HTTP: '{addr: ":1", relativeurls: true}',
      REGISTRY_HTTP_ADDR: ':2',
      REGISTRY_CONFIGURATION_PATH: '/x',
    };
    expect(optionsOf(base, env)).to.include({ port: 2, relativeURLs: true });
  });

  for (const [path, sample] of everyKey) {
    it(`knows ${path}`, () => {
      const words = path.split('.');
      const text = words.reduceRight(
        (inner, word) => (word === '0' ? `[${inner}]` : `{${word}: ${inner}}`),
        sample,
      );
      try {
        load(whole(text.slice(1, -1)));
      } catch (error) {
        // Refused with a reason, or since its neighbours are missing; never as unknown.
        if (!(error instanceof HawserError)) throw error;
        expect(error.code).to.equal('REGISTRY_CONFIG_INVALID');
        expect(error.message).not.to.contain('there is no such');
      }
    });
  }

  it('ends with an error of its own for whatever it reads', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .constantFrom(...everyKey.map(([path]) => path))
        .map(path => `${path.split('.').join(': {')}: ${'}'.repeat(3)}`),
      fc
        .tuple(fc.constantFrom('http', 'storage', 'auth', 'log', 'health'), fc.json())
        .map(([key, json]) => `${key}: ${json}`),
    );
    fc.assert(
      fc.property(anything, anything, (text, value) => {
        try {
          optionsOf(base + text, { REGISTRY_HTTP: value, [`REGISTRY_${text.slice(0, 40)}`]: value });
        } catch (error) {
          if (!(error instanceof HawserError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
