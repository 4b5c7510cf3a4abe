import type { AttestRequest } from '../builder/attest/predicates.ts';
import type { ProvenanceRequest } from '../builder/attest/provenance.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { FlagFields } from './flag-fields.ts';

const remedy = 'Use type=provenance[,mode=min|max] or type=sbom.';

/**
 * `--attest type=provenance|sbom[,…]`, and the short forms `--provenance[=true|false|mode=…]` and `--sbom[=true|false]`,
 * which come after and win.
 *
 * @throws HawserError INVALID_ARGUMENT, UNSUPPORTED for what another program would have to find out
 */
export function parseAttest(flags: {
  readonly attest: readonly string[] | undefined;
  readonly provenance: string | undefined;
  readonly sbom: string | undefined;
}): AttestRequest {
  let request: AttestRequest = {};
  for (const text of flags.attest ?? []) {
    const fields = new FlagFields({ name: '--attest', text, remedy, bare: 'type' });
    const type = fields.take('type');
    if (type === 'provenance') request = { ...request, ...provenanceOf(fields) };
    else if (type === 'sbom') request = { ...request, ...sbomOf(fields) };
    else fields.fail(`unknown type ${JSON.stringify(type ?? '')}`);
    fields.end();
  }
  for (const [name, text, read] of [
    ['--provenance', flags.provenance, provenanceOf],
    ['--sbom', flags.sbom, sbomOf],
  ] as const) {
    if (text === undefined) continue;
    const fields = new FlagFields({
      name,
      text: /^(?:true|false|1|0)$/.test(text) ? `enabled=${text}` : text,
      remedy,
    });
    request = { ...request, ...read(fields) };
    fields.end();
  }
  return request;
}

function isOff(fields: FlagFields): boolean {
  return fields.takeFlag('disabled') || fields.takeChoice('enabled') === false;
}

function provenanceOf(fields: FlagFields): AttestRequest {
  const mode = fields.takeOne('mode', ['min', 'max'], 'min');
  const builderID = fields.take('builder-id');
  const reproducible = fields.takeFlag('reproducible');
  fields.takeOne('version', ['v1'], 'v1');
  if (isOff(fields)) return { provenance: undefined };
  const provenance: ProvenanceRequest = {
    mode,
    reproducible,
    ...(builderID === undefined ? {} : { builderID }),
  };
  return { provenance };
}

function sbomOf(fields: FlagFields): AttestRequest {
  const generator = fields.take('generator');
  if (generator !== undefined) {
    throw new HawserError('UNSUPPORTED', `--sbom generator=${generator}: hawser runs no other generator`, {
      remedy: 'Leave the generator out: hawser reads the databases of dpkg, apk, rpm and npm itself.',
    });
  }
  return { sbom: !isOff(fields) };
}
