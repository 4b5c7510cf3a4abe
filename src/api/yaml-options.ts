import type { DocumentOptions, ParseOptions, SchemaOptions, Tags } from 'yaml';

/** Types that Kubernetes' YAML reader does not have: there `10:20` and `2026-01-01` are texts. */
function isKubernetesTag(tag: Tags[number]): boolean {
  if (typeof tag === 'string') return true;
  if ('format' in tag && tag.format === 'TIME') return false;
  return !/:(timestamp|binary|omap|pairs|set)$/.test(tag.tag);
}

/** YAML as kubectl reads it (sigs.k8s.io/yaml): version 1.1, in which `0644` is octal and `yes` is true. */
export const yamlOptions: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.1',
  merge: true,
  uniqueKeys: true,
  customTags: tags => tags.filter(isKubernetesTag),
};
