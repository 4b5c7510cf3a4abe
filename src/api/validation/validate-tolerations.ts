import { wrongLabelValue, wrongQualifiedName } from '../names.ts';
import type { Toleration } from '../pod.ts';
import type { StatusCause } from '../status.ts';
import { invalidValue, notSupported } from './field-error.ts';
import { checkName } from './validate-metadata.ts';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function validateOperator(toleration: Toleration, field: string): readonly StatusCause[] {
  const { operator = '', value = '' } = toleration;
  switch (operator) {
    case '':
    case 'Equal':
      return checkName(field, value, wrongLabelValue);
    case 'Exists': {
      const text = "value must be empty when `operator` is 'Exists'";
      return value === '' ? [] : [invalidValue(field, toleration, text)];
    }
    default:
      return [notSupported(field, operator, ['Equal', 'Exists'])];
  }
}

export function validateTolerations(tolerations: readonly Toleration[] = []): readonly StatusCause[] {
  return tolerations.flatMap((toleration, index) => {
    const { key = '', operator = '', effect = '', tolerationSeconds } = toleration;
    const field = `spec.tolerations[${index}]`;
    const causes = key === '' ? [] : [...checkName(`${field}.key`, key, wrongQualifiedName)];
    if (key === '' && operator !== 'Exists') {
      const text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      causes.push(invalidValue(`${field}.operator`, operator, text));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      const text = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      causes.push(invalidValue(`${field}.effect`, effect, text));
    }
    causes.push(...validateOperator(toleration, `${field}.operator`));
    if (effect !== '' && !effects.includes(effect))
      causes.push(notSupported(`${field}.effect`, effect, effects));
    return causes;
  });
}
