import type { Route } from '../distribution/routes.ts';
import type { Access } from './auth/authenticator.ts';

const changes: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/**
 * What a request needs to be allowed, as registry:2 asks for it; but to cancel an upload is a part of pushing, where
 * registry:2 wants `delete`.
 */
export function requiredAccess(route: Route, method: string): readonly Access[] {
  switch (route.kind) {
    case 'base':
      return [];
    case 'catalog':
      return [{ type: 'registry', name: 'catalog', actions: ['*'] }];
    default: {
      const isPush = changes.has(method) || (route.kind === 'upload' && method === 'DELETE');
      const actions = isPush
        ? (['pull', 'push'] as const)
        : method === 'DELETE'
          ? (['delete'] as const)
          : (['pull'] as const);
      return [{ type: 'repository', name: route.name, actions }];
    }
  }
}
