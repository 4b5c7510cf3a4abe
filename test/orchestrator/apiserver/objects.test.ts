import { expect } from 'chai';
import {
  namesOf,
  type OpenedApi,
  openApi,
  podNamed,
  podOf,
  podsPath,
  statusOf,
} from '../support/open-api.ts';

describe('API: objects', () => {
  let api: OpenedApi;
  beforeEach(async () => {
    api = await openApi();
  });
  afterEach(() => api.close());

  const create = async (name: string, more: object = {}, metadata: object = {}) => {
    const reply = await api.call('POST', podsPath, { body: podNamed(name, more, metadata) });
    expect(reply.status, reply.text).to.equal(201);
    return podOf(reply);
  };

  it('creates with defaults, and gives back what was made', async () => {
    const pod = await create('a', {}, { labels: { app: 'x' }, resourceVersion: '' });
    expect(pod.metadata).to.include({
      name: 'a',
      namespace: 'default',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    });
    expect(pod.metadata.uid).to.match(/^[0-9a-f-]{36}$/);
    expect(pod.spec.restartPolicy).to.equal('Always');
    expect(pod.status).to.deep.equal({ phase: 'Pending', qosClass: 'BestEffort' });
    expect(podOf(await api.call('GET', `${podsPath}/a`))).to.deep.equal(pod);
  });

  it('makes a name from generateName', async () => {
    const base = 'b'.repeat(70);
    for (const [generateName, pattern] of [
      ['a-', /^a-[bcdfghjklmnpqrstvwxz2456789]{5}$/],
      [base, new RegExp(`^${base.slice(0, 58)}[a-z0-9]{5}$`)],
    ] as const) {
      const body = podNamed('', {}, { generateName });
      const { metadata } = podOf(await api.call('POST', podsPath, { body }));
      expect(metadata.name).to.match(pattern);
      expect(metadata.generateName).to.equal(generateName);
    }
  });

  it('refuses what is not fit to be created', async () => {
    const rows: readonly (readonly [string, string, object, number, string | RegExp])[] = [
      ['twice', podsPath, podNamed('a'), 409, 'pods "a" already exists'],
      [
        'no name',
        podsPath,
        podNamed(''),
        422,
        'Pod "" is invalid: metadata.name: Required value: name or generateName is required',
      ],
      [
        'a wrong name',
        podsPath,
        podNamed('A'),
        422,
        /^Pod "A" is invalid: metadata\.name: Invalid value: "A": /,
      ],
      [
        'two wrong fields',
        podsPath,
        podNamed('b', { containers: [{}] }),
        422,
        'Pod "b" is invalid: [spec.containers[0].name: Required value, spec.containers[0].image: Required value]',
      ],
      [
        'a version',
        podsPath,
        podNamed('b', {}, { resourceVersion: '1' }),
        400,
        'resourceVersion should not be set on objects to be created',
      ],
      [
        'another namespace',
        podsPath,
        podNamed('b', {}, { namespace: 'kube-system' }),
        400,
        'the namespace of the provided object does not match the namespace sent on the request',
      ],
      [
        'no such namespace',
        '/api/v1/namespaces/nowhere/pods',
        podNamed('b'),
        404,
        'namespaces "nowhere" not found',
      ],
      [
        'no namespace',
        '/api/v1/pods',
        podNamed('b'),
        400,
        'an empty namespace may not be set during creation',
      ],
      [
        'another kind',
        podsPath,
        { apiVersion: 'v1', kind: 'Node', metadata: { name: 'b' } },
        400,
        'Node in version "v1" cannot be handled as a Pod: Pod in version "v1" is expected',
      ],
      [
        'another version',
        podsPath,
        { ...podNamed('b'), apiVersion: 'v2' },
        400,
        'Pod in version "v2" cannot be handled as a Pod: Pod in version "v1" is expected',
      ],
      [
        'a kind that is no text',
        podsPath,
        { apiVersion: 'v1', kind: { toString: 1, valueOf: 1 } },
        400,
        '{"toString":1,"valueOf":1} in version "v1" cannot be handled as a Pod: Pod in version "v1" is expected',
      ],
      ['a list', podsPath, [], 400, 'body cannot be handled as a Pod: Pod in version "v1" is expected'],
    ];
    await create('a');
    for (const [title, path, body, code, message] of rows) {
      const status = statusOf(await api.call('POST', path, { body }));
      expect(status.code, title).to.equal(code);
      if (typeof message === 'string') expect(status.message, title).to.equal(message);
      else expect(status.message, title).to.match(message);
    }
    expect(api.log).to.deep.equal([]);
  });

  it('updates what it is asked to, under the version that it is told', async () => {
    const pod = await create('a');
    const labelled = { ...pod, metadata: { ...pod.metadata, labels: { b: 'c' } } };
    const updated = podOf(await api.call('PUT', `${podsPath}/a`, { body: labelled }));
    expect(updated.metadata.labels).to.deep.equal({ b: 'c' });
    expect(updated.metadata.generation).to.equal(1);
    expect(Number(updated.metadata.resourceVersion)).to.be.greaterThan(Number(pod.metadata.resourceVersion));
    const late = statusOf(await api.call('PUT', `${podsPath}/a`, { body: labelled }));
    expect(late).to.include({ code: 409, reason: 'Conflict' });
    expect(late.message).to.equal(
      'Operation cannot be fulfilled on pods "a": the object has been modified; please apply your changes to the latest version and try again',
    );
    // Without a version, the last one wins.
    const body = podNamed('a', {}, { labels: { d: 'e' } });
    expect(podOf(await api.call('PUT', `${podsPath}/a`, { body })).metadata.labels).to.deep.equal({ d: 'e' });
  });

  it('writes nothing where nothing changes', async () => {
    const pod = await create('a', {
      containers: [{ name: 'a', image: 'a:1', resources: { limits: { cpu: '500m' } } }],
    });
    const same = podNamed('a', {
      containers: [{ name: 'a', image: 'a:1', resources: { limits: { cpu: 0.5 } } }],
    });
    expect(podOf(await api.call('PUT', `${podsPath}/a`, { body: same }))).to.deep.equal(pod);
    const patched = await api.call('PATCH', `${podsPath}/a`, {
      body: { metadata: { labels: {} } },
      type: 'application/merge-patch+json',
    });
    expect(podOf(patched).metadata.uid).to.equal(pod.metadata.uid);
  });

  it('counts changes of the spec', async () => {
    await create('a');
    const body = { spec: { activeDeadlineSeconds: 10 } };
    const patched = await api.call('PATCH', `${podsPath}/a`, { body, type: 'application/merge-patch+json' });
    expect(podOf(patched).metadata.generation).to.equal(2);
  });

  it('refuses what is not fit for an update', async () => {
    const pod = await create('a');
    const rows: readonly (readonly [string, string, object, number, string | RegExp])[] = [
      ['nothing there', 'b', podNamed('b'), 404, 'pods "b" not found'],
      [
        'another name',
        'a',
        podNamed('b'),
        400,
        'the name of the object (b) does not match the name on the URL (a)',
      ],
      [
        'another life',
        'a',
        podNamed('a', {}, { uid: 'x' }),
        409,
        `Operation cannot be fulfilled on pods "a": Precondition failed: UID in precondition: x, UID in object meta: ${pod.metadata.uid}`,
      ],
      [
        'a fixed field',
        'a',
        podNamed('a', { hostname: 'x' }),
        422,
        /^Pod "a" is invalid: spec: Forbidden: pod updates may not change fields other than/,
      ],
      [
        'a label',
        'a',
        podNamed('a', {}, { labels: { a: '-' } }),
        422,
        /^Pod "a" is invalid: metadata\.labels: Invalid value: "-"/,
      ],
    ];
    for (const [title, name, body, code, message] of rows) {
      const status = statusOf(await api.call('PUT', `${podsPath}/${name}`, { body }));
      expect(status.code, title).to.equal(code);
      if (typeof message === 'string') expect(status.message, title).to.equal(message);
      else expect(status.message, title).to.match(message);
    }
  });

  it('keeps what clients may not change', async () => {
    const { metadata } = await create('a');
    const wish = {
      creationTimestamp: '2000-01-01T00:00:00Z',
      deletionTimestamp: '2000-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 1,
      generation: 99,
    };
    const body = { ...podNamed('a', {}, { ...wish, labels: { x: 'y' } }), status: { phase: 'Failed' } };
    const updated = podOf(await api.call('PUT', `${podsPath}/a`, { body }));
    expect(updated.metadata).to.deep.equal({
      ...metadata,
      labels: { x: 'y' },
      resourceVersion: updated.metadata.resourceVersion,
    });
    expect(updated.status?.phase).to.equal('Pending');
  });

  it('changes only the status by the subresource of that name', async () => {
    await create('a');
    const body = {
      ...podNamed('a', { hostname: 'x' }, { labels: { x: 'y' } }),
      status: { phase: 'Running' },
    };
    const updated = podOf(await api.call('PUT', `${podsPath}/a/status`, { body }));
    expect(updated.status).to.deep.equal({ phase: 'Running' });
    expect(updated.spec.hostname).to.equal(undefined);
    expect(updated.metadata.labels).to.equal(undefined);
    const patch = { status: { reason: 'Evicted' }, spec: { hostname: 'x' } };
    const patched = await api.call('PATCH', `${podsPath}/a/status`, {
      body: patch,
      type: 'application/strategic-merge-patch+json',
    });
    expect(podOf(patched).status).to.deep.equal({ phase: 'Running', reason: 'Evicted' });
    expect(podOf(await api.call('GET', `${podsPath}/a/status`)).status?.reason).to.equal('Evicted');
  });

  it('lets writers that meet each other all have their change', async () => {
    await create('a');
    const patches = Array.from({ length: 8 }, (_, index) =>
      api.call('PATCH', `${podsPath}/a`, {
        body: { metadata: { labels: { [`l${index}`]: 'x' } } },
        type: 'application/merge-patch+json',
      }),
    );
    for (const { status } of await Promise.all(patches)) expect(status).to.equal(200);
    const { metadata } = podOf(await api.call('GET', `${podsPath}/a`));
    expect(Object.keys(metadata.labels ?? {}).length).to.equal(8);
  });

  it('shows with a dry run what would be, and keeps nothing of it', async () => {
    const before = (await api.call('GET', podsPath)).value['metadata'];
    const made = await api.call('POST', `${podsPath}?dryRun=All`, { body: podNamed('a') });
    expect(made.status).to.equal(201);
    expect(podOf(made).metadata.uid).to.match(/^[0-9a-f-]{36}$/);
    expect((await api.call('GET', `${podsPath}/a`)).status).to.equal(404);
    expect((await api.call('GET', podsPath)).value['metadata']).to.deep.equal(before);
    const { metadata } = await create('a');
    const type = 'application/merge-patch+json';
    const patched = await api.call('PATCH', `${podsPath}/a?dryRun=All`, {
      body: { metadata: { labels: { x: 'y' } } },
      type,
    });
    expect(podOf(patched).metadata.labels).to.deep.equal({ x: 'y' });
    expect((await api.call('DELETE', `${podsPath}/a?dryRun=All`)).status).to.equal(200);
    expect((await api.call('DELETE', `${podsPath}/a`, { body: { dryRun: ['All'] } })).status).to.equal(200);
    expect((await api.call('POST', `${podsPath}?dryRun=All`, { body: podNamed('a') })).status).to.equal(409);
    expect(podOf(await api.call('GET', `${podsPath}/a`)).metadata).to.deep.equal(metadata);
    const wrong = statusOf(await api.call('POST', `${podsPath}?dryRun=some`, { body: podNamed('b') }));
    expect(wrong).to.include({
      code: 400,
      message: 'dryRun: Unsupported value: "some": supported values: "All"',
    });
  });

  it('lists by namespace, labels and fields', async () => {
    await create('a', {}, { labels: { app: 'x', tier: 'front' } });
    await create('b', { nodeName: 'n' }, { labels: { app: 'x' } });
    await create('c', {}, { labels: { app: 'y' } });
    const other = '/api/v1/namespaces/kube-system/pods';
    await api.call('POST', other, { body: podNamed('d', {}, { labels: { app: 'x' } }) });
    const rows: readonly (readonly [string, readonly string[]])[] = [
      [podsPath, ['a', 'b', 'c']],
      ['/api/v1/pods', ['a', 'b', 'c', 'd']],
      [other, ['d']],
      ['/api/v1/namespaces/nowhere/pods', []],
      [`${podsPath}?labelSelector=app%3Dx`, ['a', 'b']],
      ['/api/v1/pods?labelSelector=app%3Dx', ['a', 'b', 'd']],
      [`${podsPath}?labelSelector=${encodeURIComponent('app in (x),!tier')}`, ['b']],
      [`${podsPath}?fieldSelector=spec.nodeName%3Dn`, ['b']],
      [`${podsPath}?fieldSelector=spec.nodeName%3D`, ['a', 'c']],
      [`${podsPath}?fieldSelector=metadata.name%3Dc,status.phase!%3DRunning`, ['c']],
      ['/api/v1/pods?fieldSelector=metadata.namespace%3Dkube-system', ['d']],
      [`${podsPath}?labelSelector=app%3Dx&fieldSelector=metadata.name%3Da`, ['a']],
    ];
    for (const [path, names] of rows) expect(namesOf(await api.call('GET', path)), path).to.deep.equal(names);
    for (const query of ['labelSelector=app%3D%3D%3Dx', 'fieldSelector=spec.foo%3Dx'])
      expect((await api.call('GET', `${podsPath}?${query}`)).status, query).to.equal(400);
  });

  it('lists in pages', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name);
    const seen: string[] = [];
    let token = '';
    let version: unknown;
    do {
      const page = await api.call('GET', `${podsPath}?limit=2&continue=${encodeURIComponent(token)}`);
      const metadata = page.value['metadata'] as {
        continue?: string;
        remainingItemCount?: number;
        resourceVersion: string;
      };
      expect(namesOf(page).length).to.be.lessThan(3);
      seen.push(...namesOf(page));
      expect(metadata.remainingItemCount ?? 0).to.equal(5 - seen.length);
      version ??= metadata.resourceVersion;
      expect(metadata.resourceVersion).to.equal(version);
      token = metadata.continue ?? '';
    } while (token !== '');
    expect(seen).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
    for (const query of ['limit=-1', 'limit=x', 'continue=x', 'limit=1&continue=e30'])
      expect((await api.call('GET', `${podsPath}?${query}`)).status, query).to.equal(400);
  });

  it('lists at a version, where it is the present one', async () => {
    await create('a');
    const { metadata } = (await api.call('GET', podsPath)).value as { metadata: { resourceVersion: string } };
    const version = Number(metadata.resourceVersion);
    const list = (query: string) => api.call('GET', `${podsPath}?${query}`);
    for (const query of [
      'resourceVersion=0',
      `resourceVersion=${version}`,
      'resourceVersion=1',
      `resourceVersion=${version}&resourceVersionMatch=Exact`,
    ])
      expect((await list(query)).status, query).to.equal(200);
    expect(statusOf(await list('resourceVersion=1&resourceVersionMatch=Exact'))).to.include({
      code: 410,
      reason: 'Expired',
    });
    const future = statusOf(await list(`resourceVersion=${version + 1}`));
    expect(future).to.include({
      code: 504,
      reason: 'Timeout',
      message: `Too large resource version: ${version + 1}, current: ${version}`,
    });
    expect(future.details?.causes?.[0]?.reason).to.equal('ResourceVersionTooLarge');
  });
});
