import { expect } from 'chai';
import { parseRoute } from '../../../src/orchestrator/apiserver/parse-route.ts';
import { servedResources } from '../../../src/orchestrator/apiserver/resources/served-resources.ts';

/** Path, and `resource namespace name subresource` with - for what is not named. */
const rows: readonly (readonly [string, string])[] = [
  ['/api/v1/pods', 'pods - - -'],
  ['/api/v1/pods/', 'pods - - -'],
  ['/api/v1/namespaces', 'namespaces - - -'],
  ['/api/v1/namespaces/a', 'namespaces - a -'],
  ['/api/v1/namespaces/a/status', 'namespaces - a status'],
  // What is not served there could be a subresource; the answer is 404 all the same.
  ['/api/v1/namespaces/a/secrets', 'namespaces - a secrets'],
  ['/api/v1/namespaces/a/pods', 'pods a - -'],
  ['/api/v1/namespaces/a/pods/b', 'pods a b -'],
  ['/api/v1/namespaces/a/pods/b/log', 'pods a b log'],
  ['/api/v1/namespaces/pods/pods/pods', 'pods pods pods -'],
  ['/api/v1/nodes/n', 'nodes - n -'],
  ['/api/v1/namespaces/a/pods/%C3%A4', 'pods a ä -'],
];

const unknown = [
  '',
  '/',
  '/api',
  '/api/v1',
  '/api/v1/',
  '/api/v2/pods',
  '/apis/v1/pods',
  '/apis/apps/v1/pods',
  '/api/v1/secrets',
  '/api/v1/Pods',
  '/api/v1/pods/a',
  '/api/v1/pods//a',
  '/api/v1/namespaces/a/nodes',
  '/api/v1/namespaces/a/secrets/b',
  '/api/v1/namespaces/a/pods/b/log/c',
  '/api/v1/nodes/n/status/x',
  '/api/v1/namespaces/a%2Fb/pods',
  '/api/v1/namespaces/a/pods/b%2fc',
  '/api/v1/namespaces/a/pods/%',
  `/api/v1/namespaces/a/pods/${'x'.repeat(254)}`,
  '/api/v1/__proto__',
];

describe('API: paths', () => {
  for (const [path, expected] of rows) {
    it(path, () => {
      const {
        definition,
        namespace = '-',
        name = '-',
        subresource = '-',
      } = parseRoute(path, servedResources) ?? {};
      expect(`${definition?.resource} ${namespace} ${name} ${subresource}`).to.equal(expected);
    });
  }
  for (const path of unknown) {
    it(`does not know ${JSON.stringify(path.slice(0, 60))}`, () => {
      expect(parseRoute(path, servedResources)).to.equal(undefined);
    });
  }
});
