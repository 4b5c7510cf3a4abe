import { defaultGarbageSettings } from '../gc/online-collector.ts';
import { authSection } from './auth-schema.ts';
import { configError } from './config-node.ts';
import { httpSection } from './http-schema.ts';
import { notificationsSection } from './notifications-schema.ts';
import { proxySection } from './proxy-schema.ts';
import {
  boolean,
  duration,
  integer,
  list,
  mapOf,
  oneOf,
  type Reader,
  refine,
  refused,
  requiredText,
  section,
  text,
} from './readers.ts';
import { redisSection, storageSection } from './storage-schema.ts';

const levels = ['error', 'warn', 'info', 'debug'] as const;

const hooks = refine(
  list(
    section({
      type: requiredText,
      disabled: boolean(false),
      levels: list(requiredText),
      options: node => node,
    }),
  ),
  (value, node) => {
    if (value.every(({ disabled }) => disabled)) return undefined;
    throw configError(
      node,
      'cannot be honoured: hawser sends no mail',
      'Let what collects the log tell of errors.',
    );
  },
);

const log = section({
  level: oneOf(levels, undefined),
  formatter: oneOf(['text', 'json', 'logstash'], 'text'),
  fields: mapOf(text('')),
  hooks,
  accesslog: section({ disabled: boolean(false) }),
  reportcaller: refused('lines do not tell where in the source they come from'),
});

const middleware = refine(
  mapOf(
    list(
      section({
        name: requiredText,
        disabled: boolean(false),
        options: node => node,
      }),
    ),
  ),
  (kinds, node) => {
    const active = Object.values(kinds)
      .flat()
      .find(({ disabled }) => !disabled);
    if (active === undefined) return undefined;
    throw configError(
      node,
      `${active.name} cannot be honoured: hawser has no middleware`,
      'Remove or disable it.',
    );
  },
);

/** A regular expression of Go, as far as JavaScript has the same. */
const pattern = refine(requiredText, (source, node) => {
  try {
    return new RegExp(source, 'u');
  } catch (error) {
    throw configError(node, `${JSON.stringify(source)} is no regular expression: ${String(error)}`);
  }
});

const validation = section({
  enabled: boolean(undefined),
  disabled: boolean(undefined),
  manifests: section({
    urls: section({ allow: list(pattern), deny: list(pattern) }),
    indexes: section({
      platforms: oneOf(['all', 'none', 'list'], undefined),
      platformlist: list(section({ os: requiredText, architecture: requiredText })),
    }),
  }),
});

const statusCheck = { interval: duration(10_000), threshold: integer(3) };
const health = section({
  storagedriver: section({ enabled: boolean(false), ...statusCheck }),
  file: list(section({ file: requiredText, interval: duration(10_000) })),
  http: list(
    section({
      uri: requiredText,
      headers: mapOf(list(text(''))),
      statuscode: integer(200, { max: 999 }),
      timeout: duration(5000),
      ...statusCheck,
    }),
  ),
  tcp: list(section({ addr: requiredText, timeout: duration(5000), ...statusCheck })),
});

const version: Reader<string> = node => {
  const found = text('0.1')(node, { note: () => undefined });
  if (/^0\.[01]$/.test(found)) return found;
  throw configError(node, `is ${JSON.stringify(found)}, which is not known`, 'Use 0.1.');
};

const schema1 = section({
  enabled: refused("Docker's schema 1 is from before 2017", 'Push old images again with a current tool.'),
  signingkeyfile: refused('no manifest of schema 1 is made, so none is signed'),
});

/** Keys of hawser's own; registry:2 passes over the section. */
const hawser = section({
  sparseimages: boolean(true),
  maxuploads: integer(10_000, { min: 1 }),
  gc: section({
    enabled: boolean(true),
    interval: duration(defaultGarbageSettings.interval),
    grace: duration(defaultGarbageSettings.grace),
    delay: duration(defaultGarbageSettings.delay),
    untagged: boolean(defaultGarbageSettings.untagged),
  }),
});

/** Every section of config.yml: configuration/configuration.go of distribution 2.8 and 3.1. */
export const sections = {
  version,
  log,
  loglevel: oneOf(levels, undefined),
  storage: storageSection,
  auth: authSection,
  middleware,
  http: httpSection,
  notifications: notificationsSection,
  redis: redisSection,
  health,
  proxy: proxySection,
  validation,
  catalog: section({ maxentries: integer(1000, { min: 1 }) }),
  tags: section({ maxtags: integer(undefined, { min: 1 }) }),
  policy: section({ repository: section({ classes: list(requiredText) }) }),
  reporting: refused('hawser reports to no service'),
  compatibility: section({ schema1 }),
  hawser,
};

export const readConfig = section(sections);

/** A configuration whose every key was understood. */
export type RegistryConfig = ReturnType<typeof readConfig>;
