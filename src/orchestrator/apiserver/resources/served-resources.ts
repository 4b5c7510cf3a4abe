import type { ResourceDefinition } from '../resource-definition.ts';
import { events } from './events.ts';
import { namespaces } from './namespaces.ts';
import { nodes } from './nodes.ts';
import { pods } from './pods.ts';

/** Every kind that the API serves. */
export const servedResources: readonly ResourceDefinition[] = [events, namespaces, nodes, pods];
