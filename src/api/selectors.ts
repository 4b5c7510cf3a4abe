import { badRequest } from './status.ts';

/** Whether labels or fields fit. */
export type Selector = (values: Readonly<Record<string, string>>) => boolean;

const setPattern = /^(!?)([^\s=!(),]+)(?:\s+(in|notin)\s*\(([^)]*)\)|\s*(==|=|!=)\s*([^\s=!(),]*))?$/;

/** Cuts at commas that are not in brackets. */
function requirementsOf(text: string): string[] {
  return text.match(/(?:[^,(]|\([^)]*\))+/g) ?? [];
}

function requirement(text: string): Selector {
  const match = setPattern.exec(text.trim());
  if (match === null) throw badRequest(`unable to parse requirement: ${JSON.stringify(text)}`);
  const [, not, key = '', operator, list = '', comparison, value = ''] = match;
  if (operator !== undefined) {
    const wanted = new Set(list.split(',').map(item => item.trim()));
    return operator === 'in'
      ? values => Object.hasOwn(values, key) && wanted.has(values[key] ?? '')
      : values => !Object.hasOwn(values, key) || !wanted.has(values[key] ?? '');
  }
  if (comparison === '!=') return values => values[key] !== value;
  if (comparison !== undefined) return values => values[key] === value;
  return not === '!' ? values => !Object.hasOwn(values, key) : values => Object.hasOwn(values, key);
}

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k`: apimachinery pkg/labels/selector.go. @throws StatusError 400 */
export function parseLabelSelector(text: string): Selector {
  const selectors = requirementsOf(text).map(requirement);
  return values => selectors.every(fits => fits(values));
}

/**
 * `metadata.name=x,status.phase!=Running`: apimachinery pkg/fields/selector.go.
 *
 * @param known The fields that the resource can be selected by.
 * @throws StatusError 400
 */
export function parseFieldSelector(text: string, known: readonly string[]): Selector {
  const selectors = requirementsOf(text).map((part): Selector => {
    const match = /^([^=!]+?)(==|=|!=)(.*)$/.exec(part.trim());
    const field = match?.[1] ?? part;
    if (match === null) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`);
    if (!known.includes(field)) throw badRequest(`field label not supported: ${field}`);
    const value = (match[3] ?? '').replaceAll(/\\(.)/g, '$1');
    return match[2] === '!='
      ? values => (values[field] ?? '') !== value
      : values => (values[field] ?? '') === value;
  });
  return values => selectors.every(fits => fits(values));
}
