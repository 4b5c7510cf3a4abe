import { isIP } from 'node:net';
import { wrongSubdomain } from '../names.ts';
import type { PodSpec } from '../pod.ts';
import type { StatusCause } from '../status.ts';
import { invalidValue, notSupported, required } from './field-error.ts';
import { checkName } from './validate-metadata.ts';

const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

const NAMESERVERS = 3;
const SEARCHES = 32;
const SEARCH_CHARACTERS = 2048;

function validateConfig(config: NonNullable<PodSpec['dnsConfig']>): readonly StatusCause[] {
  const { nameservers = [], searches = [], options = [] } = config;
  const field = 'spec.dnsConfig';
  const causes: StatusCause[] = [];
  if (nameservers.length > NAMESERVERS) {
    const text = `must not have more than ${NAMESERVERS} nameservers`;
    causes.push(invalidValue(`${field}.nameservers`, nameservers, text));
  }
  for (const [index, server] of nameservers.entries()) {
    const text = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
    if (isIP(server) === 0) causes.push(invalidValue(`${field}.nameservers[${index}]`, server, text));
  }
  if (searches.length > SEARCHES) {
    const text = `must not have more than ${SEARCHES} search paths`;
    causes.push(invalidValue(`${field}.searches`, searches, text));
  }
  if (searches.join(' ').length > SEARCH_CHARACTERS) {
    const text = `must not have more than ${SEARCH_CHARACTERS} characters (including spaces) in the search list`;
    causes.push(invalidValue(`${field}.searches`, searches, text));
  }
  for (const [index, search] of searches.entries())
    causes.push(...checkName(`${field}.searches[${index}]`, search.replace(/\.$/, ''), wrongSubdomain));
  for (const [index, { name = '' }] of options.entries())
    if (name === '') causes.push(required(`${field}.options[${index}]`, 'must not be empty'));
  return causes;
}

export function validateDNS({ dnsPolicy = 'ClusterFirst', dnsConfig }: PodSpec): readonly StatusCause[] {
  const causes = dnsPolicies.includes(dnsPolicy)
    ? []
    : [notSupported('spec.dnsPolicy', dnsPolicy, dnsPolicies)];
  if (dnsPolicy === 'None' && dnsConfig === undefined)
    return [...causes, required('spec.dnsConfig', 'must provide `dnsConfig` when `dnsPolicy` is None')];
  if (dnsPolicy === 'None' && (dnsConfig?.nameservers ?? []).length === 0) {
    const text = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
    return [...causes, required('spec.dnsConfig.nameservers', text)];
  }
  return dnsConfig === undefined ? causes : [...causes, ...validateConfig(dnsConfig)];
}
