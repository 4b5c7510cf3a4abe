import { expect } from 'chai';
import { areSchemasCurrent } from '../../../scripts/openapi.ts';

describe('src/api/schema/core-v1.json', () => {
  it('says what the models of @kubernetes/client-node say (npm run schemas mends it)', async () => {
    expect(await areSchemasCurrent()).to.equal(true);
  });
});
