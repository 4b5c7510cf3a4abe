import { randomUUID } from 'node:crypto';
import type { Digest } from '../../image/digest.ts';
import type { RegistryRequest } from '../registry-message.ts';

export type EventAction = 'push' | 'pull' | 'mount' | 'delete';

export interface EventTarget {
  readonly repository: string;
  readonly mediaType?: string;
  readonly digest?: Digest;
  /** Bytes. */
  readonly size?: number;
  readonly tag?: string;
  readonly fromRepository?: string;
  /** Where the content can be had. */
  readonly url?: string;
  /** Descriptors that a manifest names, where the registry tells them. */
  readonly references?: readonly object[];
}

/** An event in registry:2's format: notifications/event.go, `application/vnd.docker.distribution.events.v2+json`. */
export interface RegistryEvent {
  readonly id: string;
  readonly timestamp: string;
  readonly action: EventAction;
  readonly target: EventTarget & { readonly length?: number };
  readonly request: {
    readonly id: string;
    readonly addr: string;
    readonly host: string;
    readonly method: string;
    readonly useragent: string;
  };
  readonly actor: { readonly name?: string };
  readonly source: { readonly addr: string; readonly instanceID: string };
}

export interface EventSource {
  /** Host and port of this registry. */
  readonly addr: string;
  /** A UUID of this process. */
  readonly instanceID: string;
}

export interface EventCause {
  readonly request: RegistryRequest;
  readonly user: string | undefined;
  readonly source: EventSource;
}

export function makeEvent(action: EventAction, target: EventTarget, cause: EventCause): RegistryEvent {
  const { request, user, source } = cause;
  return {
    id: randomUUID(),
    timestamp: new Date().toISOString(),
    action,
    target: { ...target, ...(target.size === undefined ? {} : { length: target.size }) },
    request: {
      id: request.id,
      addr: request.remote,
      host: request.origin?.replace(/^https?:\/\//, '') ?? '',
      method: request.method,
      useragent: request.header('user-agent') ?? '',
    },
    actor: user === undefined ? {} : { name: user },
    source,
  };
}
