import type { TokenOptions } from './auth/token-authenticator.ts';
import type { NotificationEndpoint } from './config/notifications-schema.ts';
import type { StorageSettings } from './config/storage-schema.ts';
import type { GarbageSettings } from './gc/online-collector.ts';
import type { HealthSettings } from './health/health-monitor.ts';
import type { HTTPLimits } from './http/listen.ts';
import type { TLSSettings } from './http/tls-files.ts';
import type { Logger } from './log/logger.ts';
import type { Upstream } from './proxy/upstream.ts';
import type { PushRules } from './registry-context.ts';
import type { UploadLimits } from './storage/uploads.ts';

export type AuthSettings =
  | { readonly kind: 'htpasswd'; readonly realm: string; readonly path: string }
  | ({ readonly kind: 'token' } & TokenOptions);

export interface PurgeSettings {
  /** Milliseconds: of what age an upload is given up, and how often they are looked through. */
  readonly age: number;
  readonly interval: number;
  /** Tells what would be removed, and removes nothing. */
  readonly dryRun: boolean;
}

export interface ProxyOptions {
  readonly upstream: Upstream;
  /** Milliseconds after which content is asked for again; 0 for never. */
  readonly ttl: number;
  /** Milliseconds for which a blob goes on coming when nobody waits for it any more. */
  readonly patience: number;
}

export interface DebugSettings {
  /** `[HOST]:PORT` */
  readonly host: string | undefined;
  readonly port: number;
  /** Where metrics are; undefined for none. */
  readonly metricsPath: string | undefined;
}

/** How a registry serves; what is left out is hawser's own choice, and not always registry:2's. */
export interface RegistryOptions {
  readonly storage: StorageSettings;
  /** All addresses where left out. */
  readonly host?: string | undefined;
  /** 0 takes a free one. */
  readonly port: number;
  /** A Unix socket instead of a port. */
  readonly socket?: string | undefined;
  readonly tls?: TLSSettings | undefined;
  /** Whether HTTP/2 is spoken where there is TLS; default true. */
  readonly http2?: boolean;
  readonly limits?: Partial<HTTPLimits>;
  readonly uploads?: Partial<UploadLimits>;
  /** Takes what the registry has to tell; nothing where it is left out. */
  readonly logger?: Logger | undefined;
  /** Whether the log has a line for each request; default false. */
  readonly accessLog?: boolean;
  /** Closes the registry when it fires. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that `close` waits for running requests; default 10,000. */
  readonly drainTimeout?: number | undefined;

  /** Whether clients may delete; default true. */
  readonly deleteEnabled?: boolean;
  /** Whether nothing may be changed; default false. */
  readonly readOnly?: boolean;
  /** Whether clients are sent to the medium for blobs, where it can serve them itself; default true. */
  readonly redirects?: boolean;
  /** Whether Location headers leave out scheme and host; default false, as registry:2. */
  readonly relativeURLs?: boolean;
  /** The URL under which clients reach the registry; what they say themselves where left out. */
  readonly externalURL?: string | undefined;
  /** In front of every path, without a slash at its end. */
  readonly prefix?: string;
  /** Headers of every answer. */
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  readonly push?: Partial<PushRules>;
  readonly catalogLimit?: number;
  readonly tagLimit?: number | undefined;

  /** Everybody may do everything where it is left out. */
  readonly auth?: AuthSettings | undefined;
  readonly health?: HealthSettings | undefined;
  readonly debug?: DebugSettings | undefined;
  readonly notifications?: {
    readonly endpoints: readonly NotificationEndpoint[];
    readonly includeReferences: boolean;
  };
  /** Makes the registry a cache of another one. */
  readonly proxy?: ProxyOptions | undefined;
  /** No garbage is collected where it is left out. */
  readonly garbage?: Partial<GarbageSettings> | undefined;
  /** Uploads are never given up where it is left out. */
  readonly purge?: PurgeSettings | undefined;
}
