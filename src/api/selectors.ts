import { parseLabelRequirements, type Requirement } from './label-requirements.ts';
import { badRequest } from './status.ts';

/** Whether labels or fields fit. */
export type Selector = (values: Readonly<Record<string, string>>) => boolean;

function fits(
  { key, operator, values: wanted }: Requirement,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'in':
      return value !== undefined && wanted.includes(value);
    case 'notin':
      return value === undefined || !wanted.includes(value);
    default: {
      const number = /^[+-]?\d+$/.test(value ?? '') ? Number(value) : Number.NaN;
      return operator === '>' ? number > Number(wanted[0]) : number < Number(wanted[0]);
    }
  }
}

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`: apimachinery pkg/labels/selector.go. @throws StatusError 400 */
export function parseLabelSelector(text: string): Selector {
  const requirements = parseLabelRequirements(text);
  return labels => requirements.every(requirement => fits(requirement, labels));
}

/** Cuts at commas that no backslash escapes. */
function termsOf(text: string): readonly string[] {
  return (text.match(/(?:\\.|[^\\,]|\\$)+/gs) ?? []).map(term => term.trim()).filter(term => term !== '');
}

function unescape(value: string): string {
  if (/^(?:\\[\\,=]|[^\\,=])*$/s.test(value)) return value.replaceAll(/\\(.)/gs, '$1');
  throw badRequest(
    `invalid field selector: ${JSON.stringify(value)} has an escape or a character that is not allowed`,
  );
}

/**
 * `metadata.name=x,status.phase!=Running`: apimachinery pkg/fields/selector.go.
 *
 * @param known The fields that the resource can be selected by.
 * @throws StatusError 400
 */
export function parseFieldSelector(text: string, known: readonly string[]): Selector {
  const selectors = termsOf(text).map((term): Selector => {
    const [, field = '', operator, escaped = ''] = /^(.*?)(!=|==|=)(.*)$/s.exec(term) ?? [];
    if (operator === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    if (!known.includes(field)) throw badRequest(`field label not supported: ${field}`);
    const wanted = unescape(escaped);
    return values => ((values[field] ?? '') === wanted) === (operator !== '!=');
  });
  return values => selectors.every(selects => selects(values));
}
