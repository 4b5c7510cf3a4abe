import type { AuthSettings, DebugSettings, RegistryOptions } from '../registry-options.ts';
import { parseAddress } from './parse-address.ts';
import type { RegistryConfig } from './schema.ts';

function authOf({ auth }: RegistryConfig): AuthSettings | undefined {
  if (auth.htpasswd !== undefined) return { kind: 'htpasswd', ...auth.htpasswd };
  if (auth.token !== undefined) return { kind: 'token', ...auth.token };
  return undefined;
}

function debugOf({ http: { debug } }: RegistryConfig): DebugSettings | undefined {
  if (debug.addr === '') return undefined;
  const { enabled, path } = debug.prometheus;
  return { ...parseAddress(debug.addr, 'http.debug.addr'), metricsPath: enabled ? path : undefined };
}

/** The rules for pushes; those of `validation` hold where the section asks for them. */
function pushOf({ validation, policy, hawser }: RegistryConfig): NonNullable<RegistryOptions['push']> {
  const { urls, indexes } = validation.manifests;
  const isAsked = validation.enabled === true || urls.allow.length > 0 || urls.deny.length > 0;
  const isOff = validation.disabled === true && validation.enabled !== true;
  const { platforms = 'none', platformlist } = indexes;
  const children = platforms === 'list' ? platformlist : platforms;
  return {
    sparseImages: hawser.sparseimages,
    urls: isAsked && !isOff ? urls : undefined,
    children: isOff ? 'none' : children,
    classes: policy.repository.classes,
  };
}

/**
 * How a registry with this configuration serves; the caller makes the upstream of `proxy`.
 *
 * @throws HawserError REGISTRY_CONFIG_INVALID
 */
export function optionsOfConfig(config: RegistryConfig): Omit<RegistryOptions, 'logger' | 'proxy'> {
  const { http, storage, health, notifications, hawser } = config;
  const { uploadpurging, readonly } = storage.maintenance;
  const address =
    http.net === 'unix'
      ? { host: undefined, port: 0, socket: http.addr }
      : parseAddress(http.addr, 'http.addr');
  return {
    ...address,
    storage: storage.driver,
    redirects: !storage.redirect.disable,
    tls: http.tls,
    http2: !http.http2.disabled,
    uploads: { maxOpen: hawser.maxuploads },
    accessLog: !config.log.accesslog.disabled,
    drainTimeout: http.draintimeout,
    deleteEnabled: storage.delete.enabled,
    readOnly: readonly.enabled,
    relativeURLs: http.relativeurls,
    externalURL: http.host,
    prefix: http.prefix,
    headers: http.headers,
    push: pushOf(config),
    catalogLimit: config.catalog.maxentries,
    tagLimit: config.tags.maxtags,
    auth: authOf(config),
    health,
    debug: debugOf(config),
    notifications: {
      endpoints: notifications.endpoints,
      includeReferences: notifications.events.includereferences,
    },
    garbage: hawser.gc.enabled ? hawser.gc : undefined,
    purge: uploadpurging.enabled ? { ...uploadpurging, dryRun: uploadpurging.dryrun } : undefined,
  };
}
