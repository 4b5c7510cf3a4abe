import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import {
  familiarReference,
  formatReference,
  parseReference,
  withDefaultTag,
} from '../../src/image/reference.ts';

const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const digest = `sha256:${hex}`;

/** Text, its full form with the default tag, and its short form. */
const rows: readonly (readonly [string, string, string])[] = [
  ['nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['nginx:1.22', 'docker.io/library/nginx:1.22', 'nginx:1.22'],
  ['library/nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['docker.io/nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['index.docker.io/library/nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['user/app', 'docker.io/user/app:latest', 'user/app:latest'],
  ['docker.io/a/b/c', 'docker.io/a/b/c:latest', 'a/b/c:latest'],
  ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
  ['localhost:5000/a/b', 'localhost:5000/a/b:latest', 'localhost:5000/a/b:latest'],
  [
    `localhost:5000/a/b:tag@${digest}`,
    `localhost:5000/a/b:tag@${digest}`,
    `localhost:5000/a/b:tag@${digest}`,
  ],
  ['127.0.0.1:5000/nginx:1.22', '127.0.0.1:5000/nginx:1.22', '127.0.0.1:5000/nginx:1.22'],
  ['[::1]:5000/app', '[::1]:5000/app:latest', '[::1]:5000/app:latest'],
  [`nginx@${digest}`, `docker.io/library/nginx@${digest}`, `nginx@${digest}`],
  ['gcr.io/p/a__b.c-d---e', 'gcr.io/p/a__b.c-d---e:latest', 'gcr.io/p/a__b.c-d---e:latest'],
  ['Host/app', 'Host/app:latest', 'Host/app:latest'],
  ['app:a_B.c-1', 'docker.io/library/app:a_B.c-1', 'app:a_B.c-1'],
  [`${hex}:x`, `docker.io/library/${hex}:x`, `${hex}:x`],
];

const wrong: readonly (readonly [string, RegExp])[] = [
  ['', /empty/],
  [hex, /an id, not a name/],
  ['Nginx', /lower case/],
  ['user/Repo', /lower case/],
  ['a//b', /not a repository name/],
  ['a/../b', /not a repository name/],
  ['a/.b', /not a repository name/],
  ['-a', /not a repository name/],
  ['a:', /not a tag/],
  ['a:.b', /not a tag/],
  [`a:${'x'.repeat(129)}`, /not a tag/],
  ['a@sha256:abc', /not a digest/],
  [`a@md5:${hex}`, /not a digest/],
  ['a@', /not a digest/],
  [`${'a'.repeat(250)}`, /longer than 255/],
  ['ho_st.com/a', /not a host/],
  ['host:port/a', /not a host/],
  ['a b', /not a repository name/],
  ['a%2fb', /not a repository name/],
  ['a\u0000b', /not a repository name/],
];

describe('parseReference', () => {
  for (const [text, full, familiar] of rows) {
    it(text, () => {
      const reference = withDefaultTag(parseReference(text));
      expect(formatReference(reference)).to.equal(full);
      expect(familiarReference(reference)).to.equal(familiar);
      expect(parseReference(formatReference(reference))).to.deep.equal(reference);
    });
  }
  for (const [text, message] of wrong) {
    it(`refuses ${JSON.stringify(text.slice(0, 60))}`, () => {
      let thrown: unknown;
      try {
        parseReference(text);
      } catch (error) {
        thrown = error;
      }
      expect(isHawserError(thrown, 'REFERENCE_INVALID')).to.equal(true);
      expect(String(thrown)).to.match(message);
    });
  }
});
