import type { ObjectStore } from '../store/object-store.ts';
import type { ResourceDefinition } from './resource-definition.ts';

/** What the API's functions work on. */
export interface ApiContext {
  readonly store: ObjectStore;
  readonly resources: readonly ResourceDefinition[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
