import { decodeObject } from '../../../api/decode.ts';
import { schemas } from '../../../api/schema/schemas.ts';
import { badRequest, invalid, type StatusCause } from '../../../api/status.ts';
import { notSupported } from '../../../api/validation/field-error.ts';
import type { DeleteOptions } from '../registry/delete-object.ts';
import { parseBody } from './decode-body.ts';
import { integerQuery, isDryRun, type ResourceRequest } from './resource-request.ts';

/** meta/v1 DeleteOptions */
interface DeleteBody {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: DeleteOptions['preconditions'];
  readonly propagationPolicy?: string;
  readonly dryRun?: readonly string[];
}

const schema = schemas['io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'] ?? {};
const policies = ['Background', 'Foreground', 'Orphan'];

/** Nothing that is served owns anything yet, so that all policies come to the same. */
function validate({ propagationPolicy, dryRun = [] }: DeleteBody): readonly StatusCause[] {
  const causes: StatusCause[] = [];
  if (propagationPolicy !== undefined && !policies.includes(propagationPolicy))
    causes.push(notSupported('propagationPolicy', propagationPolicy, policies));
  if (dryRun.some(value => value !== 'All')) causes.push(notSupported('dryRun', dryRun, ['All']));
  return causes;
}

/** DeleteOptions come in the body or in the query. @throws StatusError 400, 413, 415, 422 */
export async function deleteOptionsOf({ request }: ResourceRequest): Promise<DeleteOptions> {
  const bytes = await request.body();
  const given = bytes.length === 0 ? {} : (await parseBody(request)).value;
  const { value, problems } = decodeObject(schema, given, 'DeleteOptions');
  const wrong = problems.find(({ kind }) => kind === 'type');
  if (wrong !== undefined) throw badRequest(wrong.message);
  const body = (value ?? {}) as DeleteBody;
  const causes = validate(body);
  if (causes.length > 0) throw invalid('DeleteOptions.meta.k8s.io', '', causes);
  return {
    gracePeriodSeconds: body.gracePeriodSeconds ?? integerQuery(request, 'gracePeriodSeconds'),
    preconditions: body.preconditions,
    dryRun: (body.dryRun ?? []).length > 0 || isDryRun(request),
  };
}
