import { expect } from 'chai';
import { defaultPod } from '../../../src/api/defaults.ts';
import { validatePodUpdate } from '../../../src/api/validation/validate-pod-update.ts';
import { podOf, textsOf } from '../support.ts';

const first = { name: 'a', image: 'a:1' };
const spec = {
  containers: [first],
  initContainers: [{ name: 'i', image: 'i:1' }],
  activeDeadlineSeconds: 100,
  tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
};
const { activeDeadlineSeconds: _, ...withoutDeadline } = spec;
const other = 'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`';

/** The change, the spec after it, and how what is said of it begins; before, the spec is the one above. */
const rows: readonly (readonly [string, object, readonly string[]])[] = [
  ['nothing', spec, []],
  ['an image', { ...spec, containers: [{ ...first, image: 'b:1' }] }, []],
  ['an init image', { ...spec, initContainers: [{ name: 'i', image: 'j:1' }] }, []],
  ['no image', { ...spec, containers: [{ name: 'a' }] }, ['spec.containers[0].image: Required value']],
  [
    'a blank image',
    { ...spec, containers: [{ ...first, image: 'b ' }] },
    ['spec.containers[0].image: Invalid value: "b ": must not have leading or trailing whitespace'],
  ],
  ['a sooner deadline', { ...spec, activeDeadlineSeconds: 0 }, []],
  [
    'a later deadline',
    { ...spec, activeDeadlineSeconds: 101 },
    ['spec.activeDeadlineSeconds: Invalid value: 101: must be less than or equal to previous value'],
  ],
  [
    'no deadline any more',
    withoutDeadline,
    ['spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value'],
  ],
  [
    'a negative deadline',
    { ...spec, activeDeadlineSeconds: -1 },
    ['spec.activeDeadlineSeconds: Invalid value: -1: must be between 0 and 2147483647, inclusive'],
  ],
  [
    'one toleration more',
    { ...spec, tolerations: [...spec.tolerations, { key: 'l', operator: 'Exists' }] },
    [],
  ],
  [
    'seconds of a toleration',
    { ...spec, tolerations: [{ ...spec.tolerations[0], tolerationSeconds: 9 }] },
    [],
  ],
  [
    'a toleration less',
    { ...spec, tolerations: [] },
    ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
  ],
  [
    'a wrong toleration',
    { ...spec, tolerations: [...spec.tolerations, { key: 'l', operator: 'x' }] },
    ['spec.tolerations[1].operator: Unsupported value: "x": supported values: "Equal", "Exists"'],
  ],
  [
    'a container more',
    { ...spec, containers: [first, { name: 'b', image: 'b' }] },
    ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  ],
  [
    'an init container less',
    { ...spec, initContainers: [] },
    ['spec.initContainers: Forbidden: pod updates may not add or remove containers'],
  ],
  ['a command', { ...spec, containers: [{ ...first, command: ['x'] }] }, [other]],
  ['a name of a container', { ...spec, containers: [{ ...first, name: 'b' }] }, [other]],
  ['a node', { ...spec, nodeName: 'n' }, [other]],
  ['a grace period', { ...spec, terminationGracePeriodSeconds: 1 }, [other]],
];

const gated = (...names: readonly string[]) => ({
  containers: [first],
  schedulingGates: names.map(name => ({ name })),
});

describe('validation of changes of pods', () => {
  it('gates', () => {
    const old = defaultPod(podOf(gated('a', 'b')));
    expect(validatePodUpdate(defaultPod(podOf(gated('b'))), old)).to.deep.equal([]);
    expect(textsOf(validatePodUpdate(defaultPod(podOf(gated('a', 'c'))), old))).to.deep.equal([
      "spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'c'",
    ]);
  });

  const before = defaultPod(podOf(spec));
  for (const [title, changed, texts] of rows) {
    it(title, () => {
      const found = textsOf(validatePodUpdate(defaultPod(podOf(changed)), before));
      expect(found.length).to.equal(texts.length);
      for (const [index, text] of texts.entries()) expect(found[index]?.slice(0, text.length)).to.equal(text);
    });
  }

  it('a deadline where there was none', () => {
    expect(validatePodUpdate(before, defaultPod(podOf(withoutDeadline)))).to.deep.equal([]);
  });

  it('labels', () => {
    const labelled = (label: string) => ({
      ...before,
      metadata: { ...before.metadata, labels: { a: label } },
    });
    expect(validatePodUpdate(labelled('b'), before)).to.deep.equal([]);
    expect(textsOf(validatePodUpdate(labelled('-'), before))[0]).to.match(
      /^metadata\.labels: Invalid value: "-"/,
    );
  });
});
