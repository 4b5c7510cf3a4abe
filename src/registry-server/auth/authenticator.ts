import type { Challenge } from '../../distribution/challenge.ts';
import type { RegistryRequest } from '../registry-message.ts';

export type Action = 'pull' | 'push' | 'delete' | '*';

/** What a request needs; distribution's token specification, "Resource Scope". */
export interface Access {
  readonly type: 'repository' | 'registry';
  readonly name: string;
  readonly actions: readonly Action[];
}

/** What a client may do. */
export interface Grant {
  /** Undefined for nobody in particular. */
  readonly user: string | undefined;
  allows(access: Access): boolean;
  /** Whether everything is allowed: only then may content be taken from a repository that the client cannot name. */
  readonly isUnlimited: boolean;
  /** The class of a repository that the grant names, e.g. `image`; undefined where it speaks of no classes. */
  classesOf(repository: string): readonly string[] | undefined;
}

export interface Refusal {
  /** How the client can do better. */
  readonly challenge: Challenge;
  readonly message: string;
}

export interface Authenticator {
  /** Finds out who asks; the grant allows `access`, all of it. */
  authenticate(request: RegistryRequest, access: readonly Access[]): Promise<Grant | Refusal>;
}

export function isRefusal(outcome: Grant | Refusal): outcome is Refusal {
  return 'challenge' in outcome;
}

/** The grant of who may do everything. */
export function unlimitedGrant(user?: string): Grant {
  return { user, isUnlimited: true, allows: () => true, classesOf: () => undefined };
}
