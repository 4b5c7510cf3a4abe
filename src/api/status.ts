/** meta/v1 Status, the body of an error; texts as apimachinery pkg/api/errors writes them. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code?: number;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  /** Path of the field, e.g. `spec.containers[0].image`. */
  readonly field: string;
}

/** A failure that the API answers with. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly status: Status & { readonly code: number };

  constructor(
    code: number,
    reason: string,
    options: { readonly message: string; readonly details?: StatusDetails },
  ) {
    super(options.message);
    const { message, details } = options;
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      details,
      code,
    };
  }
}

/** Which objects an error is about: `pods`, with the group where it has one. */
export interface ResourceName {
  readonly resource: string;
  readonly group: string;
}

function titleOf({ resource, group }: ResourceName): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function detailsOf(resource: ResourceName, name: string): StatusDetails {
  const group = resource.group === '' ? {} : { group: resource.group };
  return { name, ...group, kind: resource.resource };
}

export function notFound(resource: ResourceName, name: string): StatusError {
  const message = `${titleOf(resource)} "${name}" not found`;
  return new StatusError(404, 'NotFound', { message, details: detailsOf(resource, name) });
}

export function alreadyExists(resource: ResourceName, name: string): StatusError {
  const message = `${titleOf(resource)} "${name}" already exists`;
  return new StatusError(409, 'AlreadyExists', { message, details: detailsOf(resource, name) });
}

export function conflict(resource: ResourceName, name: string, why?: string): StatusError {
  const reason =
    why ?? 'the object has been modified; please apply your changes to the latest version and try again';
  const message = `Operation cannot be fulfilled on ${titleOf(resource)} "${name}": ${reason}`;
  return new StatusError(409, 'Conflict', { message, details: detailsOf(resource, name) });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', { message });
}

export function forbidden(resource: ResourceName, name: string, why: string): StatusError {
  const message = `${titleOf(resource)} "${name}" is forbidden: ${why}`;
  return new StatusError(403, 'Forbidden', { message, details: detailsOf(resource, name) });
}

export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', { message });
}

/** One cause for each wrong field; kubectl prints `The Pod "x" is invalid: …`. */
export function invalid(kind: string, name: string, causes: readonly StatusCause[]): StatusError {
  const texts = causes.map(({ field, message }) => `${field}: ${message}`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const message = `${kind} "${name}" is invalid: ${list}`;
  return new StatusError(422, 'Invalid', { message, details: { name, kind, causes } });
}
